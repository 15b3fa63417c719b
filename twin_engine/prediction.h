/* SPDX-License-Identifier: Apache-2.0
 * prediction.h - the PredictiveMaintenance submodel (IDTA 02048-1-0): its form, and which element shows what.
 *
 * Pure: a table, a tree made of it, and texts from a model's view.
 */
#ifndef TWIN_ENGINE_PREDICTION_H
#define TWIN_ENGINE_PREDICTION_H

#include "aas/metamodel.h"
#include "twin_engine/model.h"

/* What an element shows; the submodel's element rows and the engine's status rows use the same words. */
enum prediction_what {
	PREDICTION_NONE, PREDICTION_INDICATION, PREDICTION_DURATION, PREDICTION_START_VALUE, PREDICTION_START_TIME, PREDICTION_DESCRIPTION,
	PREDICTION_END_TIME, PREDICTION_INTERVAL, PREDICTION_BOUND, PREDICTION_MEAN, PREDICTION_SD, PREDICTION_ALERT, PREDICTION_REQUIRED,
	PREDICTION_N
};

/* The whole submodel as an instance, in the arena; NULL without memory.  Values that change are left absent. */
struct aas_node *prediction_new(struct arena *, const char *id, const struct model_kind *, double pre_alert_h);

/* Every live element: calls `each` with its idShortPath (valid in the call); index: the kind's input of a boundary condition. */
void prediction_each(const struct model_kind *, void (*each)(void *ctx, const char *path, enum prediction_what, size_t index), void *ctx);

struct prediction_source {
	const struct model_kind *kind;
	const struct model_view *view;		/* its rul is filled when there is evidence */
	int64_t predicted_us;			/* when */
};
/* The text now; false: it has no value. */
bool prediction_text(const struct prediction_source *, enum prediction_what, size_t index, struct buf *);

#endif
