/* SPDX-License-Identifier: Apache-2.0
 * whole.h - an input that can be read again from its beginning, and an output that appears whole or not at all.
 *
 * "-" is standard input and output.  What cannot be read twice (a pipe) is first copied into a file without a name; what cannot be
 * replaced in one step (standard output, a device, a pipe) gets its bytes when all of them are there.  Storage is the caller's, its fd -1
 * before it is opened; one thread.  Every error is ERR_IO with the system's reason, and `failed` is set before the message is added.
 */
#ifndef SERVER_WHOLE_H
#define SERVER_WHOLE_H

#include <limits.h>
#include <sys/types.h>

#include "base/stream.h"

struct whole_in {
	const char *name;	/* as messages say it */
	int fd;
	off_t start, at;	/* where its first byte is in the descriptor; what has been read */
	size_t size;
	bool failed;
};

enum err whole_in_open(struct whole_in *, const char *name, struct diag *);
void whole_in_close(struct whole_in *);		/* also when it was not opened */
/* From the first byte on: each call begins again. */
struct source whole_in_source(struct whole_in *);
/* Exactly n bytes from `at`; false: they are not there. */
bool whole_in_at(void *in, size_t at, void *to, size_t n);

struct whole_out {
	const char *name;
	int fd;
	bool failed;
	bool replaces;		/* the file; else the bytes are copied into it at the end */
	char path[PATH_MAX];	/* the file, behind symbolic links; "": standard output */
	char temp[PATH_MAX + 8];
};

enum err whole_out_open(struct whole_out *, const char *name, struct diag *);
struct sink whole_out_sink(struct whole_out *);
enum err whole_out_again(struct whole_out *, struct diag *);	/* forget what was written */
/* Now it is whole.  The mode of a file that was there before is kept. */
enum err whole_out_commit(struct whole_out *, struct diag *);
void whole_out_close(struct whole_out *);	/* without commit nothing is left of it; also when it was not opened */

#endif
