/* SPDX-License-Identifier: Apache-2.0
 * config.h - reads a TwinEngine submodel into plain structs.
 *
 * Every fault is named with its path in the diag; what is not faulty is usable all the same.  All texts belong to the arena.
 */
#ifndef TWIN_ENGINE_CONFIG_H
#define TWIN_ENGINE_CONFIG_H

#include "aas/metamodel.h"
#include "twin_engine/model.h"
#include "twin_engine/payload.h"

#define TWIN_SEMANTIC_ID "https://twinshell.org/submodel/TwinEngine/1/0"
#define TWIN_LINKS_MAX 20000

enum twin_mode { TWIN_SHADOW, TWIN_ADVISE, TWIN_APPROVE, TWIN_ACT, TWIN_N_MODES };
extern const char *const twin_mode_name[];

/* The bound Property of a link or of a model's input. */
struct setup_target {
	const char *submodel_id, *path;
};

struct setup_link {
	const char *name;
	const char *topic_filter;		/* NULL: write only */
	const char *selector_text;		/* NULL or "": plain value */
	struct payload_pointer selector, time_selector;
	bool has_time;
	struct setup_target target;
	const char *unit;			/* NULL: none */
	double scale, offset, dead_band;
	double min, max;			/* of what may be written, as shown; NaN: open */
	int64_t stale_us;			/* 0: never */
	bool writable, history;
	const char *write_topic;		/* NULL: the Commands topic */
};

struct setup_input {
	int input;				/* index in the kind's table */
	struct setup_target target;
};

struct setup_limit {
	const char *name;			/* of an argument or a bound Property */
	double min, max;			/* NaN: open */
};

struct twin_setup {
	enum twin_mode mode;
	struct setup_link *link;		/* the usable ones */
	size_t n_links;
	const struct model_kind *kind;		/* NULL: no model */
	struct setup_input *input;
	size_t n_inputs;
	double param[MODEL_PARAMS];
	struct setup_limit *limit;
	size_t n_limits;
	const char *prediction_id;		/* PredictiveMaintenance submodel, NULL: none */
	const char *command_topic;		/* with {operation}; NULL: none */
	int64_t command_timeout_us;
	const char **operation;			/* idShortPaths of all Operations */
	size_t n_operations;
};

bool twin_setup_is(const struct aas_node *submodel);	/* by semanticId */
/* ERR_OK, ERR_BAD_REQUEST when there are faults (in the diag; *out is filled all the same), ERR_NO_MEMORY. */
enum err twin_setup_read(struct arena *, const struct aas_node *submodel, struct twin_setup *out, struct diag *);
/* The command topic for one operation. NULL without memory. */
char *twin_setup_topic(struct arena *, const char *pattern, const char *operation);

#endif
