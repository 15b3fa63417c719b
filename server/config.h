/* SPDX-License-Identifier: Apache-2.0
 * config.h - the options of config.def: defaults < file < environment < flags.
 *
 * For the main thread.  Texts live in the arena that config_read was given, those of a reload in the one of config_update.
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
#define CONFIG_CHOICE const char *
#define CONFIG_SECRET const char *
#define CONFIG_BOOL bool
#define CONFIG_SIZE size_t
#define O(name, type, when, def, arg, text) CONFIG_##type name;
#include "server/config.def"
#undef O
};

/* Where a fault lies; it decides the exit status. */
enum config_place { CONFIG_FLAGS, CONFIG_FILE_MISSING, CONFIG_FILE_OR_ENVIRONMENT };

/* Reads everything.  argv are the words after the subcommand; they are left as they are, so that they can be read again.  `--config
 * FILE` (or TWINSHELL_CONFIG) names the file.  ERR_BAD_REQUEST: an unknown or malformed option, named with its place (file:line,
 * variable or flag) but never with a secret; *where tells the kind of place. */
enum err config_read(struct arena *, int argc, char **argv, struct config *, enum config_place *where, struct diag *);

/* Takes over what differs in `next` and is LIVE, its texts copied to the arena, and logs it; what differs and is not LIVE is logged
 * as needing a restart.  Returns how many were taken over. */
unsigned config_update(struct arena *, struct config *now, const struct config *next);

/* The position of a CHOICE among the words of its argument. */
int config_choice(const char *name, const char *value);

void config_help(FILE *);			/* one line per option */

#endif
