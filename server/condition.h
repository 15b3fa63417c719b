/* SPDX-License-Identifier: Apache-2.0
 * condition.h - the tag of what a call answers with, and the conditions of the client (RFC 9110, 13).
 *
 * What belongs to an identifiable has the tag of its version, everything else that of its bytes.
 */
#ifndef SERVER_CONDITION_H
#define SERVER_CONDITION_H

#include "server/call.h"

/* Before a handler that writes, in its transaction: ERR_PRECONDITION when If-Match or If-None-Match forbids it.  What was looked at
 * cannot be changed by others until the commit: that would answer ERR_AGAIN. */
enum err condition_write(struct call *);
/* Before a handler that reads, and before condition_peeked: live values that go away meanwhile may be in the reply. */
void condition_read(struct call *);
/* After the handler, in the same session: the tag of the reply; a reply that the client knows already becomes 304 without a body. */
enum err condition_reply(struct call *);
/* The same without a session, for a tree that was found in memory.  `document`: the stored text itself is the reply. */
void condition_peeked(struct call *, int64_t version, bool document);

#endif
