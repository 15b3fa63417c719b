/* SPDX-License-Identifier: Apache-2.0
 * event_format.c - the table of forms, and CloudEvents (CloudEvents 1.0.2, "JSON Event Format", structured mode).
 */
#include "submodels/event.h"

#include "aas/json.h"
#include "aas/view.h"
#include "base/clock.h"

#define SCHEMAS "https://api.swaggerhub.com/domains/Plattform_i40/Part1-MetaModel-Schemas/V3.1.0#/components/schemas/"
#define TYPES "io.admin-shell.events.v1."

static void put_member(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, text, strlen(text));
}

/* The class of what it is about, also when the object is gone. */
static const char *class_name(const struct event *e)
{
	static const char *const names[STORE_N_KINDS] = {
		[STORE_SHELL] = "AssetAdministrationShell", [STORE_SUBMODEL] = "Submodel", [STORE_CONCEPT] = "ConceptDescription",
	};
	return e->path ? e->node ? e->node->cls->name : NULL : names[e->line->kind];
}

/* The value as its type has it, or the whole object; nothing where there is none or it is too large. */
static bool put_data(struct buf *out, const struct event_config *conf, const struct event *e)
{
	static const struct aas_view value = { .modifier = AAS_VALUE };
	struct buf data;
	if (conf->slim || !e->node || e->type == EVENT_DELETED || e->type >= N_FEED_TYPES)
		return false;
	buf_init(&data, conf->payload_max ? conf->payload_max : EVENT_PAYLOAD_MAX);
	if (e->type == EVENT_VALUE && e->node->cls->shape != AAS_SHAPE_NONE)
		aas_view_write(&data, e->node, &value, NULL);
	else
		aas_json_write(&data, e->node);
	bool there = !data.failed && data.n;
	if (there)
		buf_slice(out, buf_view(&data));
	out->failed |= data.failed && !data.full;
	buf_fini(&data);
	return there;
}

enum err event_cloud(struct buf *b, const struct event_config *conf, const struct event *e, struct arena *a)
{
	char id[EVENT_ID_MAX], when[TIME_TEXT_MAX];
	const char *resource = event_resource(a, e->line->kind, e->line->id, e->path), *class = class_name(e), *semantic = event_semantic_id(e->node);
	const char *source = resource ? arena_printf(a, "%s%s", conf->url ? conf->url : "", resource) : NULL;
	const char *schema = class ? arena_printf(a, SCHEMAS "%s", class) : NULL;
	struct buf data = BUF_INIT;
	if (!source || (class && !schema))
		return ERR_NO_MEMORY;
	event_id(e, id);
	time_format(when, e->line->recorded_us);
	buf_puts(b, "{\"specversion\":\"1.0\"");
	put_member(b, "id", id);
	buf_printf(b, ",\"type\":\"" TYPES "%s\"", event_type_name[e->type]);
	put_member(b, "source", source);
	put_member(b, "time", when);
	if (semantic)
		put_member(b, "semanticid", semantic);
	if (schema)
		put_member(b, "dataschema", schema);
	if (put_data(&data, conf, e)) {
		buf_puts(b, ",\"datacontenttype\":\"application/json\",\"data\":");
		buf_slice(b, buf_view(&data));
	}
	buf_putc(b, '}');
	b->failed |= data.failed;
	buf_fini(&data);
	return b->failed ? ERR_NO_MEMORY : ERR_OK;
}

static enum err write_cloud(struct event_writer *w, const struct event *e)
{
	struct buf b = BUF_INIT;
	enum err err = event_cloud(&b, w->conf, e, w->arena);
	struct event_message m = {
		.topic = w->conf->topic && *w->conf->topic ? w->conf->topic : "noauth", .content_type = "application/cloudevents+json",
		.payload = { err ? NULL : arena_strndup(w->arena, b.p, b.n), b.n },
	};
	buf_fini(&b);
	return err ? err : m.payload.p && w->emit(w->ctx, &m) ? ERR_OK : ERR_NO_MEMORY;
}

const struct event_format event_formats[EVENT_FORMATS] = {
	{ "cloudevents", write_cloud }, { "basyx", event_write_basyx }, { "basyx-legacy", event_write_basyx_legacy },
	{ "faaast", event_write_faaast },
};

static bool find_format(struct slice word, unsigned *bit)
{
	for (unsigned i = 0; i < EVENT_FORMATS; i++)
		if (slice_is(word, event_formats[i].name)) {
			*bit = 1u << i;
			return true;
		}
	return false;
}

enum err event_formats_read(const char *list, unsigned *set, struct diag *d)
{
	*set = 0;
	if (!*list || str_eq(list, "none"))
		return ERR_OK;
	for (const char *p = list;; p++) {
		struct slice word = { p, strcspn(p, ",") };
		unsigned bit;
		if (!find_format(word, &bit))
			return diag_add(d, ERR_BAD_REQUEST, "\"%.*s\" is no form of events; there are none, or cloudevents, basyx, basyx-legacy and "
					"faaast with commas between", (int)(word.n < 60 ? word.n : 60), p);
		*set |= bit;
		p += word.n;
		if (!*p)
			return ERR_OK;
	}
}
