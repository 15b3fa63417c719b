/* SPDX-License-Identifier: Apache-2.0
 * intake.h - what the broker delivers goes into the spool, or the broker has to wait.
 *
 * A message counts as acknowledged when intake_take returns true, so it returns only when the spool has it.  A full spool (or a full
 * disk) holds the broker up, in bounded waits, until the historian has made room: nothing is thrown away here.  What the broker then
 * keeps for this session, and what it drops, is up to its own limits.
 */
#ifndef TWIN_ENGINE_INTAKE_H
#define TWIN_ENGINE_INTAKE_H

#include <stdatomic.h>

#include "twin_engine/spool.h"

#define INTAKE_STOP_US (5 * US_PER_S)	/* a message that finds no room is given back to the broker so long after the end has begun */

struct intake {
	struct spool *spool;
	atomic_llong closing;		/* when the end began (monotonic); 0: not yet */
	/* A wait has begun (text: why), or is over (NULL).  The broker's thread. */
	void (*waits)(void *ctx, const char *text);
	void *ctx;
};

/* The broker's thread.  False: not kept, must not be acknowledged; only when the program ends. */
bool intake_take(struct intake *, int64_t recv_us, const struct engine_message *);

#endif
