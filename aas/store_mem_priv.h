/* SPDX-License-Identifier: Apache-2.0
 * store_mem_priv.h - what the parts of the memory store share: tables (store_mem.c), queries (store_mem_query.c), blobs (store_mem_blob.c),
 * invocations and packages (store_mem_index.c), series (store_mem_series.c) and changes (store_mem_feed.c).
 */
#ifndef AAS_STORE_MEM_PRIV_H
#define AAS_STORE_MEM_PRIV_H

#include <pthread.h>

#include "aas/store_past.h"
#include "base/map.h"

/* The first ones are enum store_kind. */
enum mem_table_id {
	MEM_SHELL = STORE_SHELL, MEM_SUBMODEL = STORE_SUBMODEL, MEM_PACKAGE = STORE_PACKAGE, MEM_BLOB = STORE_FILE, MEM_INVOCATION, MEM_N_TABLES
};

struct mem_entry {
	struct mem_entry *older;	/* what it took the place of, as long as somebody reads there */
	uint64_t moment;	/* number of the commit that brought it */
	char *id, *json;	/* of a blob: its key and nothing */
	size_t n;
	int64_t version;
	bool deleted;
	char *content_type, *file_name;
	struct mem_content *content;	/* of a blob: counted */
};

struct mem_content;

/* An entry that has older ones behind it, until the last reader leaves. */
struct mem_stale {
	struct mem_stale *next;
	enum mem_table_id table;
	char id[];
};

struct mem_table {
	struct mem_entry **entry;
	size_t n, cap;
};

struct mem_series {
	char *submodel_id, *path;
	struct store_sample *sample;	/* by time, texts owned */
	size_t n, cap;
	struct store_live live;		/* text owned */
	bool has_live;
};

struct mem_spool {
	char *name;
	uint64_t position, batch;	/* fingerprint of the last batch */
	struct mem_spool *next;
};

/* Bytes by their hash.  The lock is the last that is taken, so that entries can be freed anywhere. */
struct mem_contents {
	pthread_mutex_t mutex;
	struct map by_hash;
	int64_t size;			/* of all together */
};

/* A change, of a transaction and then of the list. */
#define MEM_LOG_MAX ((size_t)65536)
#define MEM_LOG_BYTES ((size_t)256 << 20)
#define MEM_LOG_FILES ((size_t)1 << 30)		/* bytes that files had */
struct mem_event {
	struct store_event e;		/* texts owned */
	char *document;			/* the one before a replacement or deletion */
	struct mem_entry *before;	/* the same of a package or a blob, a copy */
	uint64_t moment;
	size_t bytes, files;
	bool failed;
	struct mem_event *next;		/* of the transaction */
};

struct mem_store {
	struct store base;
	pthread_mutex_t mutex;
	struct mem_contents contents;
	struct mem_table table[MEM_N_TABLES];
	uint64_t moment;		/* commits so far */
	struct store_txn *readers;	/* that have begun to read */
	struct mem_stale *stale;
	struct mem_series *series;	/* id is index + 1 */
	size_t n_series, cap_series, n_commands;
	struct mem_spool *spools;
	struct mem_event **log;		/* in the order of their positions */
	size_t n_log, cap_log, log_bytes, log_files;
	int64_t forgotten;		/* events before the first of them */
	bool is_cut;
	int64_t cut_us;			/* when the last of these was recorded */
	int64_t recorded_us;		/* when the last event was */
	struct store_listeners listeners;
};

struct mem_write {
	struct mem_write *next;
	enum mem_table_id table;
	int64_t base;			/* version it was built upon, 0: none */
	struct mem_entry *fresh;
};

struct store_txn {
	struct mem_store *store;
	bool write, failed, reads;
	uint64_t moment;		/* of a reader: what it sees */
	struct store_txn *prev, *next;	/* in mem_store.readers */
	struct mem_write *writes;
	struct mem_event *events, **events_tail;
	bool caused;
	struct store_cause cause;
};

extern const struct store_ops store_mem_ops;
void store_mem_close(struct store *);
void store_mem_series_free(struct mem_store *);
enum err store_mem_query(struct store_txn *, enum store_kind, struct store_query *, const char *after, size_t limit, struct arena *,
			 struct store_page *);
enum err store_mem_candidates(struct store_txn *, enum store_kind, const struct aas_query *, const char *after, size_t limit, struct arena *,
			      struct store_page *);

/* -- for the other parts; the mutex is held, but by store_mem_noted and store_mem_remove ----------------------------------------- */
struct mem_entry *store_mem_entry(const char *id, struct slice bytes);
void store_mem_entry_free(struct mem_entry *);
struct aas_fact;
/* The first thing that a reader asks for fixes its moment. */
void store_mem_read_here(struct store_txn *);
/* What this transaction sees under the id, NULL when there is nothing. */
const struct mem_entry *store_mem_visible(struct store_txn *, enum mem_table_id, const char *id, int64_t *base);
/* The first entry behind `after` that this transaction sees. */
const struct mem_entry *store_mem_next(const struct store_txn *, enum mem_table_id, const char *after);
enum err store_mem_matches(const struct mem_entry *, enum store_kind, const struct aas_fact *want, size_t n_want, bool *yes);
enum err store_mem_copy(struct arena *, const struct mem_entry *, struct store_doc *);
/* Lay `fresh` (consumed, NULL: there was no memory) over the store. */
enum err store_mem_lay(struct store_txn *, enum mem_table_id, struct mem_entry *fresh, int64_t base);
/* The same, and it is a change (both are consumed; NULL: there was no memory). */
enum err store_mem_lay_change(struct store_txn *, struct mem_entry *fresh, int64_t base, struct mem_event *);
/* What the transaction has written of it; NULL: nothing. */
struct mem_write *store_mem_written(const struct store_txn *, enum mem_table_id, const char *id);
struct mem_entry *store_mem_entry_of(const struct aas_node *);	/* its document; NULL without memory */
enum err store_mem_put_values(struct store_txn *, const char *submodel_id, const struct store_value *, size_t n, int64_t *version);
enum err store_mem_remove(struct store_txn *, enum mem_table_id, const char *id);
/* After any error but ERR_NOT_FOUND and ERR_GONE a transaction can only be aborted. */
enum err store_mem_noted(struct store_txn *, enum err);

