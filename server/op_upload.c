/* SPDX-License-Identifier: Apache-2.0
 * op_upload.c - POST /upload: an AASX package, or an environment as JSON or XML, all or nothing (what the BaSyx web UI asks for).
 *
 * What it is, the bytes tell: browsers send any content type.  ?ignore-duplicates=true leaves alone what exists, ?replace=true
 * replaces it; without either an identifiable that exists is a conflict.  The answer is a report (docs/http.md): what was done and what is
 * strange, or every fault.  ?dry-run=true does all of it, and then leaves nothing behind.
 */
#include "aas/aasx.h"
#include "aas/json.h"
#include "aas/xml.h"
#include "server/call.h"
#include "server/op.h"

static char first_byte(struct slice s)
{
	if (s.n >= 3 && !memcmp(s.p, "\xEF\xBB\xBF", 3))
		s.p += 3, s.n -= 3;
	while (s.n && strchr(" \t\r\n", *s.p))
		s.p++, s.n--;
	return s.n ? *s.p : 0;
}

/* ERR_BAD_REQUEST with an environment: that is what could be read, and all faults have been told. */
static enum err read_package(struct call *c, struct aasx *out)
{
	char first = first_byte(c->body);
	bool utf16 = c->body.n > 1 && (!memcmp(c->body.p, "\xFF\xFE", 2) || !memcmp(c->body.p, "\xFE\xFF", 2));
	*out = (struct aasx){ 0 };
	if (aasx_is(c->body.p, c->body.n))
		return aasx_read(c->arena, c->body.p, c->body.n, out, &c->diag);
	if (first == '<' || utf16)
		return aas_xml_collect(c->arena, AAS_Environment, c->body.p, c->body.n, &out->environment, &c->diag);
	if (first == '{')
		return aas_json_read(c->arena, AAS_Environment, c->body.p, c->body.n, AAS_JSON_COLLECT, &out->environment, &c->diag);
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

enum err op_upload(struct call *c)
{
	enum sm_import_mode mode = asked(c, "replace") ? SM_IMPORT_REPLACE :
				   asked(c, "ignore-duplicates") ? SM_IMPORT_IGNORE_DUPLICATES : SM_IMPORT_NEW;
	struct buf *b = &c->reply.body;
	struct sm_import_report r;
	struct aasx package;
	if (!(c->findings = findings_of(c->arena, &c->diag)))
		return ERR_NO_MEMORY;
	enum err err = read_package(c, &package);
	if (!err || (err == ERR_BAD_REQUEST && package.environment && c->findings->faults))
		err = sm_import_all(c->session, &package, mode, c->findings, &r);
	findings_end(c->findings);
	if (err)
		return err;
	c->undo = asked(c, "dry-run");
	buf_printf(b, "{\"created\":%zu,\"replaced\":%zu,\"skipped\":%zu,\"files\":%zu,\"dryRun\":%s,", r.created, r.replaced, r.skipped, r.files,
		   c->undo ? "true" : "false");
	put_items(b, &r);
	buf_putc(b, ',');
	reply_findings(b, c->findings);
	buf_putc(b, '}');
	return ERR_OK;
}
