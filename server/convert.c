/* SPDX-License-Identifier: Apache-2.0
 * convert.c - `twinshell convert`: an environment from one form into another.
 *
 * Texts pass through one identifiable at a time.  XML wants the three lists in its order; where they come in another, the input is
 * read once for each.  A package is held whole, except its files, which stay where they are until they are copied.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "aas/aasx.h"
#include "aas/environment.h"
#include "aas/tree.h"
#include "aas/xml.h"
#include "server/client.h"
#include "server/whole.h"

#define LISTS 3
#define ALL_LISTS ((1u << LISTS) - 1)

/* What --from, --to and the ends of names say.  A form without `read` is a package, or is only written. */
static const struct form {
	const char *name, *suffix;
	enum err (*read)(struct source, const struct aas_items *, struct diag *);
	bool package;
	enum aas_format text;
	enum aasx_form spec;
} forms[] = {
	{ "json", ".json", aas_json_read_items, false, AAS_FORMAT_JSON, 0 },
	{ "xml", ".xml", aas_xml_read_items, false, AAS_FORMAT_XML, 0 },
	{ "aasx", ".aasx", NULL, true, 0, AASX_JSON },
	{ "aasx-xml", NULL, NULL, true, 0, AASX_XML },
	{ "ttl", ".ttl", NULL, false, AAS_FORMAT_TURTLE, 0 },
	{ "jsonld", ".jsonld", NULL, false, AAS_FORMAT_JSONLD, 0 },
};
#define N_FORMS (sizeof forms / sizeof *forms)

struct words {
	const struct form *from, *to;
	enum aas_version version;
	bool anyway;
	const char *name[2];
	unsigned names;
};

/* A file of the package that is read, opened at its first byte. */
struct passed_on {
	struct zip_file *zip;
	const struct zip_entry *entry;
	struct zip_stream *stream;
};

struct job {
	const struct words *w;
	const struct form *from;
	struct whole_in in;
	struct whole_out out;
	struct diag d, writing;		/* of the reader, and of the writer: paths of their own */
	struct arena *arena;		/* of a package, or of what becomes one */
	struct aasx_reader *reader;	/* NULL: the input is a text */
	struct aasx package;
	struct passed_on *files;	/* of it, that are copied */
	size_t n_files;
	struct aas_writer *writer;	/* NULL: `package` is gathered */
	struct aas_node **tail[LISTS];	/* of it */
	unsigned wanted, told;		/* lists: of this pass; whose faults have been told before it */
	unsigned seen;			/* in this pass */
	int last;
	bool muted, refused, disorder;
	size_t findings;
};

/* ---- words ------------------------------------------------------------------------------------------------------------------------- */

static int usage(const char *why, const char *word)
{
	if (why)
		fprintf(stderr, "twinshell: %s \"%s\"\n", why, word);
	fputs("usage: twinshell convert [--from FORMAT] [--to FORMAT] [--to-version 3.0|3.1] [--anyway] IN OUT\n", stderr);
	return EX_USAGE;
}

static const struct form *form_named(const char *name)
{
	for (size_t i = 0; i < N_FORMS; i++)
		if (str_eq(forms[i].name, name))
			return &forms[i];
	return NULL;
}

static const struct form *form_of_file(const char *name)
{
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < N_FORMS; i++)
		if (forms[i].suffix && str_eq(forms[i].suffix, dot))
			return &forms[i];
	return NULL;
}

static bool readable(const struct form *f)
{
	return f && (f->read || f->package);
}

static bool take_from(struct words *w, const char *value)
{
	return readable(w->from = form_named(value));
}

static bool take_to(struct words *w, const char *value)
{
	return (w->to = form_named(value)) != NULL;
}

static bool take_version(struct words *w, const char *value)
{
	w->version = str_eq(value, "3.0") ? AAS_V3_0 : AAS_V3_1;
	return str_eq(value, "3.0") || str_eq(value, "3.1");
}

