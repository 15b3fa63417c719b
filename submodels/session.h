/* SPDX-License-Identifier: Apache-2.0
 * session.h - inside of the service, shared by service*.c only.
 *
 * A session remembers every identifiable it has touched as a `struct work`.  A tree that came from the cache is shared and never
 * changed; before an edit the session makes its own copy, which after the commit becomes the cached tree.
 */
#ifndef SUBMODELS_SESSION_H
#define SUBMODELS_SESSION_H

#include "base/map.h"
#include "submodels/async.h"
#include "submodels/cache.h"
#include "submodels/service.h"

struct sm_service {
	struct sm_config conf;
	struct sm_cache *cache;
	struct sm_async *async;
	struct sm_jobs *jobs;
	bool watches;			/* is told what other processes change */
};

struct work {
	struct sm_shared *shared;	/* counted; NULL: there is none (any more) */
	const char *id;
	enum store_kind kind;
	bool own;			/* `shared` is this session's alone */
	bool dirty;			/* has been written to the store */
	bool apart;			/* it is in the store as `version`, and was not kept here: read when it is needed */
	int64_t version;
	bool guarded;			/* sm_guard: writes must find what was loaded, also when that was nothing */
	struct work *next;
};

#define SM_KEPT_MAX 256

struct change_item {
	struct change change;
	const struct work *work;
	struct change_item *next;
};

/* A value patch that stands alone: it needs no transaction, and is written at the commit.  As soon as the session does anything else it is
 * done over in the session's transaction. */
struct sm_quick {
	bool on;
	struct work work;		/* whose changes are noted; without a tree */
	const char *path;
	struct slice text;
	struct store_value *value;
	const char **value_type;
	struct store_write write;
	void (*done)(void *ctx, enum err);
	void *ctx;
};

struct sm_session {
	struct sm_service *service;
	struct arena *arena;
	struct diag *diag;
	struct diag own;		/* when the caller gave none */
	bool write, patient;
	int64_t at_us;			/* what was then; TIME_NONE: what is */
	uint64_t epoch;
	struct store_txn *txn;		/* NULL until something is needed from the store */
	struct store_cause cause;	/* of every write; its path of one alone */
	struct map index[STORE_N_KINDS];
	struct work *works;
	struct change_item *changes, **tail;
	size_t n_changes;
	struct store_loan loan;
	struct sm_shared **lent;	/* counted: what a page was made from that the cache had */
	size_t n_lent, lent_max;
	struct sm_shared *examined;	/* counted: what the query looks at now */
	size_t n_kept;			/* trees that an import left to the cache; behind SM_KEPT_MAX of them it fills it no more */
	struct sm_quick quick;
	void (*step)(void *ctx, const struct sm_import_report *);	/* sm_import_watch; NULL: nobody watches */
	void *step_ctx;
};

extern const enum aas_class_id sm_kind_class[STORE_N_KINDS];
extern const char *const sm_kind_name[STORE_N_KINDS];	/* "shell", "submodel", "concept description" */

/* Documents of the cache that a page was made from are not needed any more. */
void sm_give_back(struct sm_session *);
/* sm_list of a session that looks at the past (past.c). */
enum err sm_past_list(struct sm_session *, enum store_kind, const struct store_filter *, const char *after, size_t limit, struct store_page *);
/* sm_query of such a session, and store_ops.heads of any (past_query.c); sm_heads within a transaction. */
enum err sm_past_query(struct sm_session *, enum store_kind, struct store_query *, const char *after, size_t limit, struct store_page *);
enum err sm_heads(struct sm_session *, enum store_kind, const char *const *id, size_t n, struct store_doc *);
enum err sm_txn(struct sm_session *, struct store_txn **);
/* store_ops.blob_find, or what the session looks at the past for; no message. */
enum err sm_blob_find(struct sm_session *, const char *key, struct store_blob_info *);
/* The work of this id as it is, or a new one. */
enum err sm_work(struct sm_session *, enum store_kind, const char *id, struct work **);
/* Which of them are there. */
enum err sm_has_many(struct sm_session *, enum store_kind, const char *const *id, size_t n, bool *has);
/* Create all of them, whose rules were checked; fewer are kept in memory than by sm_create.  ERR_AGAIN: one is there by now. */
enum err sm_create_many(struct sm_session *, enum store_kind, const struct aas_node *const *, size_t n);
/* What an import has just written by sm_put is not kept in memory either, but the first few. */
void sm_spare(struct sm_session *, enum store_kind, const char *id);
/* The message that belongs to an error of a query. */
enum err sm_query_error(struct sm_session *, enum err);
/* Anything but a quick patch begins with this. */
enum err sm_settle(struct sm_session *);
/* A tree for its structure, from the cache or read in a transaction of its own; some of its values may be older ones. */
enum err sm_structure(struct sm_session *, const char *sm_id, struct sm_shared **);
/* The work of this id, loaded; ERR_NOT_FOUND with a message when there is none. */
enum err sm_load(struct sm_session *, enum store_kind, const char *id, struct work **);
/* The same, with a tree that may be edited. */
enum err sm_edit(struct sm_session *, enum store_kind, const char *id, struct work **);
/* Write an edited tree to the store; `path`: the only element that it is about, and what was done to it; NULL: the whole. */
enum err sm_store(struct sm_session *, struct work *, const char *path, enum store_operation part);
/* Only values of the edited tree changed, and store_ops.put_values has written them as `version`.  When others changed the same
 * identifiable in between, the tree is read again: it is another one afterwards. */
enum err sm_values_stored(struct sm_session *, struct work *, int64_t version);
/* path and value live in the session's arena, or are NULL. */
enum err sm_note(struct sm_session *, const struct work *, enum change_kind, const char *path, const char *value);
/* CHANGE_VALUE of a Property of that work. */
enum err sm_note_value(struct sm_session *, const struct work *, const struct aas_node *property);
/* The idShortPath of n, in the session's arena. */
const char *sm_path_of(struct sm_session *, const struct aas_node *n);
/* The element at `path` of the tree of `w`, or its root for NULL and "". */
enum err sm_find(struct sm_session *, const struct work *w, const char *path, struct aas_node **);

/* The Operation that `in` names, found, copied into the arena, and the arguments checked against it; the time-out made sensible. */
enum err sm_invocation_prepare(struct sm_service *, struct sm_invocation *in, struct arena *, struct diag *);
/* Executes; what came back fits the declaration, or the state is FAILED.  The diag must be there. */
enum err sm_invocation_run(struct sm_service *, const struct sm_invocation *, struct arena *, struct sm_outcome *, struct diag *);
/* Keeps what is known of an invocation; of `row` the caller fills in handle, asynchronous and the times. */
void sm_invocation_keep(struct sm_service *, const struct sm_invocation *, const struct sm_outcome *, struct store_invoked *row);
/* Delete the stored files that `before` pointed to and `after` (may be NULL) does not. */
enum err sm_files_forget(struct sm_session *, const struct aas_node *before, const struct aas_node *after, const char *sm_id);
/* The files that a tree named and that were stored at that time, found in a transaction that reads; and putting them back where they are not. */
struct sm_file_then;
enum err sm_files_then(struct sm_session *, struct store_txn *, const struct aas_node *, int64_t at_us, struct sm_file_then **);
enum err sm_files_back(struct sm_session *, const struct sm_file_then *);
const char *sm_file_key(struct arena *, enum store_kind, const char *id, const char *value);

#endif
