/* SPDX-License-Identifier: Apache-2.0
 * decode.h - from what a message carries to the text of a Property of a given xs: type, and back; and to a source time.
 */
#ifndef TWIN_ENGINE_DECODE_H
#define TWIN_ENGINE_DECODE_H

#include "twin_engine/payload.h"

#define DECODE_TEXT_MAX 4096

struct decode_scale {
	double factor, offset;		/* shown = raw * factor + offset; numbers only */
};

/* Appends the text; *num is NaN when the value is not a number (booleans count as 1 and 0).  NULL, or why it cannot be: static text.
 * value_type is the slot's ord. */
const char *decode_value(const struct payload_value *, uintptr_t value_type, const struct decode_scale *, struct buf *text, double *num);
/* RFC 3339 text, or a number since 1970 in s, ms, us or ns by its magnitude (the years 1973 to 5138 are told apart). */
bool decode_time(const struct payload_value *, int64_t *us);
/* A Property's text as a JSON value by its type: number, boolean or string, scaled backwards.  NULL, or why it cannot be. */
const char *decode_to_json(const char *text, uintptr_t value_type, const struct decode_scale *, struct buf *json, double *num);

#endif
