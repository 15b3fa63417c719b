/* SPDX-License-Identifier: Apache-2.0
 * db.c - `twinshell db`: how the database stands, bringing its schema up to date, looking for faults in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/file.h"
#include "server/client.h"
#include "server/client_json.h"
#include "sql/verify.h"

#define ANNOUNCEMENT_MAX 65536

struct words {
	const char *database, *data;
};

static bool read_words(const char *command, int argc, char **argv, struct words *w)
{
	for (int i = 0; i < argc; i++) {
		const char *eq = strchr(argv[i], '=');
		size_t n = eq ? (size_t)(eq - argv[i]) : strlen(argv[i]);
		const char **to = n == 10 && !strncmp(argv[i], "--database", n) ? &w->database :
				  n == 6 && !strncmp(argv[i], "--data", n) ? &w->data : NULL;
		if (!to) {
			fprintf(stderr, "twinshell: %s: there is no use for the word \"%s\"\n", command, argv[i]);
			return false;
		}
		*to = eq ? eq + 1 : i + 1 < argc ? argv[++i] : NULL;
		if (!*to || !**to) {
			fprintf(stderr, "twinshell: %s: --%s wants a value\n", command, to == &w->data ? "data" : "database");
			return false;
		}
	}
	return true;
}

/* What was said, else the environment, else the server that runs on the directory. */
const char *db_find(const char *command, const char *database, const char *data, struct arena *a)
{
	const char *env = getenv("TWINSHELL_DATABASE"), *found;
	struct slice text;
	struct diag d = DIAG_INIT;
	if (database || (!data && env && *env))
		return database ? database : env;
	char *file = arena_printf(a, "%s/endpoints.json", data ? data : "var");
	if (file && !file_read(a, file, ANNOUNCEMENT_MAX, &text, &d) && (found = client_read_member(a, text, "database"))) {
		diag_fini(&d);
		return found;
	}
	fprintf(stderr, "twinshell: %s: which database?  Say --database CONNINFO, or --data DIR of a running server: %s\n", command,
		d.n ? d.list[0].text : "out of memory");
	diag_fini(&d);
	return NULL;
}

int db_run(const char *command, int argc, char **argv, int (*run)(const char *database))
{
	struct words w = { NULL, NULL };
	if (!read_words(command, argc, argv, &w))
		return EX_USAGE;
	struct arena *a = arena_new(0);
	const char *database = a ? db_find(command, w.database, w.data, a) : NULL;
	int rc = database ? run(database) : EX_NOINPUT;
	arena_free(a);
	return rc;
}

static int status_of(enum err e, struct diag *d)
{
	static const struct { enum err e; int status; } table[] = {
		{ ERR_OK, EX_OK }, { ERR_UNAVAILABLE, EX_UNAVAILABLE }, { ERR_AGAIN, EX_UNAVAILABLE }, { ERR_PRECONDITION, EX_CONFIG },
		{ ERR_NO_MEMORY, EX_OSERR },
	};
	for (unsigned i = 0; i < d->n; i++)
		fprintf(stderr, "twinshell: %.*s\n", (int)strcspn(d->list[i].text, "\n"), d->list[i].text);
	if (e && !d->n)
		fprintf(stderr, "twinshell: %s\n", err_info[e].text);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].e == e)
			return table[i].status;
	return EX_SOFTWARE;
}

static void print_line(void *ctx, const char *name, const char *value)
{
	(void)ctx;
	printf("%-22s %s\n", name, value);
}

static int status(const char *database)
{
	struct diag d = DIAG_INIT;
	int rc = status_of(db_status(database, print_line, NULL, &d), &d);
	diag_fini(&d);
	return rc;
}

static int migrate(const char *database)
{
	struct diag d = DIAG_INIT;
	unsigned applied = 0;
	int rc = status_of(db_migrate(database, &applied, &d), &d);
	if (rc == EX_OK && !applied)
		puts("the schema is up to date");
	else if (applied)
		printf("%u migration%s applied\n", applied, applied == 1 ? "" : "s");
	diag_fini(&d);
	return rc;
}

static void print_finding(void *ctx, const struct db_finding *f)
{
	unsigned *n = ctx;
	++*n;
	if (f->id)
		printf("%s \"%s\": %s\n", f->kind, f->id, f->text);
	else
		printf("%s\n", f->text);
}

static int verify(const char *database)
{
	struct diag d = DIAG_INIT;
	unsigned n = 0;
	uint64_t checked = 0;
	int rc = status_of(db_verify(database, print_finding, &n, &checked, &d), &d);
	if (rc == EX_OK)
		printf("%llu documents checked, %u fault%s\n", (unsigned long long)checked, n, n == 1 ? "" : "s");
	diag_fini(&d);
	return rc == EX_OK && n ? EX_DATAERR : rc;
}

int db_command(int argc, char **argv)
{
	static const struct { const char *word; int (*run)(const char *database); } table[] = {
		{ "status", status }, { "migrate", migrate }, { "verify", verify },
	};
	for (size_t i = 0; argc && i < sizeof table / sizeof *table; i++)
		if (!strcmp(argv[0], table[i].word))
			return db_run("db", argc - 1, argv + 1, table[i].run);
	fputs("usage: twinshell db status|migrate|verify [--database CONNINFO] [--data DIR]\n", stderr);
	return EX_USAGE;
}
