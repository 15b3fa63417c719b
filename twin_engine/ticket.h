/* SPDX-License-Identifier: Apache-2.0
 * ticket.h - invocations on their way between the workers that wait for them and the engine thread that executes them.
 *
 * A worker's invocation stays its own (tree, arena, diag); while it waits the engine thread works on it.  A worker leaves when the answer
 * has come, or when its time and some grace have passed and the engine is not just then looking at its invocation.
 */
#ifndef TWIN_ENGINE_TICKET_H
#define TWIN_ENGINE_TICKET_H

#include "twin_engine/engine.h"

struct tickets;

struct ticket {
	struct ticket *next;
	uint64_t id;
	const struct sm_invocation *what;
	struct diag *diag;
};

/* wake is called after a worker has put its invocation. */
struct tickets *tickets_new(void (*wake)(void *ctx), void *ctx);
void tickets_free(struct tickets *);	/* nobody waits any more; NULL is allowed */

/* Worker: as sm_invoker.invoke. */
enum err tickets_invoke(struct tickets *, const struct sm_invocation *, struct arena *, struct sm_outcome *, struct diag *);

/* Engine thread.  The next one to execute, NULL: none; then tickets_called with what engine_invoke said. */
struct ticket *tickets_next(struct tickets *);
void tickets_called(struct tickets *, struct ticket *, enum err);
/* ports.outcome; unknown ids are those of workers that have left. */
void tickets_answer(struct tickets *, uint64_t id, const struct engine_outcome *);
/* From now on every invocation, waiting or new, ends as canceled. */
void tickets_close(struct tickets *);
/* After tickets_close and the end of the engine thread: returns when every worker has left with its outcome. */
void tickets_drain(struct tickets *);

#endif
