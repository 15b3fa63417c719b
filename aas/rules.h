/* SPDX-License-Identifier: Apache-2.0
 * rules.h - the constraints of the metamodel (IDTA-01001, IDTA-01003-a), as a table and as one walk over a tree.
 *
 * rules.def has a row for every constraint.  What a single attribute tells (kind, cardinality, length, pattern, literal) the readers
 * check while they read; their messages carry the rule's id by aas_rule_of.  What takes more than one attribute is checked here.
 * The table is constant after main() has begun; any number of threads may walk at once.
 */
#ifndef AAS_RULES_H
#define AAS_RULES_H

#include "aas/metamodel.h"

enum aas_rule_how {
	AAS_RULE_PREDICATE,	/* aas_rules_check */
	AAS_RULE_LIST, AAS_RULE_REQUIRED, AAS_RULE_LENGTH, AAS_RULE_PATTERN, AAS_RULE_CALENDAR, AAS_RULE_LITERAL, AAS_RULE_VALUE,
	AAS_RULE_MODEL_TYPE, AAS_RULE_CHARS,	/* the readers */
	AAS_RULE_SAME,		/* reported under the id `where` */
	AAS_RULE_API,		/* about requests: `where` says by what */
	AAS_RULE_MEANING	/* no program can tell: `where` says why */
};

enum aas_rule_versions { AAS_RULE_BOTH, AAS_RULE_V30, AAS_RULE_DIFFER };
enum aas_rule_mode { AAS_RULE_ERROR, AAS_RULE_STRICT };

struct aas_run;
struct aas_rule {
	const char *id;			/* "AASd-117", "STR-012" */
	const char *what;		/* class, group of classes, string type or enumeration */
	const char *attribute;		/* "_": the whole instance, or every attribute of the type `what` */
	uint8_t how, versions, mode;
	void (*check)(struct aas_run *, const struct aas_node *);
	const char *text, *where;	/* or NULL */
};
extern const struct aas_rule aas_rules[];
extern const unsigned aas_n_rules;

enum aas_rules_flags {
	AAS_RULES_LENIENT = 0,
	AAS_RULES_STRICT = 1,		/* also what docs/conformance-choices.md lets pass otherwise */
	AAS_RULES_V30 = 2,		/* and what V3.0 asked for */
	AAS_RULES_V30_ALONE = 4,	/* with V30: nothing else */
};

/* Walk `root` and everything below once, and report every broken rule with its path and id.  The root may hang in a tree: then what its
 * list and its submodel ask of it is checked too, but not what is beside it.  Attributes may be missing or wrong, as a reader that
 * collects leaves them; one that could not be read counts as missing.  ERR_OK, ERR_BAD_REQUEST or ERR_NO_MEMORY.  Time is linear in the
 * size of the tree (and of the list that the root is in). */
enum err aas_rules_check(const struct aas_node *root, unsigned flags, struct diag *);

/* The id of the rule that a wrong attribute breaks, or NULL.  For messages: these search the table. */
const char *aas_rule_of(const struct aas_prop *, enum aas_rule_how);
const char *aas_rule_of_text(const struct aas_prop *, const char *s, size_t n);		/* length, pattern or calendar, whichever it is */
const char *aas_rule_of_class(const struct aas_class *, enum aas_rule_how);		/* REQUIRED or MODEL_TYPE */

/* One sentence that states the rule. */
const char *aas_rule_text(const struct aas_rule *, char *out, size_t size);
/* The row, or NULL. */
const struct aas_rule *aas_rule_find(const char *id);
/* The class is meant by the rule's `what`. */
bool aas_rule_applies(const struct aas_rule *, const struct aas_class *);

#endif
