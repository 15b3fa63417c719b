/* SPDX-License-Identifier: Apache-2.0
 * openapi.h - the description of this server's API (OpenAPI 3.0.3), made from the tables that it runs on: routes.def, operations.def,
 * the metamodel and errors.def.  Nothing in it points elsewhere.
 */
#ifndef SERVER_OPENAPI_H
#define SERVER_OPENAPI_H

#include "base/buf.h"

/* The whole document.  `base`: where the API is mounted, the one to be shown first in front, each behind `front` ("https://plant.example/twin",
 * "" here).  The buffer remembers a lack of memory. */
void openapi_write(struct buf *, const char *front, const char *const *base, unsigned n_base);

/* components/schemas, with braces; openapi_schema.c. */
void openapi_schemas(struct buf *);

#endif
