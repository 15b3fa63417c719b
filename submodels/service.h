/* SPDX-License-Identifier: Apache-2.0
 * service.h - the domain: reading and changing shells, submodels, elements and concept descriptions under the rules of IDTA-01002.
 *
 * Everything a REST handler, an import or a test does to the model goes through here.  A `struct sm_service` is shared by all threads;
 * a `struct sm_session` is one transaction of one thread: begin, work, then commit (which publishes the changes) or abort.
 * ERR_AGAIN from any call or from commit: abort and start over with a new session; nothing has been published.
 */
#ifndef SUBMODELS_SERVICE_H
#define SUBMODELS_SERVICE_H

#include "aas/aasx.h"
#include "aas/store.h"
#include "aas/view.h"
#include "base/findings.h"
#include "submodels/async.h"
#include "submodels/change.h"
#include "submodels/invoke.h"
#include "submodels/live.h"

struct sm_service;

struct sm_config {
	struct store *store;
	struct changes *changes;
	struct live *live;
	struct sm_invoker invoker;	/* may be empty */
	size_t cache_bytes;		/* budget of the tree cache; 0: default */
	struct sm_async_config async;	/* asynchronous operations; zero members: defaults */
	const char *sole_shell, *sole_submodel;	/* what is reached without an id; NULL: the only one there is */
};

struct sm_service *sm_service_new(const struct sm_config *);
void sm_service_free(struct sm_service *);
/* The id of what is reached without one (`/aas`, `/submodel`), when it was configured; it need not exist.  NULL: it was not. */
const char *sm_sole(const struct sm_service *, enum store_kind);
/* The engine is started after the service and needs it: plug its invoker in before the first request is served. */
void sm_service_invoker(struct sm_service *, const struct sm_invoker *);

/* One immutable identifiable, shared by count.  `json` is its canonical document. */
struct sm_tree {
	struct slice json;
	int64_t version;
	enum store_kind kind;
	bool has_blob;		/* may hold a Blob with a value: the document is then not what extent=withoutBlobValue shows */
};
/* May a document have a Blob with a value?  A text that looks like one counts, too. */
bool sm_has_blob(struct slice json);
/* From memory alone, without any transaction: NULL when not cached.  Never blocks on input or output. */
const struct sm_tree *sm_peek(struct sm_service *, enum store_kind, const char *id);
/* The cache has it, even if sm_peek does not give it because that would take long. */
bool sm_is_cached(struct sm_service *, enum store_kind, const char *id);
/* What is not cached, read without anybody waiting for it, and cached: `done` is called once, in any thread, perhaps before this returns, with a
 * tree that it has to drop, or NULL: then a session may know more, and has the message.  False: not possible, and `done` will not be called. */
bool sm_read_later(struct sm_service *, enum store_kind, const char *id, void (*done)(void *ctx, const struct sm_tree *), void *ctx);
void sm_tree_drop(const struct sm_tree *);		/* NULL is allowed */
const struct sm_tree *sm_tree_hold(const struct sm_tree *);	/* counted once more */
/* It is what sm_peek would give: nothing has been committed to its identifiable since, as far as this process knows.  Takes no lock. */
bool sm_tree_current(struct sm_service *, const struct sm_tree *);
/* It was shown again: the cache keeps it as if sm_peek had given it.  Takes no lock. */
void sm_tree_used(const struct sm_tree *);
/* The tree of the document, parsed when it is first needed.  NULL: no memory, or a document that cannot be read; never for what sm_get gave.
 * Any thread. */
const struct aas_node *sm_tree_node(const struct sm_tree *);
/* The same for who must not take long: NULL then, too. */
const struct aas_node *sm_tree_node_quick(const struct sm_tree *);
/* Another form of `json`, made by whoever serves it and kept with the tree (within the budget of the cache): the first one stays.  What it
 * is the server knows alone.  NULL: none yet.  Any thread. */
const struct slice *sm_tree_packed(const struct sm_tree *);
void sm_tree_pack(struct sm_service *, const struct sm_tree *, struct slice bytes);	/* copied; without memory nothing happens */

struct sm_session;
enum err sm_begin(struct sm_service *, bool write, struct arena *, struct diag *, struct sm_session **);
/* Who is behind what this session writes, and the id of his request, for history; NULL: not known.  The texts live as long as the session, and
 * longer after sm_commit_later: until `done`.  Before anything is written. */
void sm_cause(struct sm_session *, const char *actor, const char *request);
enum err sm_commit(struct sm_session *);		/* frees; publishes what was changed */
void sm_abort(struct sm_session *);			/* frees; NULL is allowed */
/* The same for who does not want to wait until others are committed together with him.  False: not possible with what was done in this session,
 * and it is still there for sm_commit.  True: `done` is called once with what sm_commit would answer, in any thread, perhaps already. */
