/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/environment.h"

#include <stdlib.h>

#include "aas/json.h"
#include "aas/rdf.h"
#include "aas/xml.h"
#include "base/buf.h"

#define SPILL ((size_t)65536)
#define LISTS 3

struct aas_writer {
	const struct format *format;
	enum aas_version version;
	bool anyway;
	struct sink sink;
	bool checked;		/* for V3.0, by the caller */
	struct buf b;		/* what the sink has not got */
	size_t n[LISTS], total;	/* written */
	size_t seen[LISTS];	/* added, refused ones among them: they count in paths */
	int list;		/* the list that is open, -1 before the first */
};

struct format {
	void (*begin)(struct aas_writer *);
	void (*open)(struct aas_writer *, const struct aas_prop *list, bool first);
	void (*item)(struct aas_writer *, const struct aas_node *);
	void (*close)(struct aas_writer *, const struct aas_prop *list);
	void (*end)(struct aas_writer *);
	bool grouped, ordered;	/* the items of a list come together; the lists come in their order */
};

/* ---- formats ------------------------------------------------------------------------------ */

static void no_bracket(struct aas_writer *w, const struct aas_prop *list)
{
	(void)w, (void)list;
}

static void no_opening(struct aas_writer *w, const struct aas_prop *list, bool first)
{
	(void)w, (void)list, (void)first;
}

static void json_begin(struct aas_writer *w)
{
	buf_putc(&w->b, '{');
}

static void json_open(struct aas_writer *w, const struct aas_prop *list, bool first)
{
	buf_printf(&w->b, "%s%s[", first ? "" : ",", list->key);
}

static void json_item(struct aas_writer *w, const struct aas_node *n)
{
	if (w->n[w->list])
		buf_putc(&w->b, ',');
	aas_json_write(&w->b, n);
}

static void json_close(struct aas_writer *w, const struct aas_prop *list)
{
	(void)list;
	buf_putc(&w->b, ']');
}

static void json_end(struct aas_writer *w)
{
	buf_putc(&w->b, '}');
}

static void xml_begin(struct aas_writer *w)
{
	buf_printf(&w->b, AAS_XML_DECLARATION "<environment xmlns=\"%s\">", aas_xml_namespace(w->version));
}

static void xml_open(struct aas_writer *w, const struct aas_prop *list, bool first)
{
	(void)first;
	buf_printf(&w->b, "<%s>", list->name);
}

static void xml_item(struct aas_writer *w, const struct aas_node *n)
{
	aas_xml_write_element(&w->b, n);
}

static void xml_close(struct aas_writer *w, const struct aas_prop *list)
{
	buf_printf(&w->b, "</%s>", list->name);
}

static void xml_end(struct aas_writer *w)
{
	buf_puts(&w->b, "</environment>");
}

#define RDF_FORMAT(name, SYNTAX) \
	static void name##_begin(struct aas_writer *w) \
	{ \
		aas_rdf_begin(&w->b, SYNTAX, w->version); \
	} \
	static void name##_item(struct aas_writer *w, const struct aas_node *n) \
	{ \
		aas_rdf_item(&w->b, n, w->total, w->n[w->list], SYNTAX, w->version); \
	} \
	static void name##_end(struct aas_writer *w) \
	{ \
		aas_rdf_end(&w->b, SYNTAX); \
	}
RDF_FORMAT(turtle, AAS_RDF_TURTLE)
RDF_FORMAT(jsonld, AAS_RDF_JSONLD)

static const struct format formats[] = {
	[AAS_FORMAT_JSON] = { json_begin, json_open, json_item, json_close, json_end, true, false },
	[AAS_FORMAT_XML] = { xml_begin, xml_open, xml_item, xml_close, xml_end, true, true },
	[AAS_FORMAT_TURTLE] = { turtle_begin, no_opening, turtle_item, no_bracket, turtle_end, false, false },
	[AAS_FORMAT_JSONLD] = { jsonld_begin, no_opening, jsonld_item, no_bracket, jsonld_end, false, false },
};

