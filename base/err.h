/* SPDX-License-Identifier: Apache-2.0
 * err.h - the result of every function that can fail.  ERR_OK is zero, so `if ((e = f()))` reads well.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
#define E(name, status, type, text) ERR_##name,
#include "base/errors.def"
#undef E
	N_ERRS
};

struct err_info {
	const char *name;	/* "NOT_FOUND" */
	int status;		/* HTTP status */
	const char *type;	/* AAS message type */
	const char *text;
};

extern const struct err_info err_info[N_ERRS];

#endif
