/* SPDX-License-Identifier: Apache-2.0
 * store_pg_priv.h - what the parts of the PostgreSQL store share: session and reading (store_pg.c), blobs (store_pg_blob.c), writing of
 * identifiables (store_pg_put.c, store_pg_many.c) and of values (store_pg_values.c, store_pg_batch.c, store_pg_chain.c,
 * store_pg_writer.c), queries (store_pg_query*.c), pages (store_pg_page.c),
 * invocations and packages (store_pg_index.c), changes (store_pg_history.c, store_pg_feed.c), time (store_pg_series.c, store_pg_samples.c,
 * store_pg_compact.c, store_pg_rollup.c).
 */
#ifndef SQL_STORE_PG_PRIV_H
#define SQL_STORE_PG_PRIV_H

#include <stdatomic.h>

#include "aas/store_past.h"
#include "base/thread.h"
#include "sql/pg.h"
#include "sql/pg_standby.h"
#include "sql/store_pg.h"

struct pg_writer;
struct pg_watch;
struct pg_reader;
struct pg_feed;
struct pg_compactor;
struct pg_claim;
struct pg_tail;
struct pg_stretch;

/* -- threads with a connection of their own (store_pg_worker.c): the first member of each of them ---------------------------------- */
struct pg_worker {
	struct pg_store *store;
	struct pg *pg;		/* the thread's own; NULL: not connected */
	pthread_t thread;
	struct lock lock;	/* of what is below, and of what says so in the thread's own structure */
	pthread_cond_t wake;
	bool stopping;
};
/* Zeroed, `size` bytes; NULL without memory. */
void *pg_worker_new(size_t size, struct pg_store *, enum lock_rank);
/* The worker itself, running; NULL is handed on, and is the answer when there is no thread: it is freed then.  `fini` frees what is in it (NULL:
 * nothing). */
void *pg_worker_start(void *worker, const char *name, void *(*run)(void *), void (*fini)(void *));
/* Tells it to stop, waits, disconnects, frees.  `wake`: for one that does not wait for the condition (NULL).  NULL is allowed. */
void pg_worker_stop(void *worker, void (*wake)(void *), void (*fini)(void *));
void pg_worker_free(void *worker, void (*fini)(void *));	/* one that was not started */
bool pg_worker_stopping(struct pg_worker *);
/* Unless it is connected; with these settings. */
enum err pg_worker_connect(struct pg_worker *, const struct pg_setting *, size_t n);

#define STORE_PG_FOLD_BEHIND 256	/* versions that a document may lack before it is written anew */

/* Contents that are open in this process, by hash. */
struct pg_pins {
	struct lock lock;
	struct pg_pin *first;
};

#define PG_FEW 256

struct pg_store {
	struct store base;
	struct pg_pool *pool;
	struct pg_pins pins;
	struct pg_pool *searchers;	/* whose sessions plan as queries need it */
	struct pg_standby *standby;	/* NULL: none */
	char *conninfo;
	struct pg_writer *writer;
	struct pg_reader *reader;
	_Atomic(struct pg_watch *) watch;	/* NULL: nobody watches */
	struct pg_feed *feed;
	struct pg_tail *tail;
	struct store_listeners listeners;
	_Atomic unsigned keep_days;	/* of history; 0: for ever */
	struct pg_compactor *compactor;
	_Atomic(struct pg_claim *) claim;	/* NULL: none */
	_Atomic unsigned keep_samples, keep_rollups;	/* days; 0: for ever */
	unsigned query_ms;	/* that the search for candidates of a query may take */
	unsigned query_lead;	/* see pg_query */
	_Atomic unsigned char few[PG_FEW];	/* by the shape of a query: what it found the last time */
	struct pg_searcher *searcher;
};

/* What a transaction has written, for other processes. */
struct pg_touched {
	struct pg_touched *next;
	enum store_kind kind;
	int64_t version;
	char id[];
};

struct store_txn {
	struct pg_store *store;
	struct pg *pg;		/* NULL until the first statement */
	bool write, failed;	/* failed: can only be aborted */
	struct store_cause cause;
	bool primary;		/* to be read from there, though it only reads */
	bool on_standby, on_searcher;
	struct pg_held *held;	/* results that a page was borrowed from */
	struct pg_touched *touched;
	struct pg_touched *behind;	/* documents that should be folded when it is committed */
	unsigned n_touched;	/* STORE_PG_TOUCHED_MAX: too many to tell each */
};

