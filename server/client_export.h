/* SPDX-License-Identifier: Apache-2.0
 * client_export.h - `twinshell export --split DIR`: a file for each shell, with its submodels and their concept descriptions, and in packages the
 * stored files.
 *
 * All of them show one moment: each is asked for as it was then, so no transaction stays open over them.  DIR/.twinshell-export is a journal
 * (client_journal.h) that names it: a run that was interrupted is gone on with, for the same moment; one behind a run that came to its end begins
 * anew.  A file appears whole or not.
 */
#ifndef SERVER_CLIENT_EXPORT_H
#define SERVER_CLIENT_EXPORT_H

#include "server/client_priv.h"

int client_export_split(const struct client_words *);	/* an exit status; what is wrong is on standard error */

#endif
