/* SPDX-License-Identifier: Apache-2.0
 * core.h - the inside of the engine, shared by its own files only: engine.c, binding.c, twin.c, status.c, command.c.
 */
#ifndef TWIN_ENGINE_CORE_H
#define TWIN_ENGINE_CORE_H

#include "twin_engine/config.h"
#include "twin_engine/engine.h"
#include "twin_engine/outline.h"
#include "twin_engine/signal.h"
#include "twin_engine/topic.h"

#define STATUS_INTERVAL_US ((int64_t)200000)
#define SEEN_TIMES 32
#define ERROR_TEXT_MAX 400

/* A submodel that some twin refers to. */
struct known {
	char *id;
	struct outline *outline;	/* NULL: not told yet, or deleted */
	unsigned refs;
};

/* What stands in the topic tree. */
struct hook {
	struct link *link;		/* NULL: answers to commands come here */
	struct twin *twin;		/* NULL: the response topic of all */
	const char *filter;
};

struct link {
	struct hook hook;
	struct twin *twin;
	const struct setup_link *setup;
	struct known *known;
	struct signal *signal;
	struct link *of_signal;		/* next link of the same signal */
	uint64_t since;			/* number of its first binding: of two that do the same, the earlier one does it */
	uintptr_t value_type;
	bool second;			/* an earlier link of another twin does the same */
	const char *fault;		/* why nothing can be written to its target now; static */
	enum quality quality;
	int64_t last_us, arrival_us;	/* source time of the last accepted sample; TIME_NONE */
	int64_t seen[SEEN_TIMES];	/* source times taken lately: a late sample may be a repeated one */
	unsigned n_seen;
};

/* One element that the engine keeps up to date. */
struct status {
	const char *submodel_id, *path;
	uint8_t what;			/* enum in status.c, or of prediction.h */
	bool urgent, exists, predicted;
	uint16_t index;
	uint64_t shown;			/* hash of what was emitted last; 0: nothing */
	int64_t at_us;
};

struct twin {
	struct engine *engine;
	struct twin *next;
	struct arena *arena;
	const char *id;
	struct aas_node *tree;		/* our copy: value writes are folded in */
	struct outline *outline;
	struct twin_setup setup;
	struct link *link;		/* setup.n_links */
	struct hook *answer;
	size_t n_answers;
	struct known *prediction;
	struct model *model;
	struct signal *input[MODEL_INPUTS];
	struct model_view view;
	int64_t predict_us, save_us, keep_us;	/* next time for these */
	int64_t predicted_us;		/* when view.rul was computed */
	int64_t model_wait_us;		/* a step waits for the other inputs until then; TIME_NONE: none waits */
	struct status *status;
	size_t n_status;
	int64_t refresh_us;		/* next time the status may be written */
	bool dirty, urgent, inputs_new, stepped, rated;
	uint64_t messages, rejected;
	struct { int64_t second; unsigned n; } rate[10];
	char error[ERROR_TEXT_MAX];
	bool error_of_config;
	const char *first_fault;	/* of the submodel itself, and how many there are */
	unsigned n_faults;
	uint64_t message;		/* number of the last message that touched it */
	bool took, refused;		/* ... and how */
	struct twin *touched;		/* next one touched by the same message */
};

struct command;

struct engine {
	struct engine_ports port;
	struct engine_stats stats;
	struct topic_tree *topics;
	struct map filters;		/* filter -> number of uses */
	struct map knowns;
	struct map twins;
	struct twin *first;		/* in the order they came: maps have none */
	struct signals signals;
	uint64_t n_bound;		/* links ever bound anew */
	struct payload payload;
	struct buf text;		/* scratch of the message path */
	char *response_topic;
	struct hook response;
	struct map commands;		/* id -> struct command, waiting for an answer */
	struct command *first_command;
	char connection[16];
	int64_t due_us, tick_us;	/* next one wanted, last one done */
	struct twin *touched;		/* by the present message */
	struct hook **hit;
	size_t n_hits, cap_hits;
};

static inline void due_at(struct engine *e, int64_t us)
{
	if (us < e->due_us)
		e->due_us = us;
}

/* engine.c */
struct known *known_take(struct engine *, const char *id);	/* NULL without memory */
void known_drop(struct engine *, struct known *);	/* NULL is allowed */
void twin_touch(struct twin *);
bool filter_use(struct engine *, const char *filter, struct hook *);
void filter_leave(struct engine *, const char *filter, struct hook *);

/* binding.c - one message and one link */
enum link_result { LINK_ACCEPTED, LINK_REPEATED, LINK_LATE, LINK_REJECTED };
void link_bind(struct link *, const struct link *before);	/* before: the same link of the twin's previous form, or NULL */
void link_resolve(struct link *);				/* its target's submodel is known, or changed */
/* The earliest link of another twin that feeds, or writes, the same element; NULL: none. */
const struct link *link_rival(const struct link *);
/* why: of LINK_REJECTED, for LastError */
enum link_result link_take(struct link *, int64_t now_us, const struct engine_message *, char *why, size_t size);
bool link_tick(struct link *, int64_t now_us);			/* true: it has become stale */

/* twin.c */
struct twin *twin_bind(struct engine *, int64_t now_us, const char *id, const struct aas_node *tree, struct twin *before);
void twin_unbind(struct twin *);
void twin_resolve(struct twin *, int64_t now_us);
void twin_step(struct twin *, int64_t now_us);			/* its model, when its inputs are complete */
void twin_tick(struct twin *, int64_t now_us);
void twin_count(struct twin *, int64_t now_us);
double twin_rate(const struct twin *, int64_t now_us);
void twin_error(struct twin *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool twin_remember(struct twin *, const char *memory);

/* status.c */
bool status_init(struct twin *);
void status_resolve(struct twin *);
void status_refresh(struct twin *, int64_t now_us);		/* what is due; asks for a tick when not all is */

/* command.c */
enum err command_invoke(struct twin *, int64_t now_us, uint64_t ticket, const struct sm_invocation *, struct diag *);
void command_write(struct link *, int64_t now_us, const char *text);
void command_answer(struct engine *, int64_t now_us, const struct engine_message *);
void command_tick(struct engine *, int64_t now_us);
void commands_stop(struct engine *, int64_t now_us);
void commands_fini(struct engine *);

#endif
