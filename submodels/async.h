/* SPDX-License-Identifier: Apache-2.0
 * async.h - asynchronous invocations (IDTA-01002, "InvokeOperationAsync"): handles, a bounded pool of threads, results that are kept for a while.
 *
 * An invocation is a row of the store from the moment its handle is given out, and every change of its state (submodels/operation.def) is
 * written there; so any server on the same store can be asked for it, and a handle outlives the server.  What a server left open when it
 * died is closed by sm_async_recover at its next start.  Nobody but the executor (submodels/invoke.h) can end an invocation that runs;
 * one that has not ended some time (`grace_us`) after its deadline is shown as Timeout, and a later outcome does not change that any more.
 */
#ifndef SUBMODELS_ASYNC_H
#define SUBMODELS_ASYNC_H

#include "submodels/invoke.h"

struct sm_service;
struct sm_session;
struct sm_async;

/* A zero or NULL member takes the default in brackets. */
struct sm_async_config {
	const char *owner;	/* who this server is, the same after a restart and no other's; must outlive the service ["twinshell"] */
	unsigned threads;	/* that execute; started with the first invocation [8], at most 256 */
	size_t waiting;		/* invocations that wait for one of them; more are ERR_UNAVAILABLE [256] */
	size_t memory;		/* bytes of arguments and outcomes of all that are under way; more are ERR_UNAVAILABLE [256 MiB] */
	size_t keep;		/* results that are kept [1000] */
	int64_t grace_us;	/* what an outcome may be late: executors have limits of their own, and say more [5 s] */
	int64_t keep_us;	/* how long [1 h], at most a year */
};

/* Checks the arguments as sm_invoke does, stores the invocation, and leaves it to the pool; the handle is in the arena.
 * `value_only`: the result is to be shown in that form.  No session may be open.  Any thread. */
enum err sm_invoke_async(struct sm_service *, const struct sm_invocation *, bool value_only, struct arena *, const char **handle, struct diag *);

struct sm_async_result {
	struct sm_outcome outcome;	/* the state may be INITIATED or RUNNING; everything in the session's arena */
	bool value_only;
};
/* ERR_NOT_FOUND: no such handle (any more), or it belongs to another operation. */
enum err sm_async_get(struct sm_session *, const char *submodel_id, const char *path, const char *handle, struct sm_async_result *);

/* Close what this owner left open; before the first request. */
enum err sm_async_recover(struct sm_service *, struct diag *);
/* From now on nothing begins any more: invocations that wait are canceled, new ones are ERR_UNAVAILABLE.  Any thread. */
void sm_async_close(struct sm_service *);
/* The same, and wait until those that run have ended: the executor must end them.  After that it may go. */
void sm_async_stop(struct sm_service *);

#define SM_HANDLE_SIZE 36
void sm_handle(char out[SM_HANDLE_SIZE]);	/* a new one, unguessable */

/* -- for the service ------------------------------------------------------------------------------------------------------------ */
struct sm_async *sm_async_new(struct sm_service *, const struct sm_async_config *);	/* no thread, no input or output yet */
void sm_async_free(struct sm_async *);		/* stops; NULL is allowed */

#endif
