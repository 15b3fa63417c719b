/* SPDX-License-Identifier: Apache-2.0
 * event.h - what the world is told of a committed change: events, made from the lines of the feed (struct store_event), and the
 * forms in which they go out.
 *
 * One line of the feed gives as many events as it has changed values, else one.  An event is known by "<position>-<index>", which a repetition
 * of the line gives again, so who gets an event twice can tell.  A value that was written and stayed the same is no event, and neither is a line
 * of a package or of a blob.
 *
 * Forms (table in event_format.c):
 *   cloudevents    CloudEvents 1.0, structured JSON, with the types io.admin-shell.events.v1.* that Factory-X uses
 *   basyx          topics and payloads of the BaSyx repositories (Java, V2)
 *   basyx-legacy   the same as the releases up to milestone 14 have it
 *   faaast         topics and payloads of the message bus of FA3ST
 *
 * Nothing here is locked: who reads a feed has his own `struct event_trees`.
 */
#ifndef SUBMODELS_EVENT_H
#define SUBMODELS_EVENT_H

#include "aas/store.h"
#include "base/buf.h"

enum event_type {
	EVENT_CREATED, EVENT_UPDATED, EVENT_DELETED, EVENT_VALUE, N_FEED_TYPES,
	EVENT_INVOKED = N_FEED_TYPES, EVENT_FINISHED, N_EVENT_TYPES
};
extern const char *const event_type_name[N_EVENT_TYPES];		/* "created", ..., "finished" */
extern const char *const event_kind_name[STORE_N_KINDS];		/* "shell", "submodel", "concept-description", ... */

/* -- the documents that events show ---------------------------------------------------------------------------------------------- */

struct event_trees;
#define EVENT_TREES_MAX ((size_t)64 << 20)	/* bytes of trees that are kept, unless told otherwise */
/* `store` may be NULL: then no document is known, and events are what their lines say.  NULL without memory. */
struct event_trees *event_trees_new(struct store *, size_t bytes);
void event_trees_free(struct event_trees *);
/* The identifiable as this line of the feed left it (of a value: perhaps with other values of others), or as it was before (`before`).
 * *out is NULL when that is not known (any more).  Valid until this is called with another line.  ERR_UNAVAILABLE, ERR_AGAIN,
 * ERR_NO_MEMORY: ask again. */
enum err event_tree(struct event_trees *, const struct store_event *, bool before, const struct aas_node **out);

/* -- events ---------------------------------------------------------------------------------------------------------------------- */

struct event {
	const struct store_event *line;
	size_t index;			/* in its line */
	enum event_type type;
	const char *path;		/* idShortPath of the element; NULL: the identifiable itself */
	const struct aas_node *node;	/* what it is about, with the value it has got; of a deletion as it was; NULL: not known */
	const struct aas_node *place;	/* the same in its tree, where the value may be another one */
	const char *before, *after;	/* EVENT_VALUE of a Property: texts; NULL: absent */
	bool texts;			/* ... and they are known */
	const char *own_id;		/* of what is in no feed: an Operation was invoked, or has finished; else NULL */
};

/* Events of one line, in the arena; the nodes as long as the tree. */
enum err event_list(struct event_trees *, const struct store_event *, struct arena *, struct event **, size_t *n);

#define EVENT_ID_MAX 48
void event_id(const struct event *, char out[EVENT_ID_MAX]);		/* "17-0" */
/* "17-0" or "17" (all of line 17).  *index is SIZE_MAX then.  False: neither. */
bool event_id_read(const char *text, size_t n, int64_t *position, size_t *index);
/* Value of the first key of the semanticId of a submodel or an element; NULL: none. */
const char *event_semantic_id(const struct aas_node *);

/* -- forms ----------------------------------------------------------------------------------------------------------------------- */

#define EVENT_PAYLOAD_MAX ((size_t)1 << 20)

struct event_config {
	const char *url;		/* in front of "/submodels/..." in a source: "https://plant.example/api/v3"; "" or NULL: nothing */
	const char *topic;		/* of CloudEvents; NULL: "noauth" */
	const char *aas_repository, *sm_repository;	/* names in the topics of BaSyx; NULL: "aas-repo", "sm-repo" */
	bool slim;			/* CloudEvents without data */
	size_t payload_max;		/* what would be larger goes without data; 0: EVENT_PAYLOAD_MAX */
};

/* One message.  Texts live in the arena of the writer. */
struct event_message {
	const char *topic;
	const char *content_type;	/* "application/json", ... */
	struct slice payload;
};

struct event_writer {
	const struct event_config *conf;
	struct event_trees *trees;
	struct arena *arena;
	bool (*emit)(void *ctx, const struct event_message *);	/* false: no memory */
	void *ctx;
};

typedef enum err event_write_fn(struct event_writer *, const struct event *);
struct event_format {
	const char *name;
	event_write_fn *write;		/* none, one or several messages.  Errors as of event_tree */
};
#define EVENT_FORMATS 4
extern const struct event_format event_formats[EVENT_FORMATS];
/* A comma list of names into a set of bits by the order of event_formats; "none" or "" is the empty set.  ERR_BAD_REQUEST names the word. */
enum err event_formats_read(const char *list, unsigned *set, struct diag *);

/* The CloudEvent alone, appended. */
enum err event_cloud(struct buf *, const struct event_config *, const struct event *, struct arena *);

/* A text as one level of a topic: + # / % and what is below a space are percent-encoded.  NULL without memory. */
const char *event_level(struct arena *, const char *text, const char *keep);
/* Where the resource is, below the base path: "/submodels/dXJu/submodel-elements/A.b%5B0%5D"; path NULL: the identifiable. */
const char *event_resource(struct arena *, enum store_kind, const char *id, const char *path);

event_write_fn event_write_basyx, event_write_basyx_legacy, event_write_faaast;	/* for the table alone */

#endif
