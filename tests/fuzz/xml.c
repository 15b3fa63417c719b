/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as AAS XML: what is read is right, and is the same when it went through JSON and XML. */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/rdf.h"
#include "aas/tree.h"
#include "aas/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

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
	diag_fini(&d);
	buf_fini(&b);
	arena_free(a);
	return 0;
}
