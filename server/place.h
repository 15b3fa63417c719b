/* SPDX-License-Identifier: Apache-2.0
 * place.h - pages of a list that has no order but its own (elements, references): the cursor names neighbours, so that it survives what is made
 * and deleted in between.
 *
 * New items come at the end, so the next page begins behind the nearest item before it that is still where it was, or farther in front.  When
 * all that the cursor names are gone, it goes on at the same number.
 */
#ifndef SERVER_PLACE_H
#define SERVER_PLACE_H

#include "server/call.h"

/* What tells items of the list apart; never NULL. */
typedef const char *place_name(const struct aas_node *);

/* The first item of the page that the cursor asks for, and its number in the list as it is now.  ERR_BAD_REQUEST: not a cursor of such a list. */
enum err place_begin(struct call *, const struct aas_node *head, place_name *, const struct aas_node **first, size_t *at);
/* For reply_page_end: where the page that begins with the item number `at` is.  NULL without memory, and when there is no such item. */
const char *place_next(struct call *, const struct aas_node *head, place_name *, size_t at);

#endif
