/* SPDX-License-Identifier: Apache-2.0
 * op_upload.c - POST /upload: an AASX package, or an environment as JSON or XML, all or nothing (what the BaSyx web UI asks for).
 *
 * What it is, the bytes tell: browsers send any content type.  ?ignore-duplicates=true leaves alone what exists, ?replace=true
 * replaces it; without either an identifiable that exists is a conflict.
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

static enum err read_package(struct call *c, struct aasx *out)
{
	char first = first_byte(c->body);
	bool utf16 = c->body.n > 1 && (!memcmp(c->body.p, "\xFF\xFE", 2) || !memcmp(c->body.p, "\xFE\xFF", 2));
	*out = (struct aasx){ 0 };
	if (aasx_is(c->body.p, c->body.n))
		return aasx_read(c->arena, c->body.p, c->body.n, out, &c->diag);
	if (first == '<' || utf16)
		return aas_xml_read(c->arena, c->body.p, c->body.n, &out->environment, &c->diag);
	if (first == '{')
		return aas_json_read(c->arena, AAS_Environment, c->body.p, c->body.n, AAS_JSON_DEFAULT, &out->environment, &c->diag);
	return diag_add(&c->diag, ERR_MEDIA_TYPE, "neither an AASX package nor an environment in JSON or XML");
}

static bool asked(const struct call *c, const char *name)
{
	const char *v = call_query(c, name);
	return v && str_eq(v, "true");
}

enum err op_upload(struct call *c)
{
	enum sm_import_mode mode = asked(c, "replace") ? SM_IMPORT_REPLACE :
				   asked(c, "ignore-duplicates") ? SM_IMPORT_IGNORE_DUPLICATES : SM_IMPORT_NEW;
	struct sm_import_report r;
	struct aasx package;
	enum err err = read_package(c, &package);
	if (!err)
		err = sm_import(c->session, &package, mode, &r);
	if (!err)
		buf_printf(&c->reply.body, "{\"created\":%zu,\"replaced\":%zu,\"skipped\":%zu,\"files\":%zu}", r.created, r.replaced, r.skipped,
			   r.files);
	return err;
}
