/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/migrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* One program at a time.  A migration may take its time, and so may whoever waits for the one of another program; it may not wait long for a
 * lock of a table, because whoever comes after it would wait as well.  The settings that it may rely on are those of every session. */
static const char begin_sql[] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL search_path = pg_catalog; SET LOCAL timezone = 'UTC';"
	"SET LOCAL client_min_messages = warning; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
	"SELECT pg_catalog.pg_advisory_xact_lock(8392292353731749228); SET LOCAL lock_timeout = '10s'";

struct run {
	struct pg *pg;
	struct arena *arena;
	const struct pg_migration *list;
	unsigned n;
	struct diag *diag;
};

/* What failed and why, in one line; the caller of pg_migrate cannot start anything over, so AGAIN is as good as UNAVAILABLE. */
static enum err blame(struct run *r, enum err e, const char *what, struct diag *why)
{
	const char *text = why->n ? why->list[0].text : err_info[e].text;
	e = e == ERR_AGAIN ? ERR_UNAVAILABLE : e == ERR_CONFLICT ? ERR_INTERNAL : e;
	diag_add(r->diag, e, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
	diag_fini(why);
	return e;
}

static enum err script(struct run *r, const char *what, const char *sql)
{
	struct diag why = DIAG_INIT;
	enum err e = pg_script(r->pg, sql, &why);
	return e ? blame(r, e, what, &why) : ERR_OK;
}

static enum err ask(struct run *r, const char *what, const char *sql, const char *const *param, int n_params, const char **answer)
{
	struct diag why = DIAG_INIT;
	enum err e = pg_ask(r->pg, r->arena, sql, param, n_params, answer, &why);
	return e ? blame(r, e, what, &why) : ERR_OK;
}

/* Those that this program does not know must all say that it can work with them. */
static enum err compare_newer(struct run *r, const char *lines)
{
	const char *newest = strrchr(lines, '\n'), *column, *lowest = NULL;
	long top = strtol(newest ? newest + 1 : lines, NULL, 10);
	char n[12];
	const char *const param[] = { n };
	if (top <= (long)r->n)
		return ERR_OK;
	snprintf(n, sizeof n, "%u", r->n);
	enum err e = ask(r, "cannot read which migrations are applied", "SELECT attnum FROM pg_catalog.pg_attribute WHERE attname = 'compatible'"
			 " AND attrelid = 'twinshell.schema_migration'::pg_catalog.regclass", NULL, 0, &column);
	if (!e && column)
		e = ask(r, "cannot read which migrations are applied", "SELECT 'yes' FROM twinshell.schema_migration WHERE version > $1::integer"
			" HAVING max(coalesce(compatible, version)) <= $1::integer", param, 1, &lowest);
	if (e || lowest)
		return e;
	return diag_add(r->diag, ERR_PRECONDITION, "the schema of the database is of version %ld, this program knows %u: use a newer program",
			top, r->n);
}

/* "VERSION SHA256", a line each, in their order. */
static enum err compare_lines(struct run *r, const char *line, unsigned *have)
{
	enum err e = compare_newer(r, line);
	if (e)
		return e;
	for (; line && *have < r->n; line = strchr(line, '\n'), line += line != NULL) {
		char *sha;
		long version = strtol(line, &sha, 10);
		if (version != (long)*have + 1)
			return diag_add(r->diag, ERR_PRECONDITION, "migration %s is applied to the database, but %s is not",
					version > 0 ? r->list[version - 1].name : "0", r->list[*have].name);
		const struct pg_migration *m = &r->list[*have];
		if (strncmp(sha + 1, m->sha256, strlen(m->sha256)))
			return diag_add(r->diag, ERR_PRECONDITION, "migration %s was applied to the database from another text than this program has",
					m->name);
		++*have;
	}
	return ERR_OK;
}

/* How many of the list are applied: the first `have`, each from the text that this program has, and no others. */
static enum err compare(struct run *r, unsigned *have)
{
	static const char what[] = "cannot read which migrations are applied";
	const char *encoding, *table, *last;
	enum err e = ask(r, what, "SHOW server_encoding", NULL, 0, &encoding);
	*have = 0;
	if (e)
		return e;
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return diag_add(r->diag, ERR_PRECONDITION, "the encoding of the database is %s, it must be UTF8", encoding ? encoding : "unknown");
	/* By the tables of the catalogue, in this moment: to_regclass may answer from what the session has seen before it waited for the lock. */
	if ((e = ask(r, what,
		     "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
		     " WHERE n.nspname = 'twinshell' AND c.relname = 'schema_migration'", NULL, 0, &table)) || !table)
		return e;
	/* In one statement: another program may be migrating. */
	if ((e = ask(r, what,
		     "SELECT string_agg(version || ' ' || sha256, E'\\n' ORDER BY version) FROM twinshell.schema_migration", NULL, 0,
		     &last)) || !last)
		return e;
	return compare_lines(r, last, have);
}

static enum err say_compatible(struct run *r, const char *what, const struct pg_migration *m)
{
	char version[12], compatible[12];
	const char *const param[] = { version, compatible };
	snprintf(version, sizeof version, "%d", m->version);
	snprintf(compatible, sizeof compatible, "%d", m->compatible);
	return ask(r, what, "UPDATE twinshell.schema_migration SET compatible = $2::integer WHERE version = $1::integer", param, 2, NULL);
}

/* The first that is missing, unless somebody else was faster: then *have tells. */
static enum err apply(struct run *r, unsigned *have, bool *done)
{
	char what[80], version[12];
	unsigned was = *have;
	*done = false;
	snprintf(what, sizeof what, "migration %s", r->list[was].name);
	enum err e = script(r, what, begin_sql);
	if (!e)
		e = compare(r, have);
	if (!e && *have == was) {
		const struct pg_migration *m = &r->list[was];
		const char *const param[] = { version, m->name, m->sha256 };
		snprintf(version, sizeof version, "%d", m->version);
		e = script(r, what, m->sql);
		if (!e)
			e = ask(r, what, "INSERT INTO twinshell.schema_migration (version, name, sha256) VALUES ($1::integer, $2, $3)", param, 3,
				NULL);
		if (!e && m->compatible)
			e = say_compatible(r, what, m);
		*done = !e;
	}
	if (!e)
		e = script(r, what, "COMMIT");
	if (e && pg_alive(r->pg))
		pg_script(r->pg, "ROLLBACK", NULL);
	*done = *done && !e;
	*have += *done;
	if (*done)
		log_info("sql", "%s is applied", what);
	return e;
}

enum err pg_migrate_list(struct pg *pg, const struct pg_migration *list, unsigned n, unsigned *applied, struct diag *d)
{
	struct run r = { pg, arena_new(0), list, n, d };
	unsigned have = 0, count = 0;
	bool done = false;
	if (applied)
		*applied = 0;
	if (!r.arena)
		return ERR_NO_MEMORY;
	enum err e = compare(&r, &have);
	while (!e && have < n && !(e = apply(&r, &have, &done)))
		count += done;
	if (applied)
		*applied = count;
	arena_free(r.arena);
	return e;
}

enum err pg_migrations_applied(struct pg *pg, unsigned *have, struct diag *d)
{
	struct run r = { pg, arena_new(0), pg_migrations, pg_n_migrations, d };
	enum err e = r.arena ? compare(&r, have) : ERR_NO_MEMORY;
	arena_free(r.arena);
	return e;
}

enum err pg_migrate(struct pg *pg, unsigned *applied, struct diag *d)
{
	return pg_migrate_list(pg, pg_migrations, pg_n_migrations, applied, d);
}
