/* SPDX-License-Identifier: Apache-2.0
 * cluster.h - a PostgreSQL for one test program: the cluster that TWINSHELL_TEST_DB leads to (a connection string of keywords and values,
 * of a user who may create databases), else a private one, which ends with the program however that ends.
 */
#ifndef TESTS_CLUSTER_H
#define TESTS_CLUSTER_H

#include <stdbool.h>

/* Connection string of the cluster, made at the first call; NULL: PostgreSQL is not installed.  The program ends when it cannot start. */
const char *cluster(void);
bool cluster_is_private(void);
/* Stop the private cluster by that signal, start it again. */
void cluster_restart(const char *signal);

#endif
