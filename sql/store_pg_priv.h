/* SPDX-License-Identifier: Apache-2.0
 * store_pg_priv.h - what the parts of the PostgreSQL store share: the model (store_pg.c, store_pg_rows.c), and time (store_pg_series.c).
 */
#ifndef SQL_STORE_PG_PRIV_H
#define SQL_STORE_PG_PRIV_H

#include <stdatomic.h>

#include "sql/pg.h"
#include "sql/store_pg.h"

/* Days whose partition of samples is known to be there, by day modulo PG_DAYS; all zero at the start (day 0 is never asked for). */
#define PG_DAYS 64
struct pg_days {
	_Atomic int64_t made[PG_DAYS];	/* days since 1970 */
	_Atomic int64_t again_us;	/* monotonic: no new one is tried before, because the last try failed */
};

struct pg_store {
	struct store base;
	struct pg_pool *pool;
	struct pg_days days;
};

struct store_txn {
	struct pg_store *store;
	struct pg *pg;		/* NULL until the first statement */
	bool write, failed;
};

/* store_pg_series.c: store_ops of the same names; each call is its own transaction. */
enum err store_pg_series(struct store *, const char *submodel_id, const char *path, const char *unit, int64_t *id);
enum err store_pg_append(struct store *, const struct store_batch *);
enum err store_pg_position(struct store *, const char *spool, uint64_t *position);
enum err store_pg_samples(struct store *, int64_t series, int64_t t0_us, int64_t t1_us, size_t limit, struct arena *, struct store_sample **,
			  size_t *n);
enum err store_pg_live(struct store *, void (*row)(void *ctx, const char *submodel_id, const char *path, const struct store_live *), void *ctx);
enum err store_pg_command(struct store *, const struct store_command *);

#endif