/* A copy for history, which counts the content as well; *files is its size.  NULL: no memory. */
struct mem_entry *store_mem_entry_copy(const struct mem_entry *, size_t *files);
void store_mem_content_drop(struct mem_content *);	/* NULL is allowed; with or without the mutex */
enum err store_mem_blob_put(struct store_txn *, const char *key, const struct store_blob_info *, struct source, struct diag *);
enum err store_mem_blob_find(struct store_txn *, const char *key, struct arena *, struct store_blob_info *);
enum err store_mem_blob_read(struct store_txn *, const struct store_blob_info *, int64_t at, char *to, size_t n);
enum err store_mem_blob_at(struct store_txn *, const char *key, int64_t at_us, struct arena *, struct store_blob_info *);
enum err store_mem_blob_del(struct store_txn *, const char *key);
enum err store_mem_blob_open(struct store *, const struct store_blob_info *, struct content *);

/* -- changes; the mutex is held, but by the functions that stand in store_ops -------------------------------------------------------- */
/* `before`: what was there.  NULL: there is no memory. */
struct mem_event *store_mem_event(const struct store_txn *, enum store_kind, const char *id, enum store_operation, const struct mem_entry *before);
enum err store_mem_event_values(struct mem_event *, const struct mem_entry *before, const struct store_value *, size_t n);
void store_mem_event_free(struct mem_event *);		/* NULL is allowed */
enum err store_mem_log_reserve(struct mem_store *, const struct store_txn *);
void store_mem_log(struct mem_store *, struct store_txn *);
void store_mem_log_free(struct mem_store *);
/* A package or a blob as it was; borrowed while the mutex is held. */
enum err store_mem_entry_at(struct store_txn *, enum store_kind, const char *id, int64_t at_us, const struct mem_entry **);
void store_mem_cause(struct store_txn *, const struct store_cause *);
enum err store_mem_history(struct store_txn *, enum store_kind, const char *id, int64_t after, size_t limit, struct arena *, struct store_event **,
			   size_t *n);
enum err store_mem_get_version(struct store_txn *, enum store_kind, const char *id, int64_t version, struct arena *, struct store_doc *);
enum err store_mem_ids(struct store_txn *, enum store_kind, const char *after, size_t limit, struct arena *, const char ***id, size_t *n);
enum err store_mem_recent(struct store_txn *, enum store_kind, int64_t created_us, int64_t updated_us, const char *after, size_t limit,
			  struct arena *, struct store_recent **, size_t *n);
enum err store_mem_get_at(struct store_txn *, enum store_kind, const char *id, int64_t at_us, struct arena *, struct store_doc *);
enum err store_mem_feed(struct store *, int64_t after, size_t limit, struct arena *, struct store_event **, size_t *n, int64_t *newest);
enum err store_mem_feed_listen(struct store *, void (*wake)(void *ctx), void *ctx);
void store_mem_feed_unlisten(struct store *, void (*wake)(void *ctx), void *ctx);

enum err store_mem_invocation_put(struct store_txn *, const struct store_invocation *);
enum err store_mem_invocation_get(struct store_txn *, const char *id, struct arena *, struct store_invocation *);
enum err store_mem_invocation_open(struct store_txn *, const char *owner, size_t limit, struct arena *, struct store_invocation **, size_t *n);
enum err store_mem_invocation_trim(struct store_txn *, int64_t before_us, size_t keep);
enum err store_mem_package_put(struct store_txn *, const struct store_package *, enum store_put, bool *created);
enum err store_mem_package_del(struct store_txn *, const char *id);
enum err store_mem_package_at(struct store_txn *, const char *id, int64_t at_us, struct arena *, struct store_package *);
enum err store_mem_package_list(struct store_txn *, const char *aas_id, const char *after, size_t limit, struct arena *,
				struct store_package_page *);
enum err store_mem_series(struct store *, const char *submodel_id, const char *path, const char *unit, int64_t *id);
enum err store_mem_append(struct store *, const struct store_batch *);
enum err store_mem_position(struct store *, const char *spool, uint64_t *position);
enum err store_mem_samples(struct store *, int64_t series, int64_t t0, int64_t t1, size_t limit, struct arena *, struct store_sample **, size_t *n);
enum err store_mem_buckets(struct store *, int64_t series, int64_t t0, int64_t t1, enum store_level, size_t limit, struct arena *,
			   struct store_bucket **, size_t *n);
enum err store_mem_live(struct store *, void (*row)(void *, const char *, const char *, const struct store_live *), void *ctx);
void store_mem_write_values(struct store *, struct store_write *);
enum err store_mem_command(struct store *, const struct store_command *);
enum err store_mem_invoked(struct store *, const struct store_invoked *);

#endif
