/* SPDX-License-Identifier: Apache-2.0
 * op.h - the handlers that exist.  routes.def names a handler op_<name> per row; a row whose handler is not listed here answers 501.
 */
#ifndef SERVER_OP_H
#define SERVER_OP_H

#include "base/err.h"

struct call;

/* One X(name) per handler, as routes.def spells it. */
#define OPS(X)

#define X(name) enum err op_##name(struct call *);
OPS(X)
#undef X

#endif
