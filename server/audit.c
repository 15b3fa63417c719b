/* SPDX-License-Identifier: Apache-2.0
 * audit.c - `twinshell audit verify`: walks the feed of changes and says whether it is still what was written.
 */
#include <stdio.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/str.h"
#include "server/client.h"
#include "sql/audit.h"

static int tell(const struct pg_audit *a)
{
	if (a->sound) {
		printf("%lld changes and the bytes of %lld files are as they were written, positions %lld to %lld, hash %s\n", (long long)a->n,
		       (long long)a->contents, (long long)a->first, (long long)a->last, *a->hash ? a->hash : "-");
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
	if (argc && str_eq(argv[0], "verify"))
		return db_run("audit", argc - 1, argv + 1, verify);
	fprintf(stderr, "twinshell: audit: verify is missing\nusage: twinshell audit verify [--database CONNINFO] [--data DIR]\n");
	return EX_USAGE;
}
