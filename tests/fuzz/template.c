/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as an environment of templates and of submodels that follow them: checked within its bounds,
 * and twice the same. */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct aas_node *env = NULL;
	struct aas_templates t;
	struct diag one = DIAG_INIT, two = DIAG_INIT;
	if (!a)
		abort();
	aas_json_read(a, AAS_Environment, (const char *)p, n, AAS_JSON_COLLECT, &env, NULL);	/* with faults, too */
	aas_templates_init(&t);
	if (env && !aas_templates_add(&t, a, env)) {
		enum err e = aas_templates_check(&t, env, &one), f = aas_templates_check(&t, env, &two);
		if (e != f || one.n != two.n || !e != !one.n)
			abort();
		for (struct aas_node *sm = AAS_AT(env, Environment, submodels).node; sm; sm = sm->next)
			aas_template_find(&t, sm);
	}
	diag_fini(&one);
	diag_fini(&two);
	arena_free(a);
	return 0;
}
