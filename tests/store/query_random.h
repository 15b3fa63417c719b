/* SPDX-License-Identifier: Apache-2.0 - random documents with few names and few values, and random conditions about them. */
#ifndef TWINSHELL_TESTS_STORE_QUERY_RANDOM_H
#define TWINSHELL_TESTS_STORE_QUERY_RANDOM_H

#include "aas/store.h"
#include "base/buf.h"

#define SUBMODELS 60
#define SHELLS 24
#define CONCEPTS 12
#define N_NAMES 5

extern uint64_t seed;
extern const char *const names[N_NAMES];	/* idShorts */

unsigned roll(unsigned n);	/* below n */
#define PICK(list) (list)[roll(sizeof(list) / sizeof *(list))]

/* A shell, submodel or concept description urn:a:N, urn:s:N, urn:c:N as JSON. */
void random_document(struct buf *, enum store_kind, unsigned n);
/* A condition of a query about them; depth 0: the outermost. */
void random_condition(struct buf *, enum store_kind, unsigned depth);

#endif