/* The statements of one kind of identifiable, and its class. */
struct pg_kind {
	enum aas_class_id cls;
	enum pg_statement get, plain, gets, version, lock, insert, update, remove, past, ids, recent, recent_all, list, list_heads, heads,
		find, some, there;
	const char *table;
};
extern const struct pg_kind pg_kinds[STORE_N_PASTS];	/* packages and blobs: get, version and ids alone */

/* Statements of a transaction; the first call takes a connection and begins.  pg_clear the calls afterwards, also on error. */
enum err store_pg_run(struct store_txn *, struct pg_call *, unsigned n);
/* Before the search of a query.  *ready: the session of the transaction plans as queries need it; it is one of `searchers` when this is the first
 * that the transaction does, unless the stand-by is read from. */
enum err store_pg_searching(struct store_txn *, bool *ready);
/* And nothing follows: the transaction, which only reads, ends in the same round trip. */
enum err store_pg_run_last(struct store_txn *, struct pg_call *, unsigned n);
/* One statement is a transaction of its own, the first of one that only reads; what follows is another one. */
enum err store_pg_run_alone(struct store_txn *, struct pg_call *);
/* What it has done is undone unless it is committed; it may connect again. */
void store_pg_let_go(struct store_txn *);
/* The statement of `call`, which asks for one row by one text.  ERR_NOT_FOUND: there is none.  pg_clear it afterwards, also on error. */
enum err store_pg_one(struct store_txn *, struct pg_call *call, const char *text);
/* One statement that changes something, in a transaction that writes (else ERR_INTERNAL); *n rows came.  Its args have ended when this returns. */
enum err store_pg_change(struct store_txn *, enum pg_statement, struct pg_args *, int *n);
/* What a call of store_ops answers goes through here: after any error but ERR_NOT_FOUND and ERR_GONE the transaction cannot be committed. */
enum err store_pg_noted(struct store_txn *, enum err);
/* The document in `row` of a DOCUMENT query (statement_model.def), newer values folded in; everything in the arena. */
enum err store_pg_document(const struct pg_call *, int row, enum store_kind, struct arena *, struct store_doc *);
/* A submodel's document with the values that the row of a DOCUMENT query has beside it. */
enum err store_pg_folded(struct slice text, const struct pg_call *, int row, struct arena *, struct slice *out);
/* -- pages of documents (store_pg_page.c) -- */
/* One that a page shall have: where it is, and in `doc` its id, its version, and its document once that is there. */
struct pg_item {
	int64_t key;
	size_t bytes;
	struct store_doc doc;
};
/* The documents of those that have none: what the loan has, else all by one statement, borrowed until store_pg_give_back; newer values are laid
 * in, in the arena.  Of one that was deleted in between json.p stays NULL, and of one that was changed the version is another. */
enum err store_pg_borrow(struct store_txn *, enum store_kind, const struct store_loan *, struct pg_item *, size_t n, struct arena *);
void store_pg_give_back(struct store_txn *);
/* Keep the result of the call until then. */
enum err store_pg_hold(struct store_txn *, struct pg_call *);
/* The document in a row, borrowed, or with newer values in the arena. */
enum err store_pg_lent(const struct pg_call *, int row, enum store_kind, struct arena *, struct slice *json);
/* How many of the items fit into the loan; one at least. */
size_t store_pg_fit(const struct store_loan *, const struct pg_item *, size_t n);

/* Was there anything newer to fold? */
bool store_pg_behind(const struct pg_call *, int row);
enum err store_pg_get(struct store_txn *, enum store_kind, const char *id, struct arena *, struct store_doc *);

/* Those that have all the facts (at least one). */
struct aas_fact;
enum err store_pg_find(struct store_txn *, enum store_kind, const struct aas_fact *, size_t n_facts, const char *after, size_t limit,
		       struct arena *, struct store_page *);
enum err store_pg_list(struct store_txn *, enum store_kind, const struct store_filter *, const char *after, size_t limit, struct arena *,
		       struct store_page *);

