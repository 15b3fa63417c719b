/* SPDX-License-Identifier: Apache-2.0
 * live.h - the current value of every element that the engine feeds: bound telemetry, connection state, predictions.
 *
 * The engine writes, REST and server-sent events read; what is shown is newer than anything in the store.  In memory only: the
 * historian stores `live` rows in batches, and main reloads them at start.  All functions may be called from any thread.
 */
#ifndef SUBMODELS_LIVE_H
#define SUBMODELS_LIVE_H

#include "aas/store.h"

struct live;

struct live_value {
	const char *submodel_id, *path;
	const char *text;	/* NULL: known to have no value; of a Range: min and max with one space between ("12.5 40") */
	enum quality quality;
	int64_t time_us;	/* source time; TIME_NONE: unknown */
	uint64_t seq;		/* grows with every change of any value */
};

struct live *live_new(void);
void live_free(struct live *);

/* Texts are copied. Setting an equal value with an equal time and quality changes nothing. */
enum err live_set(struct live *, const char *submodel_id, const char *path, const char *text, enum quality, int64_t time_us);
void live_drop(struct live *, const char *submodel_id, const char *path);	/* path NULL: the whole submodel */

/* Another number whenever a submodel gets its first value: who has found that it had none need not ask again before.  Takes no lock. */
uint64_t live_owners(struct live *);
bool live_has(struct live *, const char *submodel_id);
/* A consistent copy of one value, or of all values of a submodel (NULL: of all), newer than `since`, into the arena. */
enum err live_get(struct live *, const char *submodel_id, const char *path, struct arena *, struct live_value *);
enum err live_list(struct live *, const char *submodel_id, uint64_t since, struct arena *, struct live_value **, size_t *n, uint64_t *seq);
/* Wait until the sequence number passes `since`, at most `us`; returns the newest number. */
uint64_t live_wait(struct live *, uint64_t since, int64_t us);

#endif
