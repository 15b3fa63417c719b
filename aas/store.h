/* SPDX-License-Identifier: Apache-2.0
 * store.h - where shells, submodels, concept descriptions, what is registered about others, history and commands are kept.
 *
 * Two implementations: aas/store_mem.c (the executable specification) and sql/store_pg.c; tests/store/ runs one suite on both.
 * A struct store may be used from any thread; a transaction belongs to the thread that began it.
 * Ids are compared byte for byte.  Everything returned belongs to the arena that was passed in.
 * Errors: ERR_NOT_FOUND, ERR_CONFLICT (exists already), ERR_PRECONDITION (version differs), ERR_BAD_REQUEST (not a Property), ERR_AGAIN
 * (start the transaction over), ERR_UNAVAILABLE (no database), ERR_EXPENSIVE (a query), ERR_GONE (history is not kept that far back),
 * ERR_NO_MEMORY, ERR_INTERNAL.
 * A call that fails changes nothing.  After any error but ERR_NOT_FOUND and ERR_GONE a transaction can only be aborted: its commit fails too, and
 * leaves nothing.
 */
#ifndef AAS_STORE_H
#define AAS_STORE_H

#include "aas/metamodel.h"
#include "base/sha256.h"
#include "base/stream.h"

/* The numbers are stored.  Behind the identifiables stand entries of the registries and of discovery: trees of the descriptor classes
 * (api.def); asset links are the id and the specificAssetIds of an AssetAdministrationShellDescriptor.  What comes behind STORE_N_KINDS is no
 * tree, but changes and has a past as they do: packages by their ids, and blobs by their keys. */
enum store_kind {
	STORE_SHELL, STORE_SUBMODEL, STORE_CONCEPT, STORE_SHELL_DESCRIPTOR, STORE_SUBMODEL_DESCRIPTOR, STORE_ASSET_LINKS, STORE_N_KINDS,
	STORE_PACKAGE = STORE_N_KINDS, STORE_FILE, STORE_N_PASTS
};

struct store;
struct store_txn;

/* One stored identifiable: its canonical compact JSON (aas_json_write), value writes folded in. */
struct store_doc {
	const char *id;
	struct slice json;
	int64_t version;	/* grows with every change of this identifiable */
};

struct store_asset_id {
	const char *name, *value;	/* name "globalAssetId": assetInformation.globalAssetId */
};

/* For who is done with a page before he asks for the next one: its documents are borrowed then, until the next `list` or `query` of the
 * transaction or its end.  And who keeps what he has read need not be given it again. */
struct store_loan {
	/* True: he has this very version, and the bytes stay where they are for as long as he wants the page.  NULL: he has nothing. */
	bool (*has)(void *ctx, enum store_kind, const char *id, int64_t version, struct slice *json);
	/* What this very version says, until the next call; NULL: he would have to read it. */
	const struct aas_node *(*node)(void *ctx, enum store_kind, const char *id, int64_t version);
	void *ctx;
	size_t bytes;		/* of documents: a page that has as many ends, and `next` is set when there is more */
};

/* All given conditions hold together; NULL or 0: no condition. */
struct store_filter {
	const char *id_short;
	const struct aas_node *semantic_id;	/* Reference: submodels, supplemental ids included (aas_reference_match) */
	const char *semantic_key;		/* submodels: value of the first key of the semanticId, whatever follows it */
	bool events;				/* submodels that have a BasicEventElement */
	const struct aas_node *is_case_of;	/* Reference: concept descriptions */
	const struct aas_node *data_specification;	/* Reference: concept descriptions */
	const struct store_asset_id *asset_ids;	/* shells, their descriptors and links */
	size_t n_asset_ids;
	const char *asset_kind, *asset_type;	/* shells and their descriptors; the literal of AssetKind */
	bool heads;				/* no condition: submodels come without their elements */
	bool last;				/* no condition: nothing is asked of the transaction after it, so it need not stay open */
	const struct store_loan *loan;		/* no condition; NULL: the arena gets everything */
};

struct store_page {
	struct store_doc *item;
	size_t n;
	const char *next;	/* the `after` of the next page; NULL: this was the last */
	bool cut;		/* it ended for the size of its documents */
};

