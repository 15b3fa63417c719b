/* SPDX-License-Identifier: Apache-2.0
 * call.h - one request on its way through the server: the only place where a request is processed.
 *
 * match -> identify -> decode -> authorise -> begin -> resolve -> operate (handler) -> commit -> encode -> record.
 * A handler (op_*) is one domain call: it reads the decoded members below, calls submodels/service.h, and says what to answer with
 * a reply_* function.  It never sees libmicrohttpd, status codes, base64 or request JSON, and has no effect outside its session, so
 * it can be run again.
 */
#ifndef SERVER_CALL_H
#define SERVER_CALL_H

#include "base/buf.h"
#include "server/route.h"
#include "server/upload.h"
#include "submodels/service.h"

struct server;		/* server/http.h */
struct jws;		/* server/jws.h */

/* How far an upload is; the phase is one of a few constants. */
struct call_progress {
	const char *phase;			/* "reading", "storing", "committing" */
	int64_t bytes, total_bytes;		/* of the file that came: read so far, and all */
	const struct sm_import_report *report;
};

struct call {
	/* -- who and what; set by the transport -- */
	struct server *server;
	struct sm_service *service;
	const char *method;
	struct slice path, query_text;		/* raw */
	struct slice body;			/* raw */
	const char *content_type, *accept, *correlation_id;
	const char *if_match, *if_none_match, *range, *if_range;	/* NULL: not given */
	const char *scratch_dir;		/* where large bodies and replies are kept meanwhile; NULL: as scratch_new says */
	int64_t file_max;			/* bytes of a file that comes; 0: no bound */
	const char *base_path;			/* the prefix the client used: "/api/v3.0", "/api/v3" or "" */
	const char *host;			/* Host header, or what a trusted proxy says instead (forwarded.h), or NULL */
	const char *scheme, *mount;		/* what a trusted proxy says of the URL: "https", and the path in front of the base path; or NULL */
	const struct jws *signer;		/* NULL: this server signs nothing */
	const char *client, *user;		/* the address of who asks, and who a trusted proxy says that is; NULL: not known */
	const char *outside;			/* how clients reach this server ("https://plant.example"), when the option says so; or NULL */

	/* -- matched and decoded by call_begin; ids are plain text, NULL where the route has none -- */
	const struct route *route;
	struct route_match match;
	struct arena *arena;			/* set by the transport, like everything above */
	struct diag diag;
	bool begun;
	uint64_t cursor_seed;			/* what a cursor of this request is bound to: operation, ids and filters */
	const char *aas_id, *sm_id, *cd_id, *id_short_path, *handle, *package_id;
	struct aas_view view;			/* modifier, level, extent */
	size_t limit;
	const char *after;			/* decoded cursor: where the page begins; NULL */
	struct store_filter filter;
	const char *of_aas;			/* aasId: only packages with this shell; NULL: all */
	const char **aas_ids, **submodel_ids;	/* NULL-terminated, or NULL */
	bool with_cds;
	bool in_past;				/* the answer is what was at `at_us` */
	int64_t at_us;
	struct aas_node *node;			/* the body, when the route names a class */
	struct upload *upload;			/* a body that is a file, RAW; the transport frees it (upload_free) */
	struct { const char *name, *value; } *query_rest;	/* further parameters, NULL name at the end */

	/* -- at work -- */
	struct sm_session *session;		/* open while the handler runs, except for ACCESS_EXEC */
	unsigned attempt;
	struct aas_query *asked;		/* the body as a query; NULL: it was not read yet */
	struct store_search *found;		/* what it finds; NULL: that is not known yet */
	bool undo;				/* set by a handler: nothing of its session shall stay */
	struct findings *findings;		/* set by a handler: a failure tells all of them instead of the first messages; or NULL */
	/* Set by a transport whose client wants to be told; called often, and must not block.  NULL: nobody does. */
	void (*progress)(struct call *, const struct call_progress *);
	bool (*gone)(const struct call *);	/* set by a transport that can tell, for the thread that runs the call: the client is away; or NULL */
	/* Set by a transport that does not want to wait (call_start): the answer is final, or call_start shall be called again by a worker. */
	void (*done)(struct call *), (*again)(struct call *);

	/* -- the answer -- */
	struct {
		int status;			/* 0: by the route's reply column */
		struct buf body;		/* freed by the transport */
		struct content content;		/* instead: the transport reads and closes it; size alone counts when `read` is set */
		const unsigned char *hash;	/* SHA-256 of the content */
		int64_t from, length, whole;	/* of the content: what is sent, and how much there is */
		const char *content_type;	/* NULL: application/json */
		const char *location;		/* below the base path, percent-encoded: "/submodels/{b64}" */
		const char *disposition;	/* Content-Disposition, or NULL */
		const char *file_name;		/* X-FileName, plain ASCII, or NULL */
		const char *allow;		/* Allow, with 405 */
		const char *etag;		/* with its quotes, see etag.h; NULL: none */
		bool live;			/* there were live values before it was made */
		int64_t version;		/* of what was created, where the route does not lead to it; for its tag */
		size_t items;			/* of the page, so far */
		uint64_t sum;			/* of the first `summed` bytes, for the tag (etag.h) */
		size_t summed;
		const char *result_type;	/* paging_metadata.resultType of the page, or NULL */
	} reply;
};

