/* SPDX-License-Identifier: Apache-2.0
 * pg_priv.h - what the parts of a session with PostgreSQL share: its connection, settings and errors (pg.c), statements and transactions (pg_run.c),
 * COPY and scripts (pg_copy.c).
 */
#ifndef SQL_PG_PRIV_H
#define SQL_PG_PRIV_H

#include <libpq-fe.h>

#include "sql/pg.h"
#include "sql/pg_kept.h"

#define PG_READ_ONLY "25006"		/* SQLSTATE of a transaction that wants to write: the server is a stand-by */

enum txn { TXN_NONE, TXN_READ_DUE, TXN_WRITE_DUE, TXN_OPEN, N_TXNS };

struct pg {
	PGconn *c;
	char *conninfo;
	enum txn txn;
	bool told;		/* the last error came from the server, so it knows that nothing was committed */
	bool failed;		/* something in this transaction did: it can only end by a rollback */
	bool writes;		/* the transaction is one that may */
	bool demoted;		/* it has refused to write: not the primary any more */
	bool cancelled;		/* what runs, for nobody waits for it */
	bool (*gone)(void *ctx);	/* pg_wait_for */
	void *gone_ctx;
	bool prepared[PG_N_STATEMENTS];
	bool word[N_TXNS];	/* the same of what begins and ends a transaction */
	struct buf local;	/* behind a pooler: the statement that makes the settings of a transaction */
	struct buf session;	/* what a session starts with, here as after it was lost */
	struct pg_kept kept;
};

static inline bool pg_due(const struct pg *c)
{
	return c->txn == TXN_READ_DUE || c->txn == TXN_WRITE_DUE;
}

/* How a transaction that is due begins; by enum txn. */
extern const char *const pg_begin_sql[];

/* The connection is no good any more, or nobody knows how much of a request the server has taken: it counts as lost. */
void pg_drop(struct pg *);
/* The one place where PostgreSQL's errors become ours; r: NULL when there is no result.  The connection may be lost after it. */
enum err pg_translate(struct pg *, const PGresult *r, const char *what);
/* A new connection in the place of what there was, with the settings of the session. */
enum err pg_connect_now(struct pg *, struct diag *);
/* When the connection was dead before a transaction has done anything with it, nothing is lost by beginning on a new one. */
enum err pg_begin_elsewhere(struct pg *);

#endif