/* A query that was read (aas/query.h), and what its answer may cost: documents and steps that may be looked at, and afterwards what is left. */
struct aas_query;
struct store_query {
	const struct aas_query *query;
	size_t docs;
	uint64_t steps;
	const struct store_loan *loan;	/* NULL: the arena gets everything */
	/* Is asked now and then, by the thread that calls: nobody wants the answer any more.  Then it may end as ERR_UNAVAILABLE.  NULL: nobody is
	 * asked. */
	bool (*gone)(void *ctx);
	void *gone_ctx;
	const struct store_search *found;	/* or NULL */
};

/* The search of a query, on its own: what it finds makes the answer of a query that waits for nothing (store_query.found: then the database is not
 * asked, and what cannot be answered so is ERR_AGAIN).  It belongs to the store from search until `done`, and what it has found to the arena. */
struct store_search {
	enum store_kind kind;
	const struct aas_query *query;
	const char *after;		/* as the query will have it: the same text at the same place */
	struct arena *arena;		/* nobody else uses it meanwhile */
	void (*done)(struct store_search *);	/* called once, in any thread, perhaps before search returns; must not block */
	void *ctx;
	enum err err;			/* out; any: ask in a transaction */
	/* the store's own */
	struct store_search *next;
	void *own;
};

/* What other processes do to the same store, for who keeps what he has read.  Called in a thread of the store; must not call the store.  What this
 * process commits is not told. */
struct store_watch {
	void *ctx;
	/* This version has been committed, or the identifiable was deleted as this version. */
	void (*changed)(void *ctx, enum store_kind, const char *id, int64_t version);
	/* False: from now on changes may go unheard.  True: they are heard, but some may have been missed: whatever was read before this call, or is
	 * being read, may be old.  Not heard before the first call; may come many times. */
	void (*heard)(void *ctx, bool);
};

enum store_put { STORE_CREATE = 1, STORE_REPLACE = 2, STORE_EITHER = 3 };

/* A new text of the value of one Property, addressed by idShortPath. */
struct store_value {
	const char *path;
	const char *text;	/* NULL: the value becomes absent */
};

/* Values of one submodel that are written on their own.  It belongs to the store from write_values until `done`, which may free it. */
struct store_write {
	const char *submodel_id;
	const struct store_value *value;
	const char *const *value_type;	/* n of them: "xs:int", what the texts were checked against; NULL: nothing was checked */
	size_t n;			/* at least 1; of a path that comes twice the last text counts */
	const struct store_cause *cause;	/* NULL: nothing is known */
	/* Called once, after the commit or the failure, in any thread, perhaps before write_values returns; of writes to one submodel that come
	 * together in the order of their versions.  Must not block. */
	void (*done)(struct store_write *);
	void *ctx;
	enum err err;			/* out */
	int64_t version;		/* out: of the submodel */
	int64_t behind;			/* the store's own */
	struct store_write *next;
};

/* One document that is read on its own.  It belongs to the store from read until `done`, which may free it. */
struct store_read {
	enum store_kind kind;
	const char *id;
	struct arena *arena;		/* nobody else uses it meanwhile */
	void (*done)(struct store_read *);	/* called once, in any thread, perhaps before read returns; must not block */
	void *ctx;
	enum err err;			/* out */
	struct store_doc doc;		/* out */
	struct store_read *next;	/* the store's own */
};

/* Why the writes that follow in a transaction are made, and what they do to which element.  The texts belong to the caller until the end. */
enum store_operation { STORE_OP_CREATE, STORE_OP_REPLACE, STORE_OP_DELETE, STORE_OP_VALUE };
struct store_cause {
	const char *actor;		/* who; NULL: nobody said */
	const char *request;		/* correlation id of the request; NULL: none */
	int64_t valid_us;		/* since when it holds in the world; TIME_NONE: since it is recorded */
	const char *path;		/* idShortPath of the only element that a put touches; NULL: the whole identifiable */
	enum store_operation part;	/* what is done to that element; not looked at without a path */
};

/* One committed change of one identifiable: a row of history, and a line of the feed, where each is exactly once, those of one identifiable in the
 * order of their versions. */
