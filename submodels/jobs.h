/* SPDX-License-Identifier: Apache-2.0
 * jobs.h - work that goes on after its request has been answered (IDTA-01002: bulk requests, asynchronous packages).
 *
 * One thread of the service runs one job after the other, each as one transaction that is tried again when it met another one.  The client
 * asks for the outcome by a handle that nobody can guess, and only where the work is of the kind he asks about.  Handles live in this process,
 * for an hour after the work is done; when there are too many the oldest finished ones go first.  Any thread.
 */
#ifndef SUBMODELS_JOBS_H
#define SUBMODELS_JOBS_H

#include "submodels/service.h"

#define SM_JOBS_WAITING 64		/* jobs that wait or run; more are refused by ERR_UNAVAILABLE */
#define SM_JOBS_BYTES ((size_t)128 << 20)	/* of them together, but one is always taken */
#define SM_JOBS_HANDLES 1024
#define SM_JOBS_AGE_US (3600 * (int64_t)1000000)
#define SM_JOB_HANDLE 33		/* 32 hexadecimal digits */

struct sm_job_kind {
	const char *name;		/* "bulk request", for messages */
	/* Once, and again after ERR_AGAIN; in the thread of the jobs.  The diag keeps what is said. */
	enum err (*run)(struct sm_service *, void *work, struct diag *);
	void (*free)(void *work);	/* when it is done, or never will be */
};

/* The work, of so many bytes, is taken, also on error. */
enum err sm_job_submit(struct sm_service *, const struct sm_job_kind *, void *work, size_t bytes, char handle[SM_JOB_HANDLE], struct diag *);
/* ERR_NOT_FOUND: no such handle of this kind, or not any more. */
enum err sm_job_status(struct sm_service *, const struct sm_job_kind *, const char *handle, bool *done, struct diag *);
/* *outcome is what the work returned, and its messages are added to the diag.  ERR_NOT_FOUND, with a message, also while it runs. */
enum err sm_job_result(struct sm_service *, const struct sm_job_kind *, const char *handle, enum err *outcome, struct diag *);

/* -- for service.c, and for tests: forgets what is too old at that time (clock_mono_us) -- */
struct sm_jobs *sm_jobs_new(struct sm_service *);
void sm_jobs_free(struct sm_jobs *);	/* ends the work that runs, forgets what waits; NULL is allowed */
void sm_jobs_expire(struct sm_service *, int64_t now_us);

#endif
