/* SPDX-License-Identifier: Apache-2.0
 * inproc.h - a whole server in this process, on the memory store, with an asset that obeys.
 *
 * The asset executes every Operation: it answers each output variable, where it has an input of the same name with that value, else
 * with the text "done"; in-outputs come back as they went in.  An Operation whose idShort is Refuse, Slow or Unbound fails, times out,
 * or is executed by nobody.
 */
#ifndef TESTS_API_INPROC_H
#define TESTS_API_INPROC_H

#include <stdbool.h>

bool inproc_start(void);
const char *inproc_url(void);
void inproc_stop(void);
/* "begun", "release" or "settled", see script.h; false: it did not happen in ten seconds. */
bool inproc_operation(const char *what);
void inproc_live(const char *submodel_id, const char *path, const char *text);

#endif
