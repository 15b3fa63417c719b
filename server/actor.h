/* SPDX-License-Identifier: Apache-2.0
 * actor.h - who is behind a change, as history tells it.
 *
 * Nobody is asked for credentials here.  Who a user is may be said by a trusted proxy in a header that the operator names; of anybody else it
 * does not count.  Without it history tells what of this program was used, and from which address.  Forms: "user:NAME"; "WHAT:ADDRESS" with the
 * words of the table in actor.c; what is not a request says "import:plant", "engine:ID" and so on by itself.  Any thread.
 */
#ifndef SERVER_ACTOR_H
#define SERVER_ACTOR_H

#include <sys/socket.h>

#include "base/arena.h"

struct call;

#define ACTOR_USER_MAX 256		/* bytes of a user's name */

/* In the arena of the call.  NULL: no memory. */
const char *actor_of(struct call *);
/* May the option name this header? */
bool actor_header_ok(const char *name);
/* The name without blanks around it; NULL: it is empty or too long, no UTF-8, or has control characters. */
const char *actor_user(struct arena *, const char *header);
/* "192.0.2.7", "2001:db8::7", "unix"; an IPv4 address inside of an IPv6 one is that.  NULL: of another kind, or no memory. */
const char *actor_address(struct arena *, const struct sockaddr *);

#endif
