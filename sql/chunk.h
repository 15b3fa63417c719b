/* SPDX-License-Identifier: Apache-2.0
 * chunk.h - samples of one series in a row of twinshell.chunk: times as offsets in a common unit, values as scaled integers where that is
 * exact, in the binary format of PostgreSQL's arrays, so that plain SQL can unnest what this writes (docs/decisions/006-chunks.md).
 *
 * Pure functions, any thread.  Every time and every bit of a number comes back; a text that is absent stays absent.
 */
#ifndef SQL_CHUNK_H
#define SQL_CHUNK_H

#include "aas/store.h"
#include "base/buf.h"

#define CHUNK_POINTS 600	/* in a full one */
#define CHUNK_MAX 4096		/* what is accepted when it is read */
#define CHUNK_COLUMNS "series, day, n, t0, t1, unit, offsets, far, divisor, ints, nums, qualities, texts, min, max"
#define CHUNK_FIELDS 15

/* The columns of one row as they were read; arrays in binary format, p NULL: SQL's NULL. */
struct chunk {
	int64_t series, t0_us, unit;
	int32_t n;
	double divisor;			/* looked at when there are ints */
	struct slice offsets, far, ints, nums, qualities, texts;
};

/* Append one row in COPY's binary format: CHUNK_COLUMNS.  1 to CHUNK_MAX samples of one series and of one UTC day, in the order of time. */
void chunk_put(struct buf *, const struct store_sample *, size_t n);
/* Into out[0..n-1]; texts go into the arena.  ERR_INTERNAL: this is no chunk; ERR_NO_MEMORY. */
enum err chunk_get(const struct chunk *, struct arena *, struct store_sample *out);

#endif
