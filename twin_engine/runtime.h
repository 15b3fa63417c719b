/* SPDX-License-Identifier: Apache-2.0
 * runtime.h - the engine in the program: its thread, the broker connection, spool, historian, and the bus it listens to.
 */
#ifndef TWIN_ENGINE_RUNTIME_H
#define TWIN_ENGINE_RUNTIME_H

#include "submodels/change.h"
#include "submodels/live.h"
#include "submodels/service.h"
#include "twin_engine/engine.h"

struct twin_runtime;

struct twin_config {
	struct store *store;
	struct sm_service *service;
	struct changes *changes;
	struct live *live;
	const char *broker;		/* "tcp://127.0.0.1:1883" */
	const char *client_id;
	const char *username, *password;
	const char *spool_dir;
	size_t spool_max, spool_segment;	/* bytes; 0: as spool.h says.  When it is full the broker has to wait */
	bool ack_disk;			/* acknowledge only what fdatasync has written */
};

/* Subscribes to the change bus, connects, loads all submodels, reloads live values, replays the spool.  The broker may be away, the
 * database not.  On error and after twin_stop no more changes may be published (the bus keeps the subscription): stop who publishes
 * first.  ERR_UNAVAILABLE, ERR_CONFLICT (the spool is in use), ERR_BAD_REQUEST (address of the broker), ERR_IO, ERR_NO_MEMORY. */
enum err twin_start(const struct twin_config *, struct twin_runtime **, struct diag *);
/* Operations under way end as Canceled, new ones too: so that whoever waits for one in twin_invoker can be waited for before twin_stop. */
void twin_close(struct twin_runtime *);
void twin_stop(struct twin_runtime *);		/* disconnects, drains, commits */
struct sm_invoker twin_invoker(struct twin_runtime *);

#endif