struct store_event {
	int64_t position;		/* in the feed, one more than the one before; 0: history does not tell */
	enum store_kind kind;
	const char *id;
	int64_t version;		/* that this change made */
	enum store_operation operation;	/* on the identifiable */
	const char *path;		/* as in store_cause; NULL for STORE_OP_VALUE, create and delete */
	enum store_operation part;	/* without a path: `operation` */
	const char *actor, *request;	/* NULL: not known */
	int64_t recorded_us, valid_us;	/* valid_us is recorded_us when nobody said */
	size_t n_values;		/* STORE_OP_VALUE: the Properties whose values were written, in the order of their paths (bytewise) */
	const char *const *value_path, *const *before, *const *after;	/* a NULL text: the value is absent; `after` NULL: it was not kept then */
};
#define STORE_LISTENERS_MAX 8

struct store_recent {
	const char *id;
	int64_t created_us, updated_us;
};

/* What is known of a blob.  Its bytes are kept by their SHA-256: the same bytes once, however many blobs have them, and never changed. */
struct store_blob_info {
	const char *content_type, *file_name;	/* NULL: not known */
	int64_t size;
	unsigned char hash[SHA256_SIZE];
};

/* A small blob with its bytes, for store_blob_put and store_blob_get. */
struct store_blob {
	const char *content_type, *file_name;
	struct slice bytes;
};

enum quality { QUALITY_GOOD, QUALITY_UNCERTAIN, QUALITY_SIMULATED, QUALITY_STALE, QUALITY_BAD };
const char *quality_name(enum quality);		/* "good", ... */

/* One point of history.  A series is one element of one submodel. */
struct store_sample {
	int64_t series;
	int64_t time_us;	/* source time */
	double num;		/* NaN when the value is not a number; an infinity may come back as NaN */
	const char *text;	/* the value as text, when it is not a number; else NULL */
	enum quality quality;
};

/* What the numbers of a stretch of time come to.  Samples may be missing that came in the last minutes. */
enum store_level { STORE_MINUTE, STORE_HOUR, STORE_DAY };
struct store_bucket {
	int64_t time_us;	/* where it begins: a full minute, hour or UTC day */
	double mean, min, max;	/* of the numbers up to 1e140 in size; NaN when there are none */
	/* Mean over time: each number holds until the next one, the last one until the end of the bucket or until now, the last one before it from
	 * its beginning.  NaN when it is not known (yet). */
	double time_mean;
};

struct store_live {
	int64_t series;
	int64_t time_us;
	const char *text;	/* NULL: no value */
	enum quality quality;
};

/* What one commit of the historian carries: all or nothing. */
struct store_batch {
	const struct store_sample *sample;
	size_t n_samples;
	const struct store_live *live;	/* at most one per series: the newest */
	size_t n_live;
	const char *spool;		/* name of the spool that the samples came from, or NULL */
	uint64_t position;		/* everything before it is now committed */
};
/* Who reads the feed and must not read twice keeps his place in the same way: a batch of nothing but `spool` and `position`, the position of the
 * last event that he is done with. */

/* One attempt to command an asset; written again at every change of state. */
struct store_command {
	const char *id;			/* UUID, also the correlation data */
	const char *submodel_id, *path;	/* the Operation or the written element */
	const char *topic, *payload;	/* as sent */
	const char *state;		/* "sent", "completed", "rejected", "timeout", "refused" (by mode) */
	const char *reason;		/* "" or why not */
	const char *mode;
	int64_t requested_us, answered_us;	/* TIME_NONE: not yet */
};

/* One asynchronous invocation of an Operation, under the handle that the client got; written again at every change of state. */
struct store_invocation {
	const char *id;			/* the handle */
	const char *submodel_id, *path;
	const char *owner;		/* the server that executes it */
	const char *state;		/* executionState */
	const char *message;		/* why it failed; NULL: nothing to say */
	const char *outputs, *inoutputs;	/* JSON arrays of OperationVariable; NULL: none */
	bool value_only;		/* it was invoked in value-only form */
	int64_t requested_us, deadline_us, ended_us;	/* ended_us TIME_NONE: not yet */
};

/* What is kept of an invocation, synchronous or not, for the thread of an asset's life; written again when it has ended. */
struct store_invoked {
	const char *handle;		/* which one it is; it cannot be read back */
	const char *submodel_id, *path;
	const char *actor, *request;	/* NULL: not known; so are these two when it is written again: they stay */
	const char *state, *message;	/* executionState; NULL: nothing to say */
	const char *inputs, *outputs;	/* JSON arrays of OperationVariable, with the in-outputs, or the beginning of one; NULL: none, or they stay */
	bool asynchronous;
	int64_t requested_us, ended_us;	/* requested_us is the same when it is written again; ended_us TIME_NONE: not yet */
};

