/* SPDX-License-Identifier: Apache-2.0
 * stream.h - where bytes come from and where they go, for readers and writers of more than memory should hold.
 *
 * Both are pairs of a function and its context; the context is the caller's and outlives them.  They may block.
 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include "base/diag.h"
#include "base/str.h"

struct source {
	/* Up to n (> 0) bytes to p; *got is 0 at the end only.  On an error a message is in d. */
	enum err (*read)(void *ctx, char *p, size_t n, size_t *got, struct diag *d);
	void *ctx;
};

struct sink {
	enum err (*write)(void *ctx, const char *p, size_t n, struct diag *d);	/* all n bytes, or an error */
	void *ctx;
};

struct source source_fd(const int *fd);		/* read(2) and write(2); the descriptor stays the caller's */
struct sink sink_fd(const int *fd);
struct source source_slice(struct slice *rest);	/* moves the slice on as it is read */

#endif