#define PG_QUERY_LEAD 2000
/* Sessions for the search of queries: as PG_query_mode makes it for a transaction. */
struct pg_pool *store_pg_searchers(const char *conninfo, unsigned n);
/* And one of them, which ends sooner what takes long (PG_SEARCH_MS). */
enum err store_pg_searcher_open(const char *conninfo, struct pg **);
#define PG_QUERY_DOCUMENTS 8
#define PG_POOL_WAIT_US (10 * US_PER_S)
#define PG_QUERY_MS 10000	/* that a search may take */
#define PG_SEARCH_MS "200"	/* that one of those may take that go one after the other */

/* -- queries: store_pg_query.c runs them, store_pg_query_sql.c writes the SQL -- */
struct pg_query {
	/* Candidates in the order of the ids, as a DOCUMENT query has them, and behind that the key, and whether there is a document: the first
	 * PG_QUERY_DOCUMENTS have one, unless ids are all that is wanted.  $1 after, $2 limit, $3 texts, $4 numbers, $5 times. */
	const char *sql;
	const char *bare;	/* store_pg_query_quick: the same without documents */
	struct pg_args args;	/* $1 and $2 first, the arrays behind them */
	bool exact;		/* every candidate is part of the answer */
	bool keep;		/* its plan is good for any parameters */
	const _Atomic unsigned char *few;	/* in, for store_pg_query_quick: pg_store.few; NULL: nothing is known */
	unsigned place;		/* out: of this shape, in that; and what stands there */
	unsigned char found;
	unsigned lead;		/* in: rows up to which a set leads to the answer; 0: PG_QUERY_LEAD */
};
/* ERR_NO_MEMORY.  Finish with pg_args_fini(&out->args), also on error. */
enum err store_pg_query_sql(struct arena *, enum store_kind, const struct aas_query *, const char *after, size_t limit, struct pg_query *out);
/* The same for who expects no more than PG_QUERY_DOCUMENTS, which all come with their documents: out->bare is NULL when no index leads to them, and
 * out->sql as well when it is known to be other than PG_FIND_FEW.  A further column, the same in each row, says that there may be more: then the rows
 * are of no use.  Nothing found: one row of NULLs. */
enum err store_pg_query_quick(struct arena *, enum store_kind, const struct aas_query *, const char *after, size_t limit, struct pg_query *out);
/* What is remembered of a shape: most find few each time, and then all comes with the search, outside of a transaction; often the caller has the
 * documents.  Two shapes may share a place: then some searches are done twice, or cost more. */
enum { PG_FIND_MANY, PG_FIND_FEW, PG_FIND_OWNED };
/* What store_pg_query_quick's statement has found: keys, ids and versions in the arena.  ERR_AGAIN: many, or there may be more. */
enum err store_pg_take_few(const struct pg_call *, struct arena *, struct pg_item **, size_t *n);

/* -- searches that nobody waits for (store_pg_searcher.c) -- */
struct pg_found {
	struct pg_query query;
	struct pg_item *item;
	size_t n;
};
enum err store_pg_searcher_start(struct pg_store *);
void store_pg_searcher_stop(struct pg_searcher *);
bool store_pg_search(struct store *, struct store_search *);
enum err store_pg_query(struct store_txn *, enum store_kind, struct store_query *, const char *after, size_t limit, struct arena *,
			struct store_page *);
enum err store_pg_candidates(struct store_txn *, enum store_kind, const struct aas_query *, const char *after, size_t limit, struct arena *,
			     struct store_page *);

enum err store_pg_put(struct store_txn *, enum store_kind, const struct aas_node *, enum store_put, int64_t expect, bool *created, int64_t *version);
enum err store_pg_del(struct store_txn *, enum store_kind, const char *id);
enum err store_pg_put_many(struct store_txn *, enum store_kind, const struct aas_node *const *, size_t n, enum store_put, bool *created,
			   int64_t *version, size_t *at);
/* What the row of an identifiable shows beside id, idShort and document.  buf_fini the header, also on error. */
struct pg_columns {
	const char *own[3];		/* the three that differ by kind */
	struct buf header;		/* the document without its elements; nothing: as the document */
};
enum err store_pg_columns(struct arena *, enum store_kind, const struct aas_node *, struct pg_columns *out);
/* The arrays of facts_insert and of rows_put, behind the other parameters. */
struct aas_row;
void store_pg_facts_args(struct pg_args *, const struct aas_fact *, size_t n);
void store_pg_rows_args(struct pg_args *, const struct aas_row *, size_t n);
enum err store_pg_put_values(struct store_txn *, const char *submodel_id, const struct store_value *, size_t n, int64_t *version);