static const struct option {
	const char *name;
	bool (*take)(struct words *, const char *value);
	const char *why;
} options[] = {
	{ "--from", take_from, "--from is json, xml or aasx, not" },
	{ "--to", take_to, "--to is json, xml, aasx, aasx-xml, ttl or jsonld, not" },
	{ "--to-version", take_version, "--to-version is 3.0 or 3.1, not" },
};

/* The word, and its value behind = or in the next word. */
static int take_option(struct words *w, char ***at, char **end)
{
	const char *word = **at, *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	if (str_eq(word, "--anyway"))
		return w->anyway = true, EX_OK;
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		const struct option *o = &options[i];
		if (strlen(o->name) != n || strncmp(o->name, word, n) != 0)
			continue;
		const char *value = equals ? equals + 1 : *at + 1 < end ? *++*at : "";
		return o->take(w, value) ? EX_OK : usage(o->why, value);
	}
	return usage("there is no option", word);
}

static int take_words(struct words *w, int argc, char **argv)
{
	int status = EX_OK;
	for (char **at = argv, **end = argv + argc; !status && at < end; at++) {
		if (**at == '-' && (*at)[1])
			status = take_option(w, &at, end);
		else if (w->names < 2)
			w->name[w->names++] = *at;
		else
			return usage("there is no use for the word", *at);
	}
	if (status)
		return status;
	if (w->names < 2)
		return usage(NULL, NULL);
	if (!w->from && (w->from = form_of_file(w->name[0])) && !readable(w->from))
		return usage("Turtle and JSON-LD are only written; cannot read", w->name[0]);
	if (!w->to && !(w->to = form_of_file(w->name[1])))
		return usage("say --to: the name does not tell the format of", w->name[1]);
	return EX_OK;
}

/* ---- messages ---------------------------------------------------------------------------------------------------------------------- */

/* As `twinshell check` has them, but on standard error. */
static void finding(void *ctx, const struct diag_message *m)
{
	struct job *j = ctx;
	if (!m->err)		/* strange, but no fault */
		return;
	j->findings++;
	if (j->out.failed || m->err == ERR_IO)
		fprintf(stderr, "%s: %s\n", j->out.failed ? j->out.name : j->in.name, m->text);
	else if (!j->muted || m->err != ERR_BAD_REQUEST)
		fprintf(stderr, "%s: %s%s%s%s%s%s\n", j->in.name, m->path, *m->path ? ": " : "", m->rule ? "[" : "", m->rule ? m->rule : "",
			m->rule ? "] " : "", m->text);
}

static int status_of(const struct job *j, enum err e)
{
	if (e && !j->findings)
		fprintf(stderr, "%s: %s\n", j->in.name, err_info[e].text);
	if (j->out.failed)
		return j->out.fd < 0 && !j->out.temp[0] ? EX_CANTCREAT : EX_IOERR;
	if (j->in.failed)
		return EX_NOINPUT;
	return e == ERR_OK ? EX_OK : e == ERR_NO_MEMORY ? EX_OSERR : EX_DATAERR;
}

/* ---- reading ----------------------------------------------------------------------------------------------------------------------- */

/* The word, the end of the name, or else the first bytes tell. */
static const struct form *form_of_input(struct job *j)
{
	char head[1024];
	size_t n = j->in.size < sizeof head ? j->in.size : sizeof head;
	if (j->w->from)
		return j->w->from;
	if (!whole_in_at(&j->in, 0, head, n))
		return form_named("json");
	return form_named(aasx_is(head, n) ? "aasx" : aas_xml_is(head, n) ? "xml" : "json");
}

static enum err open_package(struct job *j)
{
	struct zip_bytes bytes = { NULL, j->in.size, whole_in_at, &j->in };
	if (!(j->arena = arena_new(0)))
		return diag_add(&j->d, ERR_NO_MEMORY, "not enough memory");
	return j->from->package ? aasx_open(j->arena, &bytes, &j->reader, &j->package, &j->d) : ERR_OK;
}

