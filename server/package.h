/* SPDX-License-Identifier: Apache-2.0
 * package.h - which shells a package of the file server holds: for the handlers that take one.
 */
#ifndef SERVER_PACKAGE_H
#define SERVER_PACKAGE_H

#include "base/scratch.h"
#include "server/call.h"

struct package_ids {
	const char **id;
	size_t n, cap;
};

/* Those of the form.  The ids belong to the call's arena. */
enum err package_ids_of_form(struct call *, struct package_ids *);
/* Does it begin like a package? */
bool package_is(const struct scratch *);
/* Those in the package, which must be one that can be read; the files in it stay packed. */
enum err package_ids_of_file(struct arena *, struct scratch *, struct package_ids *, struct diag *);

#endif
