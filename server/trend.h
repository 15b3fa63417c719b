/* SPDX-License-Identifier: Apache-2.0
 * trend.h - what the server answers beside the AAS API: the recent past of one element, and how it is doing itself.
 *
 * Each function makes the reply of a call whose transport members and arena are set.  Worker thread: all but health_run may block.
 */
#ifndef SERVER_TREND_H
#define SERVER_TREND_H

#include "server/call.h"
#include "server/http.h"

#define TREND_DEFAULT 1000
#define TREND_MAX 20000

/* GET /trend?submodel={base64url}&path={idShortPath}&from={RFC 3339}&to=&limit=&level=raw|1m|1h|1d :
 * {"series":[[ms,number|null],...],"unit":"rpm"|null}.
 * The newest `limit` samples of from <= time < to, in the order of time; `to` defaults to now, `from` to ten minutes before `to`.
 * A sample that is no number is null, truth values are 1 and 0.  Means of minutes, hours or days instead, with "level" and, beside the
 * series, "min" and "max" [number|null,...]: when `level` says so, or without it beyond six hours, the finest of which at most `limit` fit. */
void trend_run(struct call *, const struct http_config *);
/* GET /healthz: the process answers.  GET /readyz: what it needs is there, else 503. */
void health_run(struct call *, const struct http_config *);
void ready_run(struct call *, const struct http_config *);

#endif
