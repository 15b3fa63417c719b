/* SPDX-License-Identifier: Apache-2.0
 * bulk.h - many registry entries at once, in the background (IDTA-01002, "Asynchronous Bulk Operations").
 *
 * A request is read when it comes (what is malformed is refused at once), then it is a job (jobs.h), and one transaction: all of it or
 * nothing.  Any thread.
 */
#ifndef SUBMODELS_BULK_H
#define SUBMODELS_BULK_H

#include "submodels/jobs.h"

enum sm_bulk_verb { SM_BULK_POST, SM_BULK_PUT, SM_BULK_DELETE };

/* The body is a JSON array, at least one long: of descriptors, for DELETE of ids.  `kind` as in registry.h; actor and request as for sm_cause,
 * copied. */
enum err sm_bulk_submit(struct sm_service *, enum store_kind kind, enum sm_bulk_verb, struct slice body, const char *actor, const char *request,
			char handle[SM_JOB_HANDLE], struct diag *);
/* ERR_NOT_FOUND: no such handle, or not any more. */
enum err sm_bulk_status(struct sm_service *, const char *handle, bool *done, struct diag *);
/* ERR_OK: everything was done.  ERR_BAD_REQUEST: nothing was, and the diag says for each bad item why.  ERR_NOT_FOUND also while it runs. */
enum err sm_bulk_result(struct sm_service *, const char *handle, struct diag *);

#endif
