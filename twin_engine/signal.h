/* SPDX-License-Identifier: Apache-2.0
 * signal.h - the current value of every bound element, one per submodel and idShortPath, whoever feeds it.
 *
 * Signals live as long as the table: an element that is unbound and bound again goes on where it was, and what the database knew
 * waits here for its link.  One thread at a time.
 */
#ifndef TWIN_ENGINE_SIGNAL_H
#define TWIN_ENGINE_SIGNAL_H

#include "aas/store.h"
#include "base/map.h"

struct link;
struct twin;

struct signal {
	const char *submodel_id, *path;
	char *text;			/* NULL: no value yet */
	double num;			/* NaN: not a number */
	enum quality quality;
	int64_t time_us, arrival_us;	/* TIME_NONE: never */
	double kept;			/* last number that went to history, for the dead band */
	struct link *links;		/* bound to it now, by link->of_signal */
	struct twin **watcher;		/* twins whose model it feeds */
	size_t n_watchers;
};

struct signals {
	struct map by_key;
};

/* Found or made; NULL without memory. */
struct signal *signal_get(struct signals *, const char *submodel_id, const char *path);
struct signal *signal_find(const struct signals *, const char *submodel_id, const char *path);
void signals_fini(struct signals *);

bool signal_set(struct signal *, const char *text, size_t n, double num, enum quality, int64_t time_us, int64_t arrival_us);
bool signal_watch(struct signal *, struct twin *);
void signal_unwatch(struct signal *, const struct twin *);

#endif
