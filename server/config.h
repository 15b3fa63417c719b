/* SPDX-License-Identifier: Apache-2.0
 * config.h - the options of config.def: defaults < file < environment < flags.
 *
 * Read once at start by the main thread, constant afterwards.  Texts live as long as the struct.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/diag.h"

struct config {
#define CONFIG_TEXT const char *
#define CONFIG_BOOL bool
#define CONFIG_SIZE size_t
#define O(name, type, def, arg, text) CONFIG_##type name;
#include "server/config.def"
#undef O
};

/* Reads everything.  argv are the words after the subcommand; the words that are no options are left at *rest (their number is
 * returned through *n_rest).  `--config FILE` names the file.  ERR_BAD_REQUEST: an unknown or malformed option, named with its
 * place (file:line, variable or flag). */
enum err config_read(struct arena *, int argc, char **argv, struct config *, char ***rest, int *n_rest, struct diag *);

void config_help(FILE *);			/* one line per option */
void config_print(FILE *, const struct config *);	/* the effective values; secrets are masked */

#endif
