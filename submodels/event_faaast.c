/* SPDX-License-Identifier: Apache-2.0
 * event_faaast.c - topics and payloads of the message bus of FA3ST (MessageBusMqtt): "events/ValueChangeEventMessage" and so on.
 *
 * A changed value is typed there class by class; of the classes that are not written here it goes out as ElementUpdate.
 */
#include "submodels/event.h"

#include "aas/json.h"
#include "aas/path.h"
#include "aas/tree.h"
#include "aas/view.h"

static void put_text(struct buf *b, const char *s)
{
	buf_json(b, s, strlen(s));
}

static void put_value_of(struct buf *b, const struct aas_node *n)
{
	static const struct aas_view value = { .modifier = AAS_VALUE };
	aas_view_write(b, n, &value, NULL);
}

/* A Property or Range gives the type. */
static void put_typed(struct buf *b, const struct aas_node *n, const char *text, struct arena *a)
{
	union aas_slot value_type = aas_is(n, AAS_Range) ? AAS_AT(n, Range, valueType) : AAS_AT(n, Property, valueType);
	struct aas_node *p = aas_node_new(a, AAS_Property);
	if (!p) {
		b->failed = true;
		return;
	}
	AAS_AT(p, Property, valueType) = value_type;
	AAS_AT(p, Property, value).str = text;
	buf_puts(b, "\"dataType\":");
	put_text(b, aas_enum_text(AAS_ENUM_DataTypeDefXsd, value_type));
	buf_puts(b, ",\"value\":");
	put_value_of(b, p);
}

static bool has_form(const struct aas_node *n)
{
	return n && (aas_is(n, AAS_Property) || aas_is(n, AAS_Range) || aas_is(n, AAS_MultiLanguageProperty));
}

/* `text`: of a Property. */
static void put_form(struct buf *b, const struct aas_node *n, const char *text, struct arena *a)
{
	buf_printf(b, "{\"modelType\":\"%s\",", n->cls->name);
	if (aas_is(n, AAS_Property)) {
		put_typed(b, n, text, a);
	} else if (aas_is(n, AAS_Range)) {
		buf_puts(b, "\"min\":{");
		put_typed(b, n, AAS_AT(n, Range, min).str, a);
		buf_puts(b, "},\"max\":{");
		put_typed(b, n, AAS_AT(n, Range, max).str, a);
		buf_putc(b, '}');
	} else {
		buf_puts(b, "\"value\":");
		put_value_of(b, n);
	}
	buf_putc(b, '}');
}

static void put_element(struct buf *b, const struct event *e, struct arena *a)
{
	static const char *const types[STORE_N_KINDS] = {
		[STORE_SHELL] = "AssetAdministrationShell", [STORE_SUBMODEL] = "Submodel", [STORE_CONCEPT] = "ConceptDescription",
	};
	struct aas_node *ref = e->path && e->place ? aas_path_reference(a, e->place) : NULL;
	if (ref) {
		aas_json_write(b, ref);
		return;
	}
	buf_printf(b, "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"%s\",\"value\":", types[e->line->kind]);
	put_text(b, e->line->id);
	buf_puts(b, "}]}");
}

/* What the Property, Range or text was before: its text is in the line, of the others the document is needed. */
static enum err put_values(struct buf *b, struct event_writer *w, const struct event *e)
{
	const struct aas_node *root = NULL;
	struct aas_node *old = NULL;
	enum err err = e->texts ? ERR_OK : event_tree(w->trees, e->line, true, &root);
	if (err)
		return err;
	if (root)
		aas_path_find(root, e->path, strlen(e->path), &old, NULL);
	bool property = aas_is(e->node, AAS_Property);
	if (e->texts || (old && old->cls == e->node->cls)) {
		buf_puts(b, ",\"oldValue\":");
		put_form(b, old ? old : e->node, e->texts ? e->before : property ? AAS_AT(old, Property, value).str : NULL, w->arena);
	}
	buf_puts(b, ",\"newValue\":");
	put_form(b, e->node, property ? AAS_AT(e->node, Property, value).str : NULL, w->arena);
	return ERR_OK;
}

static void put_object(struct buf *b, const struct aas_node *n)
{
	buf_puts(b, ",\"value\":");
	aas_json_write(b, n);
}

enum err event_write_faaast(struct event_writer *w, const struct event *e)
{
	static const char *const names[N_FEED_TYPES] = {
		[EVENT_CREATED] = "ElementCreateEvent", [EVENT_UPDATED] = "ElementUpdateEvent", [EVENT_DELETED] = "ElementDeleteEvent",
		[EVENT_VALUE] = "ValueChangeEvent",
	};
	bool value = e->type == EVENT_VALUE && has_form(e->node);
	struct buf b;
	enum err err = ERR_OK;
	if (e->line->kind > STORE_CONCEPT || e->type >= N_FEED_TYPES)
		return ERR_OK;
	const char *name = names[e->type == EVENT_VALUE && !value ? EVENT_UPDATED : e->type];
	buf_init(&b, w->conf->payload_max ? w->conf->payload_max : EVENT_PAYLOAD_MAX);
	buf_printf(&b, "{\"@type\":\"%s\",\"element\":", name);
	put_element(&b, e, w->arena);
	size_t bare = b.n;
	if (value)
		err = put_values(&b, w, e);
	else if (e->node)
		put_object(&b, e->node);
	if (b.full) {		/* without its object */
		b.n = bare;
		b.failed = b.full = false;
	}
	buf_putc(&b, '}');
	struct event_message m = {
		.topic = arena_printf(w->arena, "events/%sMessage", name), .content_type = "application/json",
		.payload = { err || b.failed ? NULL : arena_strndup(w->arena, b.p, b.n), b.n },
	};
	buf_fini(&b);
	return err ? err : m.payload.p && m.topic && w->emit(w->ctx, &m) ? ERR_OK : ERR_NO_MEMORY;
}
