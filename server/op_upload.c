/* SPDX-License-Identifier: Apache-2.0
 * op_upload.c - POST /upload: an AASX package, or an environment as JSON or XML, all or nothing (what the BaSyx web UI asks for).
 *
 * What it is, the bytes tell: browsers send any content type.  ?ignore-duplicates=true leaves alone what exists, ?replace=true
 * replaces it; without either an identifiable that exists is a conflict.  The answer is a report (docs/http.md): what was done and what is
 * strange, or every fault.  ?dry-run=true does all of it, and then leaves nothing behind.
 */
#include "aas/aasx.h"
#include "aas/environment.h"
#include "aas/json.h"
#include "aas/xml.h"
#include "server/call.h"
#include "server/op.h"

#define STREAM_MIN ((int64_t)1 << 20)	/* bytes of a text from which on it is read in pieces */

/* Who wants to know how far it is. */
struct teller {
	struct call *c;
	int64_t at;			/* bytes of the file that have been read */
	const char *phase;
};

static void tell(struct teller *t, const struct sm_import_report *r)
{
	struct call *c = t->c;
	if (c->progress)
		c->progress(c, &(struct call_progress){ t->phase, t->at, scratch_size(c->upload->file), r });
}

static void step(void *ctx, const struct sm_import_report *r)
{
	struct teller *t = ctx;
	t->phase = "storing";
	tell(t, r);
}

static char first_byte(struct slice s)
{
	if (s.n >= 3 && !memcmp(s.p, "\xEF\xBB\xBF", 3))
		s.p += 3, s.n -= 3;
	while (s.n && strchr(" \t\r\n", *s.p))
		s.p++, s.n--;
	return s.n ? *s.p : 0;
}

/* A text is read whole; the files of a package stay in it, *archive is to be closed then.  ERR_BAD_REQUEST with an environment: that is what
 * could be read, and all faults have been told. */
static enum err read_package(struct call *c, struct aasx *out, struct aasx_reader **archive)
{
	const struct scratch *file = c->upload->file;
	struct zip_bytes bytes = op_zip_of(c->upload->file);
	size_t n = bytes.n < 4 ? bytes.n : 4;
	char *p = arena_raw(c->arena, n + 1);
	enum err e = p ? scratch_read(file, 0, p, n, &c->diag) : ERR_NO_MEMORY;
	*out = (struct aasx){ 0 };
	*archive = NULL;
	if (e)
		return e;
	if (aasx_is(p, n))
		return aasx_open(c->arena, &bytes, archive, out, &c->diag);
	if (bytes.n > AASX_SPEC_MAX)
		return diag_add(&c->diag, ERR_TOO_LARGE, "an environment may have %zu bytes here", AASX_SPEC_MAX);
	if (!(p = arena_raw(c->arena, bytes.n + 1)))
		return ERR_NO_MEMORY;
	if ((e = scratch_read(file, 0, p, bytes.n, &c->diag)))
		return e;
	struct slice text = { p, bytes.n };
	char first = first_byte(text);
	bool utf16 = text.n > 1 && (!memcmp(p, "\xFF\xFE", 2) || !memcmp(p, "\xFE\xFF", 2));
	if (first == '<' || utf16)
		return aas_xml_collect(c->arena, AAS_Environment, p, text.n, &out->environment, &c->diag);
	if (first == '{')
		return aas_json_read(c->arena, AAS_Environment, p, text.n, AAS_JSON_COLLECT, &out->environment, &c->diag);
	return diag_add(&c->diag, ERR_MEDIA_TYPE, "neither an AASX package nor an environment in JSON or XML");
}

static bool asked(const struct call *c, const char *name)
{
	const char *v = call_query(c, name);
	return v && str_eq(v, "true");
}

