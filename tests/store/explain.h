/* SPDX-License-Identifier: Apache-2.0
 * explain.h - a plant of 100,000 submodels, and what PostgreSQL touches for a statement on it.
 */
#ifndef TESTS_STORE_EXPLAIN_H
#define TESTS_STORE_EXPLAIN_H

#include "base/arena.h"
#include "sql/pg.h"

#define PLANT_SUBMODELS 100000
#define PLANT_SHELLS 20000
#define PLANT_OTHERS 10000	/* concepts, descriptors, links, packages, invocations */

/* Straight into the tables, as the store would have written it; ends in ANALYZE. */
enum err plant_fill(struct pg *);

/* What was executed: rows that came out of tables and indexes, those that were thrown away included. */
struct touched {
	double rows, blocks;
	char whole[64];		/* a large table that was read from end to end; "" */
	const char *plan;	/* JSON */
};
/* `call` without "EXPLAIN", with its arguments; false: it failed. */
bool touched_by(struct pg *, struct arena *, const char *sql, struct pg_args *, struct touched *);

#endif