/* -- value writes that share a commit (store_pg_batch.c, store_pg_writer.c) -- */
/* One transaction for all of them, in their order; each has its own `err`, `version` and `behind` (versions that the document lacks now).  Waits
 * for nobody.  An error that is returned is everybody's, and nothing was written (ERR_UNAVAILABLE: nobody knows). */
struct pg_noted {
	bool waiting;			/* in: what waits for its position in the feed gets it before; out: something may wait */
	size_t behind;			/* grows by the elements that are not found by their new value until store_pg_found_again */
	bool followed;			/* in: somebody wants the lines */
	bool placed;			/* out: all changes have their positions */
	struct pg_stretch *lines;	/* out: they, the caller's; NULL: not all have positions, nobody wants them, or they are too much */
};
enum err store_pg_batch(struct pg *, struct store_write *const *, size_t n, struct pg_noted *);
/* What elements are found by, of `most` of them that are behind, in a transaction of its own; *n: of how many it was brought up to date. */
enum err store_pg_found_again(struct pg *, size_t most, size_t *n);
/* A thread with a connection of its own. */
enum err store_pg_writer_start(struct pg_store *);
void store_pg_writer_stop(struct pg_writer *);	/* after everything that was queued; NULL is allowed */
void store_pg_write_values(struct store *, struct store_write *);
/* A document has fallen far behind its rows: it is folded when there is time.  Of too many at a time some are forgotten: readers fold for
 * themselves, and the next write asks again. */
void store_pg_fold_later(struct pg_store *, const char *id);
/* The same at the end of a transaction. */
void store_pg_fold_after(struct store_txn *, const char *id);
/* Write the document anew, with the values that are newer. */
enum err store_pg_fold(struct store_txn *, const char *id);

/* -- what elements are found by, as the functions of the schema have it (store_pg_found.c) -- */
/* twinshell.key_of, where the server has the byte order that most have. */
int64_t store_pg_key_of(const char *text, size_t n);
/* twinshell.number_of; `num` NaN: there is none.  False: it is no number, NULL there.  *out NaN: which one is not known. */
bool store_pg_number_of(const char *cls, int group, double num, const char *value, double *out);

/* -- the chain of hashes of the feed, made by who writes (store_pg_chain.c) -- */
struct pg_chain {
	int64_t position;		/* the last one */
	int64_t sequenced_us;		/* when those that follow get theirs */
	unsigned char hash[SHA256_SIZE];
	size_t n;			/* its bytes: none before the first position */
};
/* A change of values of a submodel. */
struct pg_change {
	int64_t key, version, recorded_us;
	const char *id;
	const struct store_cause *cause;	/* NULL: nothing is known */
	const char *const *path, *const *before, *const *after;	/* n of each, as they are in history */
	size_t n;
};
/* False: that is no hash of ours. */
bool store_pg_chain_begin(struct pg_chain *, int64_t position, struct slice hash);
/* Goes on by one position; `row` is used for a moment.  False: no memory. */
bool store_pg_chain_add(struct pg_chain *, const struct pg_change *, struct buf *row);
struct slice store_pg_chain_hash(const struct pg_chain *);

/* -- the end of the feed in memory (store_pg_tail.c); any thread -- */
struct pg_tail *store_pg_tail_new(void);
void store_pg_tail_free(struct pg_tail *);	/* NULL is allowed */
/* Room for the lines of n changes behind that end; NULL without memory.  Then each of them, then the end that they have led to: NULL when they are
 * too much to be kept, and freed. */
struct pg_stretch *store_pg_stretch_new(const struct pg_chain *from, size_t n);
void store_pg_stretch_add(struct pg_stretch *, const struct pg_change *);
struct pg_stretch *store_pg_stretch_end(struct pg_stretch *, const struct pg_chain *to);
void store_pg_stretch_free(struct pg_stretch *);	/* NULL is allowed */
void store_pg_tail_add(struct pg_tail *, struct pg_stretch *);	/* takes it; it is durable */
void store_pg_tail_forget(struct pg_tail *);		/* nobody knows what the feed is like now */
void store_pg_tail_seen(struct pg_tail *, int64_t newest);	/* the end of the feed, as the database has it */
/* As store_ops.feed; `alone`: nobody else writes.  False: the database has to be asked.  Copies. */
bool store_pg_tail_read(struct pg_tail *, int64_t after, size_t limit, bool alone, struct arena *, struct store_event **, size_t *n, int64_t *newest);