/* The lists in the order of the metamodel. */
static enum err each_of_package(struct job *j, const struct aas_items *items)
{
	enum err e = ERR_OK;
	for (unsigned i = 0; i < LISTS; i++)
		for (struct aas_node *n = j->package.environment->slot[i].node; n && !e; n = n->next)
			e = items->item(items->ctx, j->arena, n, &j->d);
	return e;
}

/* All of the input, but only the lists that are wanted. */
static enum err pass(struct job *j, unsigned wanted, enum err (*item)(void *, struct arena *, struct aas_node *, struct diag *))
{
	struct aas_items items = { item, j, 0 };
	j->wanted = wanted;
	return j->from->package ? each_of_package(j, &items) : j->from->read(whole_in_source(&j->in), &items, &j->d);
}

static unsigned list_of(const struct aas_node *n)
{
	unsigned i = 0;
	while (aas_classes[AAS_Environment].props[i].type != n->cls->id)
		i++;
	return i;
}

/* ---- into a text ------------------------------------------------------------------------------------------------------------------- */

/* What V3.0 lacks is told for all identifiables before they are refused. */
static enum err write_item(void *ctx, struct arena *a, struct aas_node *n, struct diag *d)
{
	struct job *j = ctx;
	int list = (int)list_of(n);
	(void)a, (void)d;
	if (!(j->wanted >> list & 1))
		return ERR_OK;
	if (j->w->to->text == AAS_FORMAT_XML && list < j->last) {
		j->disorder = true;
		return ERR_CONFLICT;
	}
	j->last = list;
	j->seen |= 1u << list;
	j->muted = j->told >> list & 1;
	enum err e = aas_writer_add(j->writer, n, &j->writing);
	j->muted = false;
	if (e != ERR_BAD_REQUEST)
		return e;
	j->refused = true;
	return ERR_OK;
}

static enum err begin_text(struct job *j)
{
	aas_writer_free(j->writer);
	j->writer = aas_writer_new(j->w->to->text, j->w->version, j->w->anyway, whole_out_sink(&j->out));
	j->last = 0;
	return j->writer ? ERR_OK : diag_add(&j->d, ERR_NO_MEMORY, "not enough memory");
}

static enum err write_text(struct job *j)
{
	enum err e = begin_text(j);
	if (!e)
		e = pass(j, ALL_LISTS, write_item);
	if (j->disorder && !(e = whole_out_again(&j->out, &j->writing)) && !(e = begin_text(j))) {
		j->told = j->seen;
		for (unsigned i = 0; i < LISTS && !e; i++)
			e = pass(j, 1u << i, write_item);
	}
	return e ? e : aas_writer_end(j->writer, &j->writing);
}

static void name_lost_files(const struct job *j)
{
	for (const struct aasx_file *f = j->package.files; f; f = f->next)
		fprintf(stderr, "%s: note: %s is left out, only a package holds files\n", j->in.name, f->path);
}

/* ---- into a package ---------------------------------------------------------------------------------------------------------------- */

static enum err gather_item(void *ctx, struct arena *a, struct aas_node *n, struct diag *d)
{
	struct job *j = ctx;
	struct aas_node *copy = aas_copy(j->arena, n);
	struct aas_node ***tail = &j->tail[list_of(n)];
	(void)a;
	if (!copy)
		return diag_add(d, ERR_NO_MEMORY, "not enough memory for all that a package is to hold");
	copy->parent = j->package.environment;
	**tail = copy;
	*tail = &copy->next;
	return ERR_OK;
}

/* A text becomes the environment of a package without files. */
static enum err gather(struct job *j)
{
	struct aas_node *env = j->package.environment = aas_node_new(j->arena, AAS_Environment);
	for (unsigned i = 0; env && i < LISTS; i++)
		j->tail[i] = &env->slot[i].node;
	return env ? pass(j, ALL_LISTS, gather_item) : diag_add(&j->d, ERR_NO_MEMORY, "not enough memory");
}

