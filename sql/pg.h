/* SPDX-License-Identifier: Apache-2.0
 * pg.h - PostgreSQL as this program uses it: connections, a bounded pool, prepared statements, binary parameters and results.
 *
 * A connection belongs to one thread at a time; the pool hands it out.  Statements are the rows of statement.def, prepared on first
 * use; several of them travel in one round trip, together with the BEGIN.  Every SQLSTATE becomes an enum err in one place:
 * ERR_AGAIN (serialisation, dead-lock, lock time-out, connection lost before the commit), ERR_CONFLICT (unique violation),
 * ERR_UNAVAILABLE (no connection, outcome of a commit unknown, out of resources), ERR_NO_MEMORY, ERR_INTERNAL (everything else).
 */
#ifndef SQL_PG_H
#define SQL_PG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"

enum pg_statement {
#define S(name, sql) PG_##name,
#include "sql/statement.def"
#undef S
	PG_N_STATEMENTS
};

struct pg;		/* one connection */
struct pg_result;	/* libpq's PGresult */

/* -- connection --------------------------------------------------------------------------------------------------------------- */
enum err pg_open(const char *conninfo, struct pg **, struct diag *);
void pg_close(struct pg *);				/* NULL is allowed */
bool pg_alive(const struct pg *);			/* false: lost; pg_begin connects again */
int pg_pid(const struct pg *);				/* of the server process */
/* A setting of this connection, also when it is lost and made again.  `value` without quotes. */
enum err pg_set(struct pg *, const char *name, const char *value);
struct pg_setting { const char *name, *value; };
/* pg_open with these settings; *out is NULL when it fails. */
enum err pg_open_set(const char *conninfo, const struct pg_setting *, size_t n, struct pg **out);
/* Before the first connection, for the whole program: between it and the server stands a pooler that lends sessions for one transaction each (as
 * pgbouncer does in transaction mode).  Nothing is left in a session then: no prepared statements, and settings end with each transaction. */
void pg_through_pooler(bool);
bool pg_pooled(void);

/* -- transactions: BEGIN is sent with the first statement, so an unused transaction costs nothing ------------------------------- */
enum pg_mode { PG_READ, PG_WRITE };			/* REPEATABLE READ READ ONLY, READ COMMITTED */
enum err pg_begin(struct pg *, enum pg_mode);		/* connects again when the connection was lost */
/* After an error of pg_run or pg_copy the transaction can only be rolled back: they and pg_commit answer ERR_AGAIN from then on.
 * pg_commit: ERR_AGAIN: surely not committed; ERR_UNAVAILABLE: the connection died and nobody knows. */
enum err pg_commit(struct pg *);
void pg_rollback(struct pg *);		/* nothing to roll back is all right */

/* Who waits for what comes next: asked every PG_LOOK_MS while the server is at it, by the thread that waits.  When nobody does any more the statement
 * is cancelled, and the connection counts as lost, for the cancellation may come late: ERR_UNAVAILABLE.  `gone` NULL: nobody is asked. */
#define PG_LOOK_MS 250
void pg_wait_for(struct pg *, bool (*gone)(void *ctx), void *ctx);

/* -- parameters, always binary --------------------------------------------------------------------------------------------------- */
#define PG_ARGS_MAX 20
struct pg_args {
	int n;
	bool failed;					/* too many, or no memory */
	const char *value[PG_ARGS_MAX];
	int length[PG_ARGS_MAX];
	char scalar[PG_ARGS_MAX][8];
	struct buf array[PG_ARGS_MAX];
	int n_arrays;
};
void pg_args_init(struct pg_args *);
void pg_args_fini(struct pg_args *);
/* Texts and bytes are borrowed until the statement has run. */
void pg_arg_text(struct pg_args *, const char *);	/* NULL: SQL's NULL */
void pg_arg_bytes(struct pg_args *, struct slice);	/* p NULL: no bytes */
void pg_arg_int8(struct pg_args *, int64_t);
void pg_arg_int4(struct pg_args *, int32_t);
void pg_arg_int2(struct pg_args *, int16_t);
void pg_arg_time(struct pg_args *, int64_t us);		/* TIME_NONE: NULL */

/* Arrays grow item by item; the array is complete when the statement runs.  NULL when the args have failed; items accept NULL. */
enum pg_type { PG_BOOL, PG_INT2, PG_INT4, PG_INT8, PG_FLOAT8, PG_TEXT, PG_TIMESTAMPTZ, PG_BYTEA };
struct buf *pg_arg_array(struct pg_args *, enum pg_type);
void pg_item_null(struct buf *);
void pg_item_text(struct buf *, const char *);		/* NULL: SQL's NULL */
void pg_item_slice(struct buf *, struct slice);
void pg_item_int8(struct buf *, int64_t);
void pg_item_int4(struct buf *, int32_t);
void pg_item_int2(struct buf *, int16_t);
void pg_item_bool(struct buf *, bool);
void pg_item_num(struct buf *, double);			/* not finite: SQL's NULL */
void pg_item_time(struct buf *, int64_t us);		/* TIME_NONE: SQL's NULL */
void pg_item_date(struct buf *, int64_t us);		/* the UTC day */
void pg_item_bits(struct buf *, uint64_t);		/* of a double, whatever they are */
/* An array of n items as one item, for COPY: its items, each by pg_item_*, then the end with what this returned. */
size_t pg_item_array(struct buf *, enum pg_type, size_t n);
void pg_item_array_end(struct buf *, size_t at);

