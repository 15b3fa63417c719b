/* SPDX-License-Identifier: Apache-2.0
 * runtime_priv.h - what the engine's thread (runtime.c) and what it tells the engine of submodels, or makes of them (runtime_submodel.c), share.
 */
#ifndef TWIN_ENGINE_RUNTIME_PRIV_H
#define TWIN_ENGINE_RUNTIME_PRIV_H

#include <stdatomic.h>

#include "base/thread.h"
#include "twin_engine/intake.h"
#include "twin_engine/runtime.h"

struct runtime_provision;

struct twin_runtime {
	struct store *store;
	struct sm_service *service;
	struct changes *changes;
	struct live *live;
	struct spool *spool;
	struct intake intake;
	struct historian *historian;
	struct mqtt *mqtt;
	struct engine *engine;
	struct inbox *submodels, *values;
	struct tickets *tickets;
	char *client_id;		/* also the spool's name in the database: every node has its own */
	pthread_t thread;
	bool started;
	atomic_bool attention;		/* something waits in inbox, tickets or link state */
	atomic_bool stop, ended;

	struct lock lock;		/* link state */
	bool link_changed;
	char state[16], error[256];

	int64_t now;			/* the engine's clock; from here on the engine thread's own */
	struct arena *arena;
	struct runtime_provision *provisions;
	int64_t retry_at;		/* monotonic; 0: nothing to try again */
	bool reload;			/* changes of submodels were lost, and not all twins have been told since */
	bool deferred;			/* values and tickets wait until it has caught up */
	bool have;			/* a message has been read and not been given to the engine */
	int64_t recv;
	struct engine_message message;
};

/* -- submodels (runtime_submodel.c): the engine's thread, or before it runs.  What the database refuses for the moment is tried again ------------ */

/* Tell the engine all twins, and then what has changed. */
enum err runtime_load_submodels(struct twin_runtime *, struct diag *);
/* Look at what changed since the last call; all are told again when those were too many to be kept. */
void runtime_tell_submodels(struct twin_runtime *);
/* Make what the engine has asked for. */
void runtime_make_submodels(struct twin_runtime *);
void runtime_forget_submodels(struct twin_runtime *);	/* that were not made */
/* engine_ports.provide and .want; ctx is the runtime. */
void runtime_provide(void *ctx, const char *twin_id, struct aas_node *submodel);
void runtime_want(void *ctx, const char *id);

#endif