static enum err pass_on(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct passed_on *f = ctx;
	enum err e = f->stream ? ERR_OK : zip_stream_open(f->zip, f->entry, &f->stream, d);
	*got = 0;
	if (!e)
		e = zip_stream_read(f->stream, p, n, got, d);
	if (e || !*got) {
		zip_stream_close(f->stream);
		f->stream = NULL;
	}
	return e;
}

/* One part per name; names of the same bytes share them. */
static enum err keep_files(struct job *j, struct aasx_content *c)
{
	size_t n = 0;
	for (const struct aasx_file *f = j->package.files; f; f = f->next)
		n++;
	struct aasx_part *part = ARENA_ARRAY(j->arena, struct aasx_part, n + 1);
	struct passed_on *from = j->files = ARENA_ARRAY(j->arena, struct passed_on, n + 1);
	if (!part || !from)
		return diag_add(&j->d, ERR_NO_MEMORY, "not enough memory");
	c->part = part;
	j->n_files = n;
	for (const struct aasx_file *f = j->package.files; f; f = f->next) {
		struct aasx_part *p = &part[c->n];
		from[c->n] = (struct passed_on){ .zip = aasx_archive(j->reader), .entry = f->part };
		*p = (struct aasx_part){ .value = f->path, .content_type = f->content_type, .input = { pass_on, &from[c->n] } };
		for (size_t i = 0; i < c->n && !p->same; i++)
			if (from[i].entry == f->part)
				p->same = &part[i];
		if (j->package.thumbnail && str_eq(j->package.thumbnail, f->path))
			c->thumbnail = p;
		c->n++;
	}
	return ERR_OK;
}

static enum err write_package(struct job *j)
{
	struct aasx_content c = { .form = j->w->to->spec, .version = j->w->version };
	enum err e = j->from->package ? keep_files(j, &c) : gather(j);
	if (e)
		return e;
	c.environment = j->package.environment;
	if (j->w->version == AAS_V3_0 && aas_v30_check(c.environment, &j->writing) && !j->w->anyway) {
		j->refused = true;
		return ERR_OK;
	}
	return aasx_write(j->arena, whole_out_sink(&j->out), &c, &j->writing);
}

/* ---- all of it --------------------------------------------------------------------------------------------------------------------- */

static enum err run(struct job *j)
{
	const struct words *w = j->w;
	enum err e = whole_in_open(&j->in, w->name[0], &j->d);
	if (e)
		return e;
	j->from = form_of_input(j);
	if (j->from->package || w->to->package)
		e = open_package(j);
	if (e || (e = whole_out_open(&j->out, w->name[1], &j->writing)))
		return e;
	e = w->to->package ? write_package(j) : write_text(j);
	if (!e && j->refused) {
		fprintf(stderr, "%s: this is not of V3.0, nothing is written; --anyway writes it as it is\n", j->in.name);
		return ERR_BAD_REQUEST;
	}
	if (!e && !(e = whole_out_commit(&j->out, &j->writing)) && !w->to->package)
		name_lost_files(j);
	return e;
}

int convert_files(int argc, char **argv)
{
	struct words w = { .version = AAS_V3_1 };
	struct job j = { .w = &w, .in = { .fd = -1 }, .out = { .fd = -1 }, .d = DIAG_INIT, .writing = DIAG_INIT };
	int status = take_words(&w, argc, argv);
	if (status)
		return status;
	j.d.sink = j.writing.sink = finding;
	j.d.ctx = j.writing.ctx = &j;
	status = status_of(&j, run(&j));
	for (size_t i = 0; i < j.n_files; i++)
		zip_stream_close(j.files[i].stream);
	aas_writer_free(j.writer);
	aasx_close(j.reader);
	arena_free(j.arena);
	whole_out_close(&j.out);
	whole_in_close(&j.in);
	diag_fini(&j.d);
	diag_fini(&j.writing);
	return status;
}
