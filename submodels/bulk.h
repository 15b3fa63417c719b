/* SPDX-License-Identifier: Apache-2.0
 * bulk.h - many registry entries at once, in the background (IDTA-01002, "Asynchronous Bulk Operations").
 *
 * A request is read when it comes (what is malformed is refused at once), then one thread of the service runs it as one transaction: all of
 * it or nothing.  Its client asks for the outcome by a handle that nobody can guess.  Handles live in this process, for an hour after the
 * work is done; when there are too many the oldest finished ones go first.  Any thread.
 */
#ifndef SUBMODELS_BULK_H
#define SUBMODELS_BULK_H

#include "submodels/service.h"

#define SM_BULK_WAITING 64		/* requests that wait or run; more are refused by ERR_UNAVAILABLE */
#define SM_BULK_BYTES ((size_t)128 << 20)	/* of their bodies together, but one is always taken */
#define SM_BULK_HANDLES 1024
#define SM_BULK_AGE_US (3600 * (int64_t)1000000)
#define SM_BULK_HANDLE 33		/* 32 hexadecimal digits */

enum sm_bulk_verb { SM_BULK_POST, SM_BULK_PUT, SM_BULK_DELETE };

/* The body is a JSON array, at least one long: of descriptors, for DELETE of ids.  `kind` as in registry.h. */
enum err sm_bulk_submit(struct sm_service *, enum store_kind kind, enum sm_bulk_verb, struct slice body, char handle[SM_BULK_HANDLE], struct diag *);
/* ERR_NOT_FOUND: no such handle, or not any more. */
enum err sm_bulk_status(struct sm_service *, const char *handle, bool *done, struct diag *);
/* ERR_OK: everything was done.  ERR_BAD_REQUEST: nothing was, and the diag says for each bad item why.  ERR_NOT_FOUND also while it runs. */
enum err sm_bulk_result(struct sm_service *, const char *handle, struct diag *);

/* -- for service.c, and for tests: forgets what is too old at that time (clock_mono_us) -- */
struct sm_bulk *sm_bulk_new(struct sm_service *);
void sm_bulk_free(struct sm_bulk *);	/* ends the work that runs, forgets what waits; NULL is allowed */
void sm_bulk_expire(struct sm_service *, int64_t now_us);

#endif
