/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as AAS XML: what is read is right, and is the same when it went through JSON and XML;
 * reading on after faults finds the same first one, and the rules can walk over what is left. */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/rdf.h"
#include "aas/rules.h"
#include "aas/tree.h"
#include "aas/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void collect(const char *p, size_t n, enum err wanted, const struct diag *first)
{
	struct arena *a = arena_new(1 << 24);
	struct diag d = DIAG_INIT;
	struct aas_node *env = NULL;
	enum err e = a ? aas_xml_collect(a, AAS_Environment, p, n, &env, &d) : ERR_NO_MEMORY;
	if (e != ERR_NO_MEMORY && wanted != ERR_NO_MEMORY &&
	    (e != wanted || (e ? !d.n || !str_eq(d.list[0].text, first->list[0].text) || !str_eq(d.list[0].path, first->list[0].path) : !env || d.n)))
		abort();
	if (env && (aas_rules_check(env, AAS_RULES_STRICT, &d) == ERR_INTERNAL || aas_rules_check(env, AAS_RULES_V30, &d) == ERR_INTERNAL))
		abort();
	if (d.top)
		abort();
	diag_fini(&d);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(1 << 24);
	struct buf b = BUF_INIT;
	struct diag d = DIAG_INIT;
	struct aas_node *env, *again;
	enum err e = aas_xml_read(a, (const char *)p, n, &env, &d);
	if (e ? !d.n || d.top : aas_check(env, NULL) != ERR_OK)
		abort();
	if (!e && (aas_json_write(&b, env), aas_json_read(a, AAS_Environment, b.p, b.n, 0, &again, NULL) || !aas_equal(env, again)))
		abort();
	for (unsigned v = 0; v < 2 && !e; v++) {
		buf_reset(&b);
		aas_xml_write(&b, env, v);
		if (aas_xml_read(a, b.p, b.n, &again, NULL) || !aas_equal(env, again))
			abort();
		buf_reset(&b);
		aas_rdf_write(&b, env, v ? AAS_RDF_TURTLE : AAS_RDF_JSONLD, v);
		if (b.failed || !utf8_valid(b.p, b.n))
			abort();
	}
	collect((const char *)p, n, e, &d);
	diag_fini(&d);
	buf_fini(&b);
	arena_free(a);
	return 0;
}