/* A row as record_send writes it: pg_record, then each field, which is its type and an item by pg_item_*. */
void pg_record(struct buf *, int32_t n_fields);
void pg_field(struct buf *, enum pg_type);
void pg_field_texts(struct buf *, const char *const *, size_t n);	/* text[], at least one item; NULL: SQL's NULL in it */
void pg_field_no_texts(struct buf *);					/* text[], SQL's NULL */

/* -- statements -------------------------------------------------------------------------------------------------------------------- */
struct pg_call {
	enum pg_statement st;
	const char *sql;			/* a statement of the caller's own, planned for these parameters alone; NULL: `st` */
	bool keep;				/* `sql` comes again: it is prepared, and planned for any parameters (one text of a round trip) */
	struct pg_args *args;			/* NULL: none */
	struct pg_result *res;			/* out */
	int n;					/* out: rows */
};
/* All of them in one round trip, in order, at most PG_CALLS_MAX; the first error ends it.  Afterwards pg_clear frees the results, also on
 * error.  A connection that was lost is made again when the transaction has done nothing yet. */
#define PG_CALLS_MAX 64
enum err pg_run(struct pg *, struct pg_call *, unsigned n);
/* pg_run, and the commit in the same round trip; the last that a transaction does.  ERR_UNAVAILABLE: as for pg_commit, unless it only reads: a
 * whole transaction that does is then begun again on another connection; of one statement none is begun at all. */
enum err pg_run_commit(struct pg *, struct pg_call *, unsigned n);
/* One statement whose rows nobody wants; its args have ended when this returns. */
enum err pg_do(struct pg *, enum pg_statement, struct pg_args *);
/* One statement as a transaction of its own, on this very connection: when that is lost it is not made again, and nobody knows. */
enum err pg_run_alone(struct pg *, struct pg_call *);
/* One statement as a transaction that writes, over when this returns. */
enum err pg_once(struct pg *, struct pg_call *);
void pg_clear(struct pg_call *, unsigned n);
/* COPY ... FROM STDIN (FORMAT binary); `rows` without header and trailer. */
enum err pg_copy(struct pg *, const char *copy, struct slice rows);
/* Text of one or more statements without parameters, outside of the statement table: migrations, session settings, tests. */
enum err pg_script(struct pg *, const char *sql, struct diag *);
/* The same with text parameters; the first column of the first row as text into the arena (NULL when there is none). */
enum err pg_ask(struct pg *, struct arena *, const char *sql, const char *const *param, int n_params, const char **answer, struct diag *);
/* Prepare every statement of the table; the diag names those that fail. */
enum err pg_prepare_all(struct pg *, struct diag *);

/* -- notifications (pg_notify.c), for who has run LISTEN ------------------------------------------------------------------------------ */
int pg_socket(const struct pg *);			/* readable when something came; -1: lost */
/* Takes what has come, without waiting, and tells each notification with the server process that sent it.  False: the connection is lost. */
bool pg_notices(struct pg *, void (*each)(void *ctx, int pid, const char *channel, const char *text), void *ctx);

/* -- results; rows and columns from 0 ------------------------------------------------------------------------------------------------ */
bool pg_null(const struct pg_call *, int row, int col);
int64_t pg_int8(const struct pg_call *, int row, int col);
int32_t pg_int4(const struct pg_call *, int row, int col);
int16_t pg_int2(const struct pg_call *, int row, int col);
bool pg_bool(const struct pg_call *, int row, int col);
double pg_float8(const struct pg_call *, int row, int col);
int64_t pg_time(const struct pg_call *, int row, int col);		/* TIME_NONE when NULL */
struct slice pg_slice(const struct pg_call *, int row, int col);	/* borrowed from the result; NULL-terminated; p NULL when NULL */
const char *pg_str(const struct pg_call *, int row, int col);		/* borrowed, NULL when NULL */
/* The items of a one-dimensional array, in order; none when it is NULL. */
struct pg_items {
	const char *p, *end;
};
struct pg_items pg_items(const struct pg_call *, int row, int col);
bool pg_items_next(struct pg_items *, struct slice *item);		/* borrowed, not terminated; p NULL when NULL */

/* -- COPY rows: pg_copy_row, then its fields by pg_item_* ---------------------------------------------------------------------------- */
void pg_copy_row(struct buf *, int16_t n_fields);

/* -- pool ---------------------------------------------------------------------------------------------------------------------------- */
struct pg_pool;
/* Connections are made when they are first needed.  `wait_us`: longest wait for a free one. */
struct pg_pool *pg_pool_new(const char *conninfo, unsigned n, int64_t wait_us);
/* The same, of connections with these settings, which outlive the pool. */
struct pg_pool *pg_pool_new_set(const char *conninfo, unsigned n, int64_t wait_us, const struct pg_setting *, size_t n_settings);
void pg_pool_free(struct pg_pool *);			/* all connections must be back */
enum err pg_take(struct pg_pool *, struct pg **);	/* ERR_UNAVAILABLE: none became free, or none can be made */
void pg_give(struct pg_pool *, struct pg *);		/* rolls back what is still open */

#endif
