/* SPDX-License-Identifier: Apache-2.0
 * match.h - is this JSON what a script wants?
 *
 * A pattern is JSON in which a lone * may stand: as a member or an array's last element it means "and more", as a value "anything".
 */
#ifndef TESTS_API_MATCH_H
#define TESTS_API_MATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* "messages[0].text" of a document; "" is the document.  Borrowed; NULL: there is none. */
const json_t *match_part(const json_t *, const char *path);
/* False with the first difference in `why`. */
bool match_json(const json_t *got, const char *pattern, char *why, size_t size);

#endif
