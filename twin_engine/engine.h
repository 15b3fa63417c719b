/* SPDX-License-Identifier: Apache-2.0
 * engine.h - the twin engine: message -> bindings -> signals -> models -> prediction -> policy -> commands -> tick.
 *
 * Deterministic: it reads no clock and no socket and starts no thread.  It is fed time-stamped calls and answers only through its
 * ports, in the same call.  One thread at a time (twin_engine/runtime.c has the thread; a scenario test or a what-if run has its own).
 * Times are microseconds since 1970; the caller never lets them run backwards.
 */
#ifndef TWIN_ENGINE_ENGINE_H
#define TWIN_ENGINE_ENGINE_H

#include "aas/store.h"
#include "submodels/invoke.h"

struct engine;

struct engine_message {
	const char *topic;
	const char *payload;
	size_t n;
	const char *correlation;	/* MQTT 5 correlation data as text, or NULL */
	bool retained;
	bool again;			/* the broker says that it may have delivered it before (DUP) */
	uint16_t packet;		/* the identifier of its packet, the same every time it is delivered; 0: it has none (QoS 0) */
	uint64_t position;		/* in the spool; samples that come of it carry it */
};

struct engine_publish {
	const char *topic;
	const char *payload;
	size_t n;
	const char *response_topic;	/* NULL: no answer wanted */
	const char *correlation;
	int64_t expiry_us;		/* message expiry interval; 0: none */
	const char *content_type;	/* NULL: none */
	uint64_t token;			/* what mqtt_config.on_landed is told of it; 0: nobody asks */
};

struct engine_sample {
	const char *submodel_id, *path, *unit;
	int64_t time_us;
	double num;			/* NaN when not a number */
	const char *text;		/* the value as it is shown */
	enum quality quality;
	uint64_t position;
};

/* The answer to engine_invoke; outputs are idShort/text pairs of Properties that the operation declares. */
struct engine_outcome {
	enum execution_state state;
	const char *message;
	const char *const *output;	/* idShort, text, idShort, text, ...; NULL at the end; may be NULL */
};

struct engine_ports {
	void *ctx;
	void (*subscribe)(void *ctx, const char *filter);
	void (*unsubscribe)(void *ctx, const char *filter);
	bool (*publish)(void *ctx, const struct engine_publish *);	/* false: not connected, or the queue is full */
	void (*sample)(void *ctx, const struct engine_sample *);	/* to history, as the link says */
	void (*live)(void *ctx, const char *submodel_id, const char *path, const char *text, enum quality, int64_t time_us);
	void (*command)(void *ctx, const struct store_command *);	/* audit row, also as the state changes */
	void (*outcome)(void *ctx, uint64_t ticket, const struct engine_outcome *);
	/* Create this submodel unless it exists, for the twin that is described by the other one; the node is the engine's, valid in the call. */
	void (*provide)(void *ctx, const char *twin_id, struct aas_node *submodel);
	void (*new_id)(void *ctx, char out[UUID_SIZE]);			/* id of a command: uuid_v7 in the program, a counter in a scenario */
	/* Tell this submodel (again) by engine_submodel, after the present call: a twin has begun to refer to it.  With this port the
	 * engine remembers only what twins refer to; NULL: it remembers the element paths of every submodel it was told. */
	void (*want)(void *ctx, const char *submodel_id);
};

/* What the engine has counted since it was made. */
struct engine_stats {
	uint64_t messages;		/* given to engine_message */
	uint64_t unbound;		/* of these: matched nothing */
	uint64_t samples;		/* values accepted from links */
	uint64_t duplicates;		/* values dropped as redeliveries */
	uint64_t late;			/* values older than the newest: history only */
	uint64_t rejected;		/* values that could not be used */
	uint64_t commands;		/* attempts, refused ones included */
	uint64_t stray_answers;		/* late or repeated answers to commands, dropped */
	size_t twins, links;		/* bound now */
};

struct engine *engine_new(const struct engine_ports *);
void engine_free(struct engine *);
/* Where assets answer (MQTT 5 response topic), e.g. "twinshell/ID/response"; subscribed at once.  Once, before the first submodel;
 * without it answers come only on "<command topic>/ack". */
void engine_set_response_topic(struct engine *, const char *topic);
void engine_stats(const struct engine *, struct engine_stats *);

/* A submodel was stored (node: its tree, valid in the call) or deleted (node NULL).  Twins are (re)bound at once when it is, or is
 * referred to by, a TwinEngine submodel.  Every submodel is told, at start and at every change. */
void engine_submodel(struct engine *, int64_t now_us, const char *id, const struct aas_node *node);
/* A client changed the value of one Property (already committed): a set-point when the element has a writable link. */
void engine_value(struct engine *, int64_t now_us, const char *submodel_id, const char *path, const char *text);
void engine_message(struct engine *, int64_t now_us, const struct engine_message *);
/* Connection of the broker: state "connected", "connecting", "disconnected"; error is "" or the last one's text. */
void engine_connection(struct engine *, int64_t now_us, const char *state, const char *error);
/* The last accepted sample of an element, known from the database: repeats of it are duplicates.  Before the first message. */
void engine_restore(struct engine *, const char *submodel_id, const char *path, const struct store_live *);
/* Answered through ports.outcome, in this call or later.  inputs: list of OperationVariable.  ERR_NOT_SUPPORTED: no twin has this operation. */
enum err engine_invoke(struct engine *, int64_t now_us, uint64_t ticket, const struct sm_invocation *, struct diag *);
/* The program ends: commands that wait for an answer end now, in the audit and for whoever asked. */
void engine_stop(struct engine *, int64_t now_us);
void engine_tick(struct engine *, int64_t now_us);	/* stale values, time-outs, model steps */
int64_t engine_due(const struct engine *);		/* when the next tick is wanted; INT64_MAX: never */

#endif