bool sm_commit_later(struct sm_session *, void (*done)(void *ctx, enum err), void *ctx);
/* Before anything else: values are written in the session's own transaction, which waits for whoever has the submodel.  After an ERR_AGAIN. */
void sm_patient(struct sm_session *);

/* -- whole identifiables.  The trees from sm_get are valid until the session ends. ---------------------------------------- */
enum err sm_get(struct sm_session *, enum store_kind, const char *id, const struct sm_tree **);
/* For the filter or the query: the documents of a page are borrowed from the store and from the cache, until the next page or the end of the session.
 * A page that has so many bytes of them ends. */
const struct store_loan *sm_loan(struct sm_session *, size_t bytes);
enum err sm_list(struct sm_session *, enum store_kind, const struct store_filter *, const char *after, size_t limit, struct store_page *);
/* For who reads more than memory holds, in a session that reads: what its transaction sees, in an arena of the caller's; nothing is kept.
 * ERR_NOT_FOUND comes without a message.  A list is of all, as sm_list pages it. */
enum err sm_read(struct sm_session *, enum store_kind, const char *id, struct arena *, struct store_doc *);
enum err sm_read_list(struct sm_session *, enum store_kind, const char *after, size_t limit, struct arena *, struct store_page *);
/* ERR_EXPENSIVE: the query costs more than it may; see store_ops.query. */
enum err sm_query(struct sm_session *, enum store_kind, struct store_query *, const char *after, size_t limit, struct store_page *);
/* The search for it beforehand, which nobody waits for (store_ops.search).  False: the store does not do that for this query. */
bool sm_search(struct sm_service *, struct store_search *);
enum err sm_create(struct sm_session *, enum store_kind, struct aas_node *);			/* ERR_CONFLICT when it exists */
enum err sm_put(struct sm_session *, enum store_kind, const char *id, struct aas_node *, bool *created);	/* id must be the node's */
enum err sm_delete(struct sm_session *, enum store_kind, const char *id);
enum err sm_has(struct sm_session *, enum store_kind, const char *id, bool *has);
/* For conditions that a write depends on: the version now, 0 when there is none; what this session then does with the identifiable is
 * committed only if nobody else has changed, made or deleted it in between (ERR_AGAIN).  The session is one that writes. */
enum err sm_guard(struct sm_session *, enum store_kind, const char *id, int64_t *version);

/* -- elements of a submodel; `path` is an idShortPath, NULL or "" means the submodel itself ----------------------------------- */
enum err sm_element_get(struct sm_session *, const char *sm_id, const char *path, const struct aas_node **);
enum err sm_element_post(struct sm_session *, const char *sm_id, const char *parent, struct aas_node *, const char **new_path);
enum err sm_element_put(struct sm_session *, const char *sm_id, const char *path, struct aas_node *, bool *created);
enum err sm_element_patch(struct sm_session *, const char *sm_id, const char *path, const struct aas_node *patch);
enum err sm_element_delete(struct sm_session *, const char *sm_id, const char *path);
/* Value-only PATCH: `text` is the JSON value.  One CHANGE_VALUE per leaf, also when the value was the same: a repeated set-point is one. */
enum err sm_value_patch(struct sm_session *, const char *sm_id, const char *path, struct slice text);
/* The same in a session that has done nothing yet, for a thread that must not block: when what is in memory is enough, only sm_commit_later is to
 * follow.  False: nothing has happened. */
bool sm_value_patch_quick(struct sm_session *, const char *sm_id, const char *path, struct slice text);

/* -- a shell's parts ------------------------------------------------------------------------------------------------- */
enum err sm_asset_put(struct sm_session *, const char *aas_id, const struct aas_node *asset_information);
enum err sm_ref_post(struct sm_session *, const char *aas_id, struct aas_node *reference);	/* ERR_CONFLICT: has it */
enum err sm_ref_delete(struct sm_session *, const char *aas_id, const char *sm_id);
enum err sm_ref_check(struct sm_session *, const char *aas_id, const char *sm_id);		/* ERR_NOT_FOUND: not referenced */

/* -- view with live values laid over: what GET answers --------------------------------------------------------------------- */
enum err sm_write(struct sm_service *, struct buf *, const char *sm_id, const struct aas_node *, const struct aas_view *, struct diag *);
/* Some element of this submodel has a live value: its stored document is not what GET shows. */
bool sm_is_live(struct sm_service *, const char *sm_id);

