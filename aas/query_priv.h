/* SPDX-License-Identifier: Apache-2.0
 * query_priv.h - what the parts of the query language share: reader (query_read.c), fields (query_field.c), values (query_datum.c),
 * patterns (query_regex.c), evaluator (query_eval.c).
 */
#ifndef AAS_QUERY_PRIV_H
#define AAS_QUERY_PRIV_H

#include "aas/query.h"

/* -- fields ---------------------------------------------------------------------------------------------------------------------------- */
struct query_names {			/* every prefix that was seen, for the numbers of variables */
	struct slice *seen;
	unsigned n, cap;
	bool full;			/* there were more than `cap` */
};
/* ERR_BAD_REQUEST: not a field (the message says what it begins with), or a root that `endpoint` does not have. */
enum err query_field_read(struct arena *, enum store_kind endpoint, const char *text, size_t n, struct query_names *, struct query_field **,
			  struct diag *);

/* -- values ------------------------------------------------------------------------------------------------------------------------------ */
/* The text as a value of that type; false: it is none.  Nothing is copied but what a cast makes. */
bool query_datum_read(enum query_type, struct slice text, struct query_datum *);
/* XPath 3.0 casts.  False: it cannot be cast, or no memory (arena_failed). */
bool query_datum_cast(struct arena *, const struct query_datum *, enum query_type, struct query_datum *);
/* A part of a date and time, as a number. */
bool query_datum_part(struct arena *, const struct query_datum *, enum query_part, struct query_datum *);
/* Both of one type. */
bool query_datum_compare(enum query_op, const struct query_datum *, const struct query_datum *);
const char *query_type_name(enum query_type);

/* -- patterns of $regex: fn:matches, by PCRE2 within limits -------------------------------------------------------------------------------- */
/* NULL: not a pattern (*why is set), or no memory (*why NULL).  Lives in the arena. */
struct query_regex *query_regex_new(struct arena *, struct slice pattern, const char **why);
/* ERR_EXPENSIVE: it would take too long. */
enum err query_regex_search(const struct query_regex *, struct slice subject, uint64_t *steps, bool *found);

#endif
