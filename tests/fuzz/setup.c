/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as a TwinEngine submodel: every fault is told, and what is usable is whole. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aas/json.h"
#include "twin_engine/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void usable(struct arena *a, const struct twin_setup *s)
{
	if (s->mode >= TWIN_N_MODES || s->n_links > TWIN_LINKS_MAX || (s->n_inputs && !s->kind))
		abort();
	for (size_t i = 0; i < s->n_links; i++) {
		const struct setup_link *l = &s->link[i];
		if (!l->name || !l->target.submodel_id || !l->target.path || (!l->topic_filter && !l->writable) || l->stale_us < 0 ||
		    !isfinite(l->scale) || !isfinite(l->offset))
			abort();
	}
	for (size_t i = 0; i < s->n_inputs; i++)
		if (!s->input[i].target.submodel_id || !s->input[i].target.path)
			abort();
	for (size_t i = 0; i < s->n_operations; i++)
		if (!s->operation[i] || (s->command_topic && !twin_setup_topic(a, s->command_topic, s->operation[i])))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct aas_node *sm = NULL;
	struct twin_setup setup;
	struct diag d = DIAG_INIT;
	if (!a)
		abort();
	if (!aas_json_read(a, AAS_Submodel, (const char *)p, n, AAS_JSON_DEFAULT, &sm, NULL)) {
		enum err e = twin_setup_read(a, sm, &setup, &d);
		twin_setup_is(sm);
		if (!e != !d.n)
			abort();
		if (e != ERR_NO_MEMORY)
			usable(a, &setup);
	}
	diag_fini(&d);
	arena_free(a);
	return 0;
}
