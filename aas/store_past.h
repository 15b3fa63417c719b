/* SPDX-License-Identifier: Apache-2.0
 * store_past.h - what the stores share about changes: who listens to them, and which version was there at a time.
 */
#ifndef AAS_STORE_PAST_H
#define AAS_STORE_PAST_H

#include "aas/store.h"
#include "base/thread.h"

/* -- listeners: any thread ------------------------------------------------------------------------------------------------------ */
struct store_listeners {
	struct lock lock;
	struct { void (*wake)(void *ctx); void *ctx; } item[STORE_LISTENERS_MAX];
	size_t n;
};
void store_listeners_init(struct store_listeners *);
void store_listeners_fini(struct store_listeners *);
enum err store_listeners_add(struct store_listeners *, void (*wake)(void *ctx), void *ctx);
void store_listeners_remove(struct store_listeners *, void (*wake)(void *ctx), void *ctx);
void store_listeners_wake(struct store_listeners *);
bool store_listeners_any(struct store_listeners *);

/* -- versions: what is known about those of one identifiable ---------------------------------------------------------------------- */
struct store_past {
	int64_t current;			/* version now; 0: it is not there */
	int64_t first;				/* the oldest one in history; 0: none is */
	enum store_operation first_operation;
	int64_t last;				/* the latest one in history */
	int64_t cut_us;				/* all changes since then are in history; TIME_NONE: all there ever were */
};
/* Can the document that this version left be made?  ERR_NOT_FOUND, ERR_GONE.  Whether the version deleted it, history alone knows. */
enum err store_past_version(const struct store_past *, int64_t version);
/* The version that was there at `at_us`; `found`: the latest one in history that is valid since then or before, 0: none is. */
enum err store_past_at(const struct store_past *, int64_t found, int64_t at_us, int64_t *version);

extern const char *const store_operation_name[];	/* "create", "replace", "delete", "value" */
/* The operation of that name; STORE_OP_REPLACE for an unknown one. */
enum store_operation store_operation_of(const char *name, size_t n);

#endif
