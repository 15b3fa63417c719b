/* SPDX-License-Identifier: Apache-2.0
 * page.h - pages of whole identifiables, as lists (op_list.c) and queries (op_query.c) give them.
 */
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include "server/call.h"

#define PAGE_BYTES ((size_t)16 << 20)	/* a page that has grown larger ends */
#define LOAN_BYTES ((size_t)4 << 20)	/* of documents that are held at once for it */

/* Add the document to the page in the view of the call, live values laid over.  The arena is for scratch. */
enum err page_item(struct call *, enum store_kind, const struct store_doc *, struct arena *);

#endif
