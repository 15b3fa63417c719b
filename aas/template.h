/* SPDX-License-Identifier: Apache-2.0
 * template.h - a submodel against the submodel template it says it follows (IDTA-01006, qualifiers of templates).
 *
 * A template is a submodel of the kind Template.  A submodel follows it when its semanticId has the same key values, or else when its
 * administration.templateId is the same.  An element stands for one of the template's when it has its semanticId, or its idShort (also one
 * with a number behind it), whichever agrees best; in a list whose template has one item, every item stands for that.  Elements that the
 * template does not know are allowed.
 *
 *   SMT-cardinality   SMT/Cardinality, Cardinality, Multiplicity; without any of them nothing is asked
 *   SMT-modelType     another class
 *   SMT-valueType     valueType of a Property or Range
 *   SMT-listType      typeValueListElement, valueTypeListElement
 *   SMT-semanticId    the idShort of the template's element, but another semanticId
 *   SMT-idShort       SMT/AllowedIdShort; SMT/EditIdShort when it says no
 *   SMT-value         SMT/AllowedValue of a Property: a pattern (pattern.h)
 *   SMT-range         SMT/AllowedRange of a Property or Range: [1,5], (0,1], [0,
 *   SMT-language      SMT/RequiredLang of a MultiLanguageProperty: a language, or several with commas
 *
 * The older types without the prefix "SMT/" count, too.  Trees may lack attributes, as a reader that collects leaves them.
 */
#ifndef AAS_TEMPLATE_H
#define AAS_TEMPLATE_H

#include "aas/metamodel.h"

struct aas_templates {
	struct aas_template *first, **tail;
	size_t n;
};

void aas_templates_init(struct aas_templates *);
/* The templates of an environment, which must live as long as the arena.  The first of two for the same semanticId counts. */
enum err aas_templates_add(struct aas_templates *, struct arena *, const struct aas_node *environment);
/* What the submodel follows; NULL: none of them. */
const struct aas_node *aas_template_find(const struct aas_templates *, const struct aas_node *submodel);

/* Every deviation, with its path below the one in d.  ERR_OK, ERR_BAD_REQUEST or ERR_NO_MEMORY. */
enum err aas_template_check(const struct aas_node *template, const struct aas_node *submodel, struct diag *d);
/* All submodels of an environment that follow one of the templates. */
enum err aas_templates_check(const struct aas_templates *, const struct aas_node *environment, struct diag *d);

#endif