/* ---- the writer ----------------------------------------------------------------------------- */

static const struct aas_prop *list_of(int i)
{
	return &aas_classes[AAS_Environment].props[i];
}

struct aas_writer *aas_writer_new(enum aas_format format, enum aas_version version, bool anyway, struct sink sink)
{
	struct aas_writer *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	*w = (struct aas_writer){ .format = &formats[format], .version = version, .anyway = anyway, .sink = sink, .list = -1 };
	buf_init(&w->b, 0);
	w->format->begin(w);
	return w;
}

void aas_writer_free(struct aas_writer *w)
{
	if (w)
		buf_fini(&w->b);
	free(w);
}

static enum err spill(struct aas_writer *w, struct diag *d)
{
	if (w->b.failed)
		return diag_add(d, ERR_NO_MEMORY, "not enough memory to write the text");
	enum err e = w->b.n ? w->sink.write(w->sink.ctx, w->b.p, w->b.n, d) : ERR_OK;
	buf_reset(&w->b);
	return e;
}

/* The list becomes the one that is open. */
static enum err enter_list(struct aas_writer *w, int list, struct diag *d)
{
	if (list == w->list)
		return ERR_OK;
	if ((w->format->grouped && w->n[list]) || (w->format->ordered && list < w->list))
		return diag_add(d, ERR_CONFLICT, "%s cannot be continued after %s in this format", list_of(list)->name, list_of(w->list)->name);
	if (w->list >= 0)
		w->format->close(w, list_of(w->list));
	w->format->open(w, list_of(list), w->list < 0);
	w->list = list;
	return ERR_OK;
}

/* The path is that of the identifiable in the whole. */
static enum err check_version(struct aas_writer *w, const struct aas_node *n, int list, struct diag *d)
{
	struct diag own = DIAG_INIT, *use = d ? d : &own;
	struct diag_frame name, index;
	if (w->version != AAS_V3_0 || w->checked)
		return ERR_OK;
	diag_push(use, &name, list_of(list)->name);
	diag_push_index(use, &index, w->seen[list]);
	enum err e = aas_v30_check(n, use);
	diag_pop(use);
	diag_pop(use);
	diag_fini(&own);
	return w->anyway ? ERR_OK : e;
}

enum err aas_writer_add(struct aas_writer *w, const struct aas_node *n, struct diag *d)
{
	int list = 0;
	while (list < LISTS && list_of(list)->type != n->cls->id)
		list++;
	if (list == LISTS)
		return diag_add(d, ERR_BAD_REQUEST, "a %s is no identifiable", n->cls->name);
	enum err e = check_version(w, n, list, d);
	w->seen[list]++;
	if (e || (e = enter_list(w, list, d)))
		return e;
	w->format->item(w, n);
	w->n[w->list]++;
	w->total++;
	return w->b.failed || w->b.n >= SPILL ? spill(w, d) : ERR_OK;
}

enum err aas_writer_end(struct aas_writer *w, struct diag *d)
{
	if (w->list >= 0)
		w->format->close(w, list_of(w->list));
	w->format->end(w);
	return spill(w, d);
}

enum err aas_environment_write(enum aas_format format, enum aas_version version, bool anyway, struct sink sink, const struct aas_node *environment,
			       struct diag *d)
{
	enum err e = version == AAS_V3_0 ? aas_v30_check(environment, d) : ERR_OK;
	if (e && !anyway)
		return e;
	struct aas_writer *w = aas_writer_new(format, version, true, sink);
	if (!w)
		return diag_add(d, ERR_NO_MEMORY, "not enough memory to write the text");
	w->checked = true;
	e = ERR_OK;
	for (unsigned i = 0; i < LISTS; i++)
		for (const struct aas_node *n = environment->slot[i].node; n && !e; n = n->next)
			e = aas_writer_add(w, n, d);
	if (!e)
		e = aas_writer_end(w, d);
	aas_writer_free(w);
	return e;
}
