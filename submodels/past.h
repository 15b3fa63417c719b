/* SPDX-License-Identifier: Apache-2.0
 * past.h - how things were: reading as of a time, what changed, what differs between two times, and taking an earlier state up again.
 *
 * A moment is one of valid time: a change counts from when it holds in the world, which is when it was recorded unless somebody said otherwise.
 * On an exact boundary the newer state counts.  ERR_GONE: history is not kept that far back.
 */
#ifndef SUBMODELS_PAST_H
#define SUBMODELS_PAST_H

#include "submodels/service.h"

/* Before anything else is done in a session that reads: sm_get, sm_has, sm_list, sm_element_get and sm_ref_check answer as it was at that time. */
void sm_at(struct sm_session *, int64_t at_us);
/* sm_write for trees of such a session: elements that are fed by telemetry show the sample of that time. */
enum err sm_write_past(struct sm_session *, struct buf *, const char *sm_id, const struct aas_node *, const struct aas_view *, struct diag *);

/* The changes of one identifiable after that version, oldest first, at most `limit`.  ERR_NOT_FOUND: there never was one. */
enum err sm_changes(struct sm_session *, enum store_kind, const char *id, int64_t after_version, size_t limit, struct store_event **, size_t *n);

/* One difference: of an element (path), or of what the identifiable says itself, apart from its elements (path ""). */
struct sm_difference {
	const char *path;
	/* NULL: it was not there.  When it was at both times: without its children, which differ on their own. */
	const struct aas_node *before, *after;
};
/* Between two times, in the order of the later document, what is gone behind it.  An identifiable that was not there counts as empty; ERR_NOT_FOUND:
 * it was there at neither time.  The trees live as long as the session. */
enum err sm_diff(struct sm_session *, enum store_kind, const char *id, int64_t from_us, int64_t to_us, struct sm_difference **, size_t *n);

/* In a session that writes: what it was at that time becomes what it is, with the files that it had, as a new change.  *created: it was deleted
 * meanwhile. */
enum err sm_restore(struct sm_session *, enum store_kind, const char *id, int64_t at_us, bool *created);

/* What was made or changed since these times (TIME_NONE: whenever), page by page in the order of lists. */
enum err sm_recent(struct sm_session *, enum store_kind, int64_t created_us, int64_t updated_us, const char *after, size_t limit,
		   struct store_recent **, size_t *n);

/* Does it have everything that the filter asks for?  For lists that the store cannot filter. */
enum err sm_matches(struct arena *, const struct aas_node *identifiable, const struct store_filter *, bool *yes);

#endif
