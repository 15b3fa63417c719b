/* SPDX-License-Identifier: Apache-2.0
 * rules_priv.h - inside of the rules, shared by rules*.c only.
 */
#ifndef AAS_RULES_PRIV_H
#define AAS_RULES_PRIV_H

#include "aas/rules.def"
#include "aas/rules.h"
#include "base/buf.h"
#include "base/map.h"

/* One walk. */
struct aas_run {
	struct diag *d;
	unsigned flags;
	const struct aas_rule *rule;		/* the one that is being checked, */
	int slot;				/* and its attribute's slot; -1 when the class has none of that name */
	const struct aas_node *submodel;	/* around the node, or NULL */
	const struct aas_node *only;		/* NULL, or the item of a list that the list's rules are asked about */
	unsigned faults;
	bool no_memory;
};

/* Report the rule at the current path, at its attribute (NULL: none) and there at an item (NO_ITEM: none). */
#define NO_ITEM ((size_t)-1)
void aas_run_fault(struct aas_run *, const char *attribute, size_t item, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static inline bool aas_run_strict(const struct aas_run *r)
{
	return (r->flags & AAS_RULES_STRICT) != 0;
}
static inline bool aas_run_v30(const struct aas_run *r)
{
	return (r->flags & AAS_RULES_V30) != 0;
}

/* Which texts have been met; a few are compared, many are hashed. */
#define UNIQ_FEW 8
struct aas_uniq {
	const char *few[UNIQ_FEW];
	unsigned n;
	bool caseless;
	struct map many;
	struct buf low;
};
#define UNIQ_INIT(letters_are_equal) { .caseless = (letters_are_equal), .low = BUF_INIT }
bool aas_uniq_add(struct aas_run *, struct aas_uniq *, const char *text);	/* false: it was there already; text is borrowed */
void aas_uniq_fini(struct aas_uniq *);

/* What V3.0 and the strict mode ask of the texts and literals of one instance. */
void aas_run_texts(struct aas_run *, const struct aas_node *);

static inline bool aas_rule_every(const char *attribute)
{
	return str_eq(attribute, "_");
}
int aas_rule_slot(const struct aas_class *, const char *attribute);	/* -1: it has none of that name */

/* The keys have the same values in the same order. */
bool aas_run_same_values(const struct aas_node *a, const struct aas_node *b);

#define R(id, what, attribute, versions, mode, fn, text) void aas_rule_##fn(struct aas_run *, const struct aas_node *);
#define S(id, what, attribute, how, versions, fn) void aas_rule_##fn(struct aas_run *, const struct aas_node *);
#define N(id, what, how, text, where)
AAS_RULES(R, S, N)
#undef R
#undef S
#undef N

#endif
