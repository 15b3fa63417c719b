/* SPDX-License-Identifier: Apache-2.0
 * accept.h - which of several representations a client wants (RFC 9110, 12.5.1).
 */
#ifndef SERVER_ACCEPT_H
#define SERVER_ACCEPT_H

#include <stddef.h>

/* Index of the type with the highest quality; of equal ones the first of `types`, except that one that is named goes before those that
 * only a wildcard covers.  `accept` NULL or empty: the first.  n: none of them is accepted. */
size_t accept_choose(const char *accept, const char *const *types, size_t n);

#endif