/* Match and decode ids and query: no input or output, any thread.  False: the answer is final (an error). */
bool call_begin(struct call *);
/* After call_begin: answer from memory alone.  True: the answer is final; *tree, when set, is the body (its json) and the
 * caller's to drop, and so is *source, of which alone the body was made.  False: call_run has to.  Never blocks. */
bool call_peek(struct call *, struct live *, const struct sm_tree **tree, const struct sm_tree **source);
/* After a call_peek in vain, when one document is all that is needed: true: it is being read, and `done` is called once, in any thread, perhaps
 * already, with what belongs to call_from_tree, or with NULL: then call_run has to. */
bool call_read_later(struct call *, void (*done)(void *ctx, const struct sm_tree *), void *ctx);
/* call_peek with the document that was read (which is taken). */
bool call_from_tree(struct call *, struct live *, const struct sm_tree *, const struct sm_tree **tree, const struct sm_tree **source);
/* After call_begin: a patch of values that memory can check goes to the store.  True: as call_start answers false.  False: nothing has happened,
 * call_start has to.  Never blocks. */
bool call_patch(struct call *);
/* After call_begin: true: what a query finds is being searched for, and `done` is called once, in any thread, perhaps already, and then call_found.
 * False: call_start has to.  Never blocks. */
bool call_search(struct call *, void (*done)(struct store_search *), void *ctx);
/* True: the answer is final, made of what was found and of memory.  False: that is not enough, call_start has to.  Never blocks. */
bool call_found(struct call *);
/* Run the whole pipeline (without call_begin, if that was done); afterwards reply.status and reply.body are final.  Worker thread. */
void call_run(struct call *);
/* The same, but nobody waits for a commit that is shared with others.  True: the answer is final.  False: `done` or `again` will be called or has
 * been, in any thread; the call is not to be touched. */
bool call_start(struct call *);
/* Log one line and count: once per answer. `us`: how long it took. */
void call_record(const struct call *, int64_t us);

/* Counters by row of routes.def expanded, by class of status (index 2: 2xx ... 5: 5xx) and the sum of times; any thread. */
struct call_count { uint64_t answers[6], us; };
struct call_count call_count(size_t route);

/* The id of the identifiable that the path leads to or into, of the kind route->subject; NULL: there is none. */
const char *call_subject(const struct call *);

/* A query parameter (or a text field of a multipart body) that the route table does not know; NULL when it was not given. */
const char *call_query(const struct call *, const char *name);

/* -- for handlers ------------------------------------------------------------------------------------------------------------- */
/* One node, as the view of the call wants it (sm_write: live values laid over). */
enum err reply_node(struct call *, const struct aas_node *);
/* sm_write, or what it was at the time that the client asks for. */
enum err reply_write(struct call *, struct buf *, const char *sm_id, const struct aas_node *, const struct aas_view *);
/* A page: begin, items (nodes or raw JSON), end with the cursor of the next page (NULL: none). */
void reply_page_begin(struct call *);
enum err reply_page_node(struct call *, const struct aas_node *);
void reply_page_raw(struct call *, struct slice json);
/* A stored document as it is; the tag of the page is made from its id and version. */
void reply_page_document(struct call *, const struct store_doc *);
void reply_page_end(struct call *, const char *next);
/* A file to be saved: its bytes are sent piece by piece, and closed, by the transport.  `hash` is that of all of them. */
enum err reply_content(struct call *, const char *content_type, const char *file_name, struct content, const unsigned char *hash);
/* The same of what is stored. */
enum err reply_stored(struct call *, const char *content_type, const struct store_blob_info *);
/* Content-Disposition (RFC 6266): a harmless ASCII name, and the whole name in UTF-8 (RFC 8187) where that is another. */
const char *reply_disposition(struct call *, const char *file_name);
/* 201 with a Location below the base path, made from printf-like text that is already encoded. */
void reply_created(struct call *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* base64url of an id, percent-encoding of an idShortPath: for Locations. */
const char *reply_b64(struct call *, const char *id);
const char *reply_path(struct call *, const char *id_short_path);
/* `"messages":[...]`, those of the diag, each with the code of its own; when there are none and e is an error, its text. */
void reply_messages(struct call *, const struct diag *, enum err e);
/* `"findings":[...],"moreFindings":N` (docs/http.md); NULL: none. */
void reply_findings(struct buf *, const struct findings *);
/* What clients have to call in front of "/shells/...": as they reached us, if the option does not say otherwise. */
const char *reply_base_url(struct call *);
/* An AAS Result with all messages of the diag; status from `e`. */
void reply_error(struct call *, enum err e);

#endif
