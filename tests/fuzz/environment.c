/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as an environment that is read in items: the same trees and the same errors as in one piece.
 * The first byte says how many bytes the source gives at a time; what begins with '<' is XML. */
#include <stdlib.h>

#include "aas/environment.h"
#include "aas/json.h"
#include "aas/tree.h"
#include "aas/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct drip {
	const uint8_t *p;
	size_t n, step;
};

static enum err drip_read(void *ctx, char *out, size_t n, size_t *got, struct diag *d)
{
	struct drip *s = ctx;
	(void)d;
	*got = n < s->step ? n : s->step;
	*got = *got < s->n ? *got : s->n;
	if (*got)
		memcpy(out, s->p, *got);
	s->p += *got;
	s->n -= *got;
	return ERR_OK;
}

struct gather {
	struct arena *a;
	struct aas_node *env, *tail[3];
};

static enum err gather_item(void *ctx, struct arena *a, struct aas_node *n, struct diag *d)
{
	struct gather *g = ctx;
	unsigned list = aas_is(n, AAS_AssetAdministrationShell) ? 0 : aas_is(n, AAS_Submodel) ? 1 : 2;
	struct aas_node *copy = aas_copy(g->a, n);
	(void)a;
	if (!copy)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	*(g->tail[list] ? &g->tail[list]->next : &g->env->slot[list].node) = copy;
	g->tail[list] = copy;
	return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (!n)
		return 0;
	struct arena *a = arena_new(1 << 25);
	struct diag whole = DIAG_INIT, items = DIAG_INIT;
	struct drip drip = { p + 1, n - 1, 1 + p[0] };
	struct gather g = { a, aas_node_new(a, AAS_Environment), { NULL } };
	struct aas_items taker = { gather_item, &g, 1 << 24 };
	const char *text = (const char *)p + 1;
	struct aas_node *env = NULL;
	bool xml = n > 1 && text[0] == '<';
	enum err e = xml ? aas_xml_read(a, text, n - 1, &env, &whole) : aas_json_read(a, AAS_Environment, text, n - 1, 0, &env, &whole);
	enum err f = (xml ? aas_xml_read_items : aas_json_read_items)((struct source){ drip_read, &drip }, &taker, &items);
	if (e == ERR_NO_MEMORY || f == ERR_NO_MEMORY)
		goto out;
	if (e != f || items.top || whole.n != items.n || (e ? strcmp(whole.list[0].path, items.list[0].path) != 0 : !aas_equal(env, g.env)))
		abort();
out:
	diag_fini(&whole);
	diag_fini(&items);
	arena_free(a);
	return 0;
}
