/* SPDX-License-Identifier: Apache-2.0
 * audit.c - `twinshell audit verify`: walks the feed of changes and says whether it is still what was written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/str.h"
#include "server/client.h"
#include "sql/audit.h"

static int usage(const char *what, const char *word)
{
	fprintf(stderr, "twinshell: %s%s%s%s\nusage: twinshell audit verify [--database CONNINFO]\n", what, word ? " \"" : "", word ? word : "",
		word ? "\"" : "");
	return EX_USAGE;
}

static int tell(const struct pg_audit *a)
{
	if (a->sound) {
		printf("%lld changes are as they were written, positions %lld to %lld, hash %s\n", (long long)a->n, (long long)a->first,
		       (long long)a->last, *a->hash ? a->hash : "-");
		return EX_OK;
	}
	printf("%lld changes are as they were written; then, at ", (long long)a->n);
	if (a->position)
		printf("position %lld", (long long)a->position);
	else
		fputs("no position", stdout);
	if (a->id)
		printf(", \"%s\" version %lld", a->id, (long long)a->version);
	printf(": %s\n", a->fault);
	return EX_DATAERR;
}

static int verify(const char *database)
{
	struct diag d = DIAG_INIT;
	struct arena *a = arena_new(0);
	struct pg_audit audit;
	int status = EX_OSERR;
	log_setup(LOG_ERROR, LOG_TEXT);		/* what cannot be done is said once */
	enum err e = a ? pg_audit(database, a, &audit, &d) : ERR_NO_MEMORY;
	if (!e)
		status = tell(&audit);
	else if (e == ERR_UNAVAILABLE)
		status = EX_UNAVAILABLE;
	else if (e != ERR_NO_MEMORY)
		status = EX_SOFTWARE;
	if (e)
		fprintf(stderr, "twinshell: %s\n", d.n ? d.list[0].text : err_info[e].text);
	diag_fini(&d);
	arena_free(a);
	return status;
}

int audit(int argc, char **argv)
{
	const char *database = getenv("TWINSHELL_DATABASE");
	if (!argc || !str_eq(argv[0], "verify"))
		return usage(argc ? "there is no audit" : "verify is missing", argc ? argv[0] : NULL);
	for (int i = 1; i < argc; i++) {
		if (!str_eq(argv[i], "--database") || i + 1 == argc)
			return usage("there is no use for the word", argv[i]);
		database = argv[++i];
	}
	return database && *database ? verify(database) : usage("no database: say --database CONNINFO", NULL);
}
