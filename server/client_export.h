/* SPDX-License-Identifier: Apache-2.0
 * client_export.h - `twinshell export --split DIR`: a JSON file for each shell, with its submodels and their concept descriptions.
 *
 * All files show one moment.  DIR/.twinshell-export is a journal (client_journal.h) that names it: a run that was interrupted is gone on with, for
 * the same moment; one behind a run that came to its end begins anew.
 */
#ifndef SERVER_CLIENT_EXPORT_H
#define SERVER_CLIENT_EXPORT_H

#include "server/client_priv.h"

int client_export_split(const struct client_words *);	/* an exit status; what is wrong is on standard error */

#endif