/* -- changes (store_pg_history.c), and who gives them their positions (store_pg_feed.c) -- */
/* actor, request, since when it is valid */
void store_pg_cause_args(struct pg_args *, const struct store_cause *);
enum err store_pg_history(struct store_txn *, enum store_kind, const char *id, int64_t after, size_t limit, struct arena *, struct store_event **,
			  size_t *n);
enum err store_pg_get_version(struct store_txn *, enum store_kind, const char *id, int64_t version, struct arena *, struct store_doc *);
enum err store_pg_ids(struct store_txn *, enum store_kind, const char *after, size_t limit, struct arena *, const char ***id, size_t *n);
enum err store_pg_recent(struct store_txn *, enum store_kind, int64_t created_us, int64_t updated_us, const char *after, size_t limit,
			 struct arena *, struct store_recent **, size_t *n);
enum err store_pg_get_at(struct store_txn *, enum store_kind, const char *id, int64_t at_us, struct arena *, struct store_doc *);
enum err store_pg_feed(struct store *, int64_t after, size_t limit, struct arena *, struct store_event **, size_t *n, int64_t *newest);
enum err store_pg_feed_listen(struct store *, void (*wake)(void *ctx), void *ctx);
void store_pg_feed_unlisten(struct store *, void (*wake)(void *ctx), void *ctx);
/* Whatever was committed before, by whomever, is durable afterwards; on a connection that was made before that and is in no transaction. */
enum err store_pg_flush(struct pg *);
/* A thread with a connection of its own. */
enum err store_pg_feed_start(struct pg_store *);
void store_pg_feed_stop(struct pg_feed *);	/* NULL is allowed */
void store_pg_feed_wake(struct pg_store *);	/* something was committed; any thread, cheap */

/* -- a name of this process (store_pg_claim.c): kept by the thread of the feed, which calls this often -- */
void store_pg_claim_keep(struct pg_store *);
void store_pg_claim_free(struct pg_claim *);	/* gives it up; NULL is allowed */

/* -- reads that share a round trip (store_pg_reader.c): a thread with a connection of its own -- */
enum err store_pg_reader_start(struct pg_store *);
void store_pg_reader_stop(struct pg_reader *);	/* after everything that was queued; NULL is allowed */
void store_pg_read(struct store *, struct store_read *);

/* -- telling other processes what was committed here, and hearing it from them (store_pg_watch.c) -- */
#define STORE_PG_TOUCHED_MAX 8192
enum err store_pg_watch(struct store *, const struct store_watch *);
/* Part of a transaction. */
void store_pg_touch(struct store_txn *, enum store_kind, const char *id, int64_t version);
/* It has been committed (or nobody knows): others are told. */
void store_pg_tell(struct store_txn *, bool unknown);
void store_pg_forget_touched(struct pg_touched *);
/* One at the head of the list; false without memory. */
bool store_pg_touched_add(struct pg_touched **, enum store_kind, const char *id, int64_t version);
/* The same for one write that was committed otherwise. */
void store_pg_tell_one(struct pg_store *, enum store_kind, const char *id, int64_t version);
/* Nobody knows what was committed. */
void store_pg_tell_all(struct pg_store *);
bool store_pg_alone(struct pg_store *);		/* no other process listens to changes; false: or nobody knows */
/* The list in a notification: `each` for every change in it; false: it is none, and `each` may have been called for its beginning. */
bool store_pg_notice_read(const char *text, void (*each)(void *ctx, enum store_kind, const char *id, int64_t version), void *ctx);
/* Adds one change; false: it does not fit any more, nothing was added.  `id` may not be longer than STORE_PG_NOTICE_ID. */
#define STORE_PG_NOTICE_ID 7000
bool store_pg_notice_add(struct buf *, enum store_kind, const char *id, int64_t version);