/* An AASX package of the file server: its entry in the list.  The bytes are a blob of the caller's. */
struct store_package {
	const char *id, *file_name;
	const char *const *aas_ids;
	size_t n_aas_ids;
	int64_t size;			/* bytes of the package */
};

struct store_package_page {
	struct store_package *item;
	size_t n;
	const char *next;	/* the `after` of the next page; NULL: this was the last */
};

struct store_ops {
	void (*close)(struct store *);

	/* -- session: a transaction that reads sees one moment, from its first read on, and refuses to write; one that writes sees what is
	 * committed at each moment, and its own writes. -- */
	enum err (*begin)(struct store *, bool write, struct store_txn **);
	enum err (*commit)(struct store_txn *);		/* frees the transaction, also on error */
	void (*abort)(struct store_txn *);		/* frees the transaction */

	/* What the writes that follow in this transaction are caused by, until it is called again.  NULL, and the start: nothing is known. */
	void (*cause)(struct store_txn *, const struct store_cause *);

	/* -- identifiables ------------------------------------------------------------------------------- */
	enum err (*get)(struct store_txn *, enum store_kind, const char *id, struct arena *, struct store_doc *);
	/* The same as a transaction of its own, and nobody waits for it: those that come together are asked for together, so this is the fast way.
	 * NULL: there is only the other way. */
	void (*read)(struct store *, struct store_read *);
	enum err (*version)(struct store_txn *, enum store_kind, const char *id, int64_t *version);
	/* `expect`: the version it must have now, 0: any; looked at after existence, and what is not there has no version.  *created tells which of
	 * the two happened.  Whoever puts what he has read before gives its version: else he may undo what others did in between. */
	enum err (*put)(struct store_txn *, enum store_kind, const struct aas_node *, enum store_put, int64_t expect,
			bool *created, int64_t *version);
	/* put of all of them, one after the other, with no version expected; many at once are written faster than one by one.  `created` and
	 * `version` have n places each.  After an error *at is the one that it is about, or n when that is not known, and the transaction
	 * can only be aborted (ERR_NOT_FOUND is no exception). */
	enum err (*put_many)(struct store_txn *, enum store_kind, const struct aas_node *const *, size_t n, enum store_put, bool *created,
			     int64_t *version, size_t *at);
	enum err (*del)(struct store_txn *, enum store_kind, const char *id);
	/* In the order of the ids (bytewise), beginning after the id `after` (NULL: from the start; it need not exist), at most `limit`, which is
	 * at least 1.  Filter NULL: all. */
	enum err (*list)(struct store_txn *, enum store_kind, const struct store_filter *, const char *after, size_t limit,
			 struct arena *, struct store_page *);

	/* One of each id, in their order; an `id` of NULL: there is none.  Submodels come without their elements. */
	enum err (*heads)(struct store_txn *, enum store_kind, const char *const *id, size_t n, struct arena *, struct store_doc *);
	/* Those for which the query holds, paged as `list` is.  What it may cost can end the page early, even without an item: `next` is set
	 * then.  json.p is NULL when the query selects ids.  ERR_EXPENSIVE: not one document could be decided. */
	enum err (*query)(struct store_txn *, enum store_kind, struct store_query *, const char *after, size_t limit, struct arena *,
			  struct store_page *);
	/* For a query of which not much is to be expected, and its documents are at hand with who lends them.  False: that is not known, or not
	 * possible, and `done` will not be called.  NULL: never. */
	bool (*search)(struct store *, struct store_search *);
	/* Where a query about descriptors of this kind may hold: ids alone, of what lives here and of what was registered, none too few.  Paged as
	 * `list` is. */
	enum err (*candidates)(struct store_txn *, enum store_kind, const struct aas_query *, const char *after, size_t limit, struct arena *,
			       struct store_page *);

	/* -- values: only the rows of these elements are written, the document is folded when it is read; the version grows by one.  At least
	 * one; of a path that comes twice the last text counts.  The caller has checked that the texts suit the valueTypes.
	 * From then on until the end the submodel is locked, or commit answers ERR_AGAIN when somebody else was faster. -- */
	enum err (*put_values)(struct store_txn *, const char *submodel_id, const struct store_value *, size_t n, int64_t *version);