static void put_items(struct buf *b, const struct sm_import_report *r)
{
	static const char *const types[] = {
		[STORE_SHELL] = "AssetAdministrationShell", [STORE_SUBMODEL] = "Submodel", [STORE_CONCEPT] = "ConceptDescription",
	};
	size_t n = 0;
	buf_puts(b, "\"items\":[");
	for (const struct sm_import_item *i = r->items; i; i = i->next, n++) {
		buf_printf(b, "%s{\"modelType\":\"%s\",\"id\":", n ? "," : "", types[i->kind]);
		buf_json(b, i->id, strlen(i->id));
		buf_printf(b, ",\"done\":\"%s\"}", i->done);
	}
	buf_printf(b, "],\"moreItems\":%zu", r->n_items - n);
}

static enum err read_whole(struct call *c, enum sm_import_mode mode, struct sm_import_report *r, struct teller *t)
{
	struct aasx_reader *archive;
	struct aasx package;
	enum err err = read_package(c, &package, &archive);
	t->at = scratch_size(c->upload->file);
	if (!err || (err == ERR_BAD_REQUEST && package.environment && c->findings->faults))
		err = sm_import_all(c->session, &package, mode, c->findings, r);
	aasx_close(archive);
	return err;
}

static enum err read_piece(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct teller *from = ctx;
	const struct scratch *file = from->c->upload->file;
	int64_t left = scratch_size(file) - from->at;
	*got = left < (int64_t)n ? (size_t)left : n;
	enum err err = *got ? scratch_read(file, from->at, p, *got, d) : ERR_OK;
	from->at += (int64_t)*got;
	return err;
}

/* A large text one identifiable at a time.  Should there be a fault, the next attempt finds all of them, unless it is too large for that. */
static enum err read_pieces(struct call *c, enum sm_import_mode mode, struct sm_import_report *r, struct teller *t, bool *done)
{
	const struct scratch *file = c->upload->file;
	int64_t size = scratch_size(file);
	bool large = size > (int64_t)AASX_SPEC_MAX;
	char start[64];
	size_t n = size < (int64_t)sizeof start ? (size_t)size : sizeof start;
	enum err err = scratch_read(file, 0, start, n, &c->diag);
	char first = err ? 0 : first_byte((struct slice){ start, n });
	*done = err || (size >= STREAM_MIN && (large || c->attempt == 1) && (first == '{' || first == '<'));
	if (err || !*done)
		return err;
	err = sm_import_stream(c->session, first == '{' ? aas_json_read_items : aas_xml_read_items, (struct source){ read_piece, t }, mode, r);
	return !large && (err == ERR_BAD_REQUEST || err == ERR_CONFLICT) ? ERR_AGAIN : err;
}

enum err op_upload(struct call *c)
{
	enum sm_import_mode mode = asked(c, "replace") ? SM_IMPORT_REPLACE :
				   asked(c, "ignore-duplicates") ? SM_IMPORT_IGNORE_DUPLICATES : SM_IMPORT_NEW;
	struct buf *b = &c->reply.body;
	struct sm_import_report r = { 0 };
	struct teller t = { c, 0, "reading" };
	bool done;
	if (!(c->findings = findings_of(c->arena, &c->diag)))
		return ERR_NO_MEMORY;
	sm_import_watch(c->session, step, &t);
	tell(&t, &r);
	enum err err = read_pieces(c, mode, &r, &t, &done);
	if (!done)
		err = read_whole(c, mode, &r, &t);
	sm_import_watch(c->session, NULL, NULL);
	findings_end(c->findings);
	if (err)
		return err;
	c->undo = asked(c, "dry-run");
	t.phase = "committing";
	tell(&t, &r);
	buf_printf(b, "{\"created\":%zu,\"replaced\":%zu,\"skipped\":%zu,\"files\":%zu,\"dryRun\":%s,", r.created, r.replaced, r.skipped, r.files,
		   c->undo ? "true" : "false");
	put_items(b, &r);
	buf_putc(b, ',');
	reply_findings(b, c->findings);
	buf_putc(b, '}');
	return ERR_OK;
}