/* store_ops of the same names */
enum err store_pg_blob_put(struct store_txn *, const char *key, const struct store_blob_info *, struct source, struct diag *);
enum err store_pg_blob_find(struct store_txn *, const char *key, struct arena *, struct store_blob_info *);
enum err store_pg_blob_read(struct store_txn *, const struct store_blob_info *, int64_t at, char *to, size_t n);
enum err store_pg_blob_del(struct store_txn *, const char *key);
enum err store_pg_blob_at(struct store_txn *, const char *key, int64_t at_us, struct arena *, struct store_blob_info *);
enum err store_pg_package_at(struct store_txn *, const char *id, int64_t at_us, struct arena *, struct store_package *);
/* Delete the contents that nothing refers to any more; what is being read is left to who reads. */
void store_pg_contents_sweep(struct pg_store *);
enum err store_pg_blob_open(struct store *, const struct store_blob_info *, struct content *);
enum err store_pg_invocation_put(struct store_txn *, const struct store_invocation *);
enum err store_pg_invocation_get(struct store_txn *, const char *id, struct arena *, struct store_invocation *);
enum err store_pg_invocation_open(struct store_txn *, const char *owner, size_t limit, struct arena *, struct store_invocation **, size_t *n);
enum err store_pg_invocation_trim(struct store_txn *, int64_t before_us, size_t keep);
enum err store_pg_package_put(struct store_txn *, const struct store_package *, enum store_put, bool *created);
enum err store_pg_package_del(struct store_txn *, const char *id);
enum err store_pg_package_list(struct store_txn *, const char *aas_id, const char *after, size_t limit, struct arena *,
			       struct store_package_page *);

/* -- chunks: a thread with a connection of its own compacts what is staged (store_pg_compact.c) -- */
enum err store_pg_compactor_start(struct pg_store *);
void store_pg_compactor_stop(struct pg_compactor *);	/* NULL is allowed */
/* The chunk in `row` of a query for CHUNK (statement_series.def). */
struct chunk;
void store_pg_chunk(const struct pg_call *, int row, struct chunk *);

/* What new samples add to the minutes, hours and days (store_pg_rollup.c); samples of one series after another, each in the order of time. */
struct pg_rollups;
struct pg_rollups *store_pg_rollups_new(void);
void store_pg_rollups_free(struct pg_rollups *);
/* Before the first one of a series: the newest samples of it that are in chunks, in the order of time. */
void store_pg_rollups_begin(struct pg_rollups *, const struct store_sample *, size_t n);
/* `early`: it is so far ahead of the clock that others will come before it. */
enum err store_pg_rollups_add(struct pg_rollups *, struct pg *, const struct store_sample *, bool early);
enum err store_pg_rollups_flush(struct pg_rollups *, struct pg *);
/* Some of the buckets in the queue, as a transaction.  ERR_NOT_FOUND: it is empty; ERR_AGAIN: somebody else is compacting. */
enum err store_pg_reweigh(struct pg *);
/* What tables need beside what autovacuum does (store_pg_care.c). */
enum err store_pg_care(struct pg *);
/* One partition is made, or those that are too old are dropped: PG_stretch_make, PG_stretch_drop. */
enum err store_pg_stretch(struct pg *, enum pg_statement, const char *parent, int64_t day);
/* Partitions of twinshell.operation_call are made ahead, and dropped with the history of their time; `day` is today, counted from 1970-01-01. */
void store_pg_care_calls(struct pg *, int64_t day);

/* One transaction on one connection of the pool.  What surely did not happen is done over once; the commit of unknown outcome is the caller's. */
enum err store_pg_transact(struct store *, enum pg_mode, enum err (*step)(struct pg *, void *), void *ctx);

/* store_ops of the same names; each call is its own transaction. */
enum err store_pg_series(struct store *, const char *submodel_id, const char *path, const char *unit, int64_t *id);
enum err store_pg_append(struct store *, const struct store_batch *);
enum err store_pg_position(struct store *, const char *spool, uint64_t *position);
enum err store_pg_samples(struct store *, int64_t series, int64_t t0_us, int64_t t1_us, size_t limit, struct arena *, struct store_sample **,
			  size_t *n);
enum err store_pg_buckets(struct store *, int64_t series, int64_t t0_us, int64_t t1_us, enum store_level, size_t limit, struct arena *,
			  struct store_bucket **, size_t *n);
enum err store_pg_live(struct store *, void (*row)(void *ctx, const char *submodel_id, const char *path, const struct store_live *), void *ctx);
enum err store_pg_command(struct store *, const struct store_command *);
enum err store_pg_invoked(struct store *, const struct store_invoked *);

#endif