/* -- operations: no session is open while the asset works ------------------------------------------------------------------ */
/* The Operation at `path`, copied into the arena; ERR_METHOD when the element is something else. */
enum err sm_operation_get(struct sm_service *, const char *sm_id, const char *path, struct arena *, const struct aas_node **,
			  struct diag *);
/* timeout_us <= 0: the default; too large ones are cut; `operation` is found out.  Arguments are checked against the declaration
 * (ERR_BAD_REQUEST).  What was executed, or would have been if there were somebody to do it, is kept (store_ops.invoked). */
enum err sm_invoke(struct sm_service *, const struct sm_invocation *, struct arena *, struct sm_outcome *, struct diag *);

/* Bytes that came, and what is known of them.  They are read in pieces, perhaps several times. */
struct sm_upload {
	struct store_blob_info info;
	struct content content;
};

/* -- stored files: what a File element or a shell's thumbnail points to.  ERR_NOT_FOUND: it points to nothing that is stored here
 * (an external URL is never followed).  ERR_METHOD: the element is not a File. ------------------------------------------------ */
enum err sm_file_get(struct sm_session *, const char *sm_id, const char *path, struct store_blob_info *);
enum err sm_file_put(struct sm_session *, const char *sm_id, const char *path, const struct sm_upload *);
enum err sm_file_delete(struct sm_session *, const char *sm_id, const char *path);
enum err sm_thumbnail_get(struct sm_session *, const char *aas_id, struct store_blob_info *);
enum err sm_thumbnail_put(struct sm_session *, const char *aas_id, const struct sm_upload *);
enum err sm_thumbnail_delete(struct sm_session *, const char *aas_id);
/* The bytes of what was found, to be read also after the session (store_ops.blob_open). */
enum err sm_content_open(struct sm_session *, const struct store_blob_info *, struct content *);

/* -- packages of the file server: kept as they came, apart from the model -------------------------------------------------------- */
#define SM_PACKAGE_ID_MAX 128		/* characters */
/* ERR_CONFLICT: STORE_CREATE, and it exists.  ERR_NOT_FOUND. */
enum err sm_package_put(struct sm_session *, const struct store_package *, const struct sm_upload *, enum store_put, bool *created);
enum err sm_package_get(struct sm_session *, const char *id, struct store_blob_info *);
enum err sm_package_delete(struct sm_session *, const char *id);
enum err sm_package_list(struct sm_session *, const char *aas_id, const char *after, size_t limit, struct store_package_page *);

/* -- bringing in an environment (a package or a file): one transaction, all or nothing -------------------------------------- */
#define SM_IMPORT_ITEMS 1000
struct sm_import_item {
	enum store_kind kind;
	const char *id, *done;		/* "created", "replaced" or "skipped" */
	struct sm_import_item *next;
};
struct sm_import_report {
	size_t created, replaced, skipped, files;
	size_t read, total;		/* identifiables looked at, and how many there are (0: nobody knows before the end) */
	struct sm_import_item *items;	/* of sm_import_all alone: the first SM_IMPORT_ITEMS */
	size_t n_items;			/* also those that are not there */
};
/* `step` is called while it grows, in the thread of the import: after each identifiable and each file. */
void sm_import_watch(struct sm_session *, void (*step)(void *ctx, const struct sm_import_report *), void *ctx);
enum sm_import_mode { SM_IMPORT_NEW, SM_IMPORT_IGNORE_DUPLICATES, SM_IMPORT_REPLACE };
/* The files are in memory, or read from the archive piece by piece. */
enum err sm_import(struct sm_session *, const struct aasx *, enum sm_import_mode, struct sm_import_report *);
/* The same, but a fault of the input does not end it: the rest is looked at, and everything that is found is in the findings, which are those of
 * the session's diag.  They may hold faults already, and the environment be as a reader that collects leaves it; then nothing is written.
 * Files that the package should have and has not are warnings.  Returns findings->err, or an error that is no finding. */
enum err sm_import_all(struct sm_session *, const struct aasx *, enum sm_import_mode, struct findings *, struct sm_import_report *);
/* One identifiable after the other of an environment that may be larger than memory: `read` is aas_json_read_items or aas_xml_read_items.  The
 * first fault ends it, and so does an id that comes twice. */
struct aas_items;
enum err sm_import_stream(struct sm_session *, enum err (*read)(struct source, const struct aas_items *, struct diag *), struct source,
			  enum sm_import_mode, struct sm_import_report *);
/* The identifiables, which are walked over twice and may be changed (aasx_write), with the stored files that their File elements and
 * thumbnails name, as a package.  ERR_TOO_LARGE when it does not fit into one. */
enum err sm_export(struct sm_session *, struct aasx_items, enum aasx_form, struct sink);

#endif
