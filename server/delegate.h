/* SPDX-License-Identifier: Apache-2.0
 * delegate.h - operations that another HTTP service executes: the qualifier `invocationDelegation` of an Operation names its URL.
 *
 * The request is a POST of the input variables and then the in-output variables as a JSON array of OperationVariable; the answer is such
 * an array of output and in-output variables, or an OperationResult.  Whoever may write a submodel writes that URL, so it leads only
 * where the operator allows: its origin must be in the list, and the address that is connected to must be public or be in the list
 * itself, as a literal address with that port.  The address is looked at when the socket is made, so a name that resolves to something else
 * the next time leads nowhere else.  No redirects, no proxies, no credentials; time and sizes are bounded.
 */
#ifndef SERVER_DELEGATE_H
#define SERVER_DELEGATE_H

#include "base/diag.h"
#include "submodels/invoke.h"

#define DELEGATE_ANSWER_MAX ((size_t)1 << 20)

struct delegate;

/* `allow`: origins "http://host:port", comma-separated; "": none, nothing is delegated.  ERR_BAD_REQUEST names what is none. */
enum err delegate_new(const char *allow, struct delegate **, struct diag *);
/* Transfers under way end as Canceled, new ones too.  Any thread. */
void delegate_stop(struct delegate *);
void delegate_free(struct delegate *);		/* nobody may be in delegate_invoke; NULL is allowed */

/* As sm_invoker.invoke.  ERR_NOT_SUPPORTED: no such qualifier, or (with a message) its URL is not allowed.  Any thread; blocks. */
enum err delegate_invoke(struct delegate *, const struct sm_invocation *, struct arena *, struct sm_outcome *, struct diag *);

#endif
