/* SPDX-License-Identifier: Apache-2.0
 * stream.h - where bytes come from and where they go, for readers and writers of more than memory should hold.
 *
 * Both are pairs of a function and its context; the context is the caller's and outlives them.  They may block.
 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include <stdint.h>

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

/* Bytes of a known number that can be read at any place, and again.  Reads may block; one thread at a time. */
struct content {
	int64_t size;
	/* Exactly n bytes from the offset `at`, which are there. */
	enum err (*read)(void *ctx, int64_t at, char *to, size_t n, struct diag *d);
	void (*close)(void *ctx);	/* once, when nobody reads any more; NULL: nothing is to be done */
	void *ctx;
};

/* Where the reading of a content stands; both live as long as the source. */
struct content_at {
	const struct content *content;
	int64_t at;
};

struct source source_fd(const int *fd);		/* read(2) and write(2); the descriptor stays the caller's */
struct sink sink_fd(const int *fd);
bool fd_write_all(int fd, const char *p, size_t n);	/* false: the reason is in errno */
struct source source_slice(struct slice *rest);	/* moves the slice on as it is read */
struct source source_content(struct content_at *);
struct content content_slice(const struct slice *);	/* the slice and its bytes must live as long */
void content_close(struct content *);			/* and forget it; one that is all zero is none */

#endif
