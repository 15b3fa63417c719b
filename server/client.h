/* SPDX-License-Identifier: Apache-2.0
 * client.h - the subcommands that talk to a running server over HTTP, and those that check and convert files on their own.
 *
 * Each takes the words after its name and returns an exit status of sysexits.h.
 */
#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H

#include "base/arena.h"

int client_import(int argc, char **argv);	/* POST /upload of each file */
int client_export(int argc, char **argv);	/* GET /serialization into a file */
int check_files(int argc, char **argv);		/* read AASX, JSON and XML files, print every fault with its path */
int convert_files(int argc, char **argv);	/* JSON, XML, AASX into one another, and into RDF */
/* The database that was said (NULL: it was not), else TWINSHELL_DATABASE, else that of the server on the directory `data` (NULL: var).  NULL, with
 * the reason on standard error. */
const char *db_find(const char *command, const char *database, const char *data, struct arena *);
/* Runs `run` on the database that the words --database and --data lead to. */
int db_run(const char *command, int argc, char **argv, int (*run)(const char *database));
int db_command(int argc, char **argv);		/* db.c: look at a database, bring its schema up to date */

/* `twinshell audit verify` (audit.c). */
int audit(int argc, char **argv);
/* `twinshell report` (report.c). */
int report(int argc, char **argv);

#endif