	/* The same as a transaction of its own, and nobody waits for it: those that come while one is being committed share the next commit, so
	 * this is the fast way.  Each has its own version, one more than the one before, and its own line in history.  ERR_NOT_FOUND: no such
	 * submodel, or no Property at a path.  ERR_AGAIN: its valueType is another, or somebody has the submodel locked, or the database was
	 * in the way: nothing was written.  ERR_UNAVAILABLE: nobody knows. */
	void (*write_values)(struct store *, struct store_write *);

	/* -- other processes.  Begins to watch, one at a time (ERR_CONFLICT), or cannot (ERR_NOT_SUPPORTED).  NULL: ends it, when nobody writes here
	 * any more, after everybody else was told what was committed here.  The op itself is NULL when nobody else can change the store. -- */
	enum err (*watch)(struct store *, const struct store_watch *);

	/* -- what was: in transactions that read (else ERR_INTERNAL).  ERR_GONE: what would tell is not kept any more.  get_version, get_at and
	 * recent are of what is a tree. ----------------- */
	/* The changes of one identifiable with later versions than `after_version`, oldest first, at most `limit`.  Of one that never was: none. */
	enum err (*history)(struct store_txn *, enum store_kind, const char *id, int64_t after_version, size_t limit, struct arena *,
			    struct store_event **, size_t *n);
	/* As that version left it.  ERR_NOT_FOUND: there is no such version, or it is the one that deleted it. */
	enum err (*get_version)(struct store_txn *, enum store_kind, const char *id, int64_t version, struct arena *, struct store_doc *);
	/* As it was at that time: as the latest of the versions left it that are valid since then or before.  ERR_NOT_FOUND: it was not there. */
	enum err (*get_at)(struct store_txn *, enum store_kind, const char *id, int64_t at_us, struct arena *, struct store_doc *);

	/* A blob, a package as it was at that time.  What they held is kept for as long as history tells of it. */
	enum err (*blob_at)(struct store_txn *, const char *key, int64_t at_us, struct arena *, struct store_blob_info *);
	enum err (*package_at)(struct store_txn *, const char *id, int64_t at_us, struct arena *, struct store_package *);

	/* The ids of all that is there or ever was (not of blobs), in the order of lists, behind `after` (NULL: from the start), at most `limit`;
	 * what history has forgotten and is not there now does not come. */
	enum err (*ids)(struct store_txn *, enum store_kind, const char *after, size_t limit, struct arena *, const char ***id, size_t *n);
	/* What is there now and was made at or after `created_us` and last changed at or after `updated_us` (TIME_NONE: whenever), as lists are. */
	enum err (*recent)(struct store_txn *, enum store_kind, int64_t created_us, int64_t updated_us, const char *after, size_t limit,
			   struct arena *, struct store_recent **, size_t *n);

	/* -- the feed: every committed change, once, in one order.  A change appears soon after its commit; whoever has seen a position has seen, or
	 * can read, all before it.  Each call is its own transaction. -- */
	/* Those behind the position `after` (0: from the start), in order, at most `limit`; *newest: the last position there is.  ERR_GONE: the
	 * feed does not reach back to `after`, or has not come so far (the position is of another one): begin anew with what is there now. */
	enum err (*feed)(struct store *, int64_t after, size_t limit, struct arena *, struct store_event **, size_t *n, int64_t *newest);
	/* `wake` is called, in any thread, when there may be new events, and need not be for each.  It must not call the store nor block; of locks it
	 * may take those of RANK_QUEUE and above.  ERR_CONFLICT: STORE_LISTENERS_MAX listen already. */
	enum err (*feed_listen)(struct store *, void (*wake)(void *ctx), void *ctx);
	/* Afterwards it is not called any more, in no thread.  Not to be called by `wake`. */
	void (*feed_unlisten)(struct store *, void (*wake)(void *ctx), void *ctx);

	/* -- blobs: attachments, thumbnails and packages, by a key of the caller's; put replaces.  `source` gives the bytes that `info` tells of,
	 * and is not asked when they are here already; ERR_BAD_REQUEST when it gives others.  What no blob has any more, and history does not
	 * tell of, goes away as soon as nobody reads it.  blob_read: n bytes from the offset `at`, which are there; for a blob that this
	 * transaction has found. -- */
	enum err (*blob_put)(struct store_txn *, const char *key, const struct store_blob_info *, struct source, struct diag *);
	enum err (*blob_find)(struct store_txn *, const char *key, struct arena *, struct store_blob_info *);
	enum err (*blob_read)(struct store_txn *, const struct store_blob_info *, int64_t at, char *to, size_t n);
	enum err (*blob_del)(struct store_txn *, const char *key);
	/* The bytes of a blob that was found, to be read after its transaction: each read is a transaction of its own.  While the content is
	 * open this store does not let go of its bytes, so a blob that is replaced meanwhile is read as it was; should another process have
	 * deleted it, reading ends with ERR_NOT_FOUND: other bytes never come.  Opening does not block; reading and closing may. */
	enum err (*blob_open)(struct store *, const struct store_blob_info *, struct content *);

	/* -- asynchronous invocations: put makes or replaces ------------------------------------------------------------------ */
	enum err (*invocation_put)(struct store_txn *, const struct store_invocation *);
	enum err (*invocation_get)(struct store_txn *, const char *id, struct arena *, struct store_invocation *);
	/* Of this owner, not ended, in the order of the ids; at most `limit`. */
	enum err (*invocation_open)(struct store_txn *, const char *owner, size_t limit, struct arena *, struct store_invocation **, size_t *n);
	/* Forget those that ended before `before_us`, and of all that ended all but the `keep` newest. */
	enum err (*invocation_trim)(struct store_txn *, int64_t before_us, size_t keep);

	/* -- packages, in the order of their ids (bytewise) as `list` does; `aas_id`: only those that hold this shell, NULL: all ------ */
	enum err (*package_put)(struct store_txn *, const struct store_package *, enum store_put, bool *created);
	enum err (*package_del)(struct store_txn *, const char *id);
	enum err (*package_list)(struct store_txn *, const char *aas_id, const char *after, size_t limit, struct arena *,
				 struct store_package_page *);

	/* -- series, live values and commands; each call is its own transaction ----------------------------------------------- */
	enum err (*series)(struct store *, const char *submodel_id, const char *path, const char *unit, int64_t *id); /* find or make */
	/* ERR_NOT_FOUND: a series is not known.  After ERR_UNAVAILABLE nobody knows whether the batch was committed; the same batch
	 * may be sent again, and is stored once if it names its spool and no other batch of that spool came between. */
	enum err (*append)(struct store *, const struct store_batch *);
	enum err (*position)(struct store *, const char *spool, uint64_t *position);	/* 0 when never seen */
	/* Samples of t0 <= time < t1 in the order of time; the newest `limit` of them.  ERR_NOT_FOUND: no such series. */
	enum err (*samples)(struct store *, int64_t series, int64_t t0_us, int64_t t1_us, size_t limit, struct arena *,
			    struct store_sample **, size_t *n);
	/* Buckets that begin at t0 <= time < t1 and have samples, in the order of time; the newest `limit` of them.  ERR_NOT_FOUND as above. */
	enum err (*buckets)(struct store *, int64_t series, int64_t t0_us, int64_t t1_us, enum store_level, size_t limit, struct arena *,
			    struct store_bucket **, size_t *n);
	/* All live rows, as they were last committed, in no order; `row` must not call the store. */
	enum err (*live)(struct store *, void (*row)(void *ctx, const char *submodel_id, const char *path, const struct store_live *), void *ctx);
	enum err (*command)(struct store *, const struct store_command *);
	/* Does not wait until it is safe from a loss of power. */
	enum err (*invoked)(struct store *, const struct store_invoked *);
};

struct store {
	const struct store_ops *ops;	/* first member of every implementation */
};

struct store *store_mem_new(void);

/* Small blobs whole, in memory: ERR_TOO_LARGE when it has more than `limit` bytes.  Get: everything in the arena, NUL-terminated behind its end. */
enum err store_blob_put(struct store *, struct store_txn *, const char *key, const struct store_blob *);
enum err store_blob_get(struct store *, struct store_txn *, const char *key, size_t limit, struct arena *, struct store_blob *);

/* write_values, and wait for it: `done` and `ctx` are not used. */
enum err store_write_wait(struct store *, struct store_write *);

#endif
