/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/migrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* The lock outlives this transaction: it belongs to the session.  Who waits for it waits for the migrations of another program, which
 * may take longer than the session's time-outs. */
static const char lock_sql[] = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
	"SELECT pg_catalog.pg_advisory_lock(8392292353731749228); COMMIT";
static const char unlock_sql[] = "SELECT pg_catalog.pg_advisory_unlock(8392292353731749228)";
/* A migration may take its time; it may not wait long for a lock, because whoever comes after it would wait as well. */
static const char begin_sql[] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0";

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

/* How many of the list are applied: the first `have`, each from the text that this program has, and no others. */
static enum err compare(struct run *r, unsigned *have)
{
	static const char what[] = "cannot read which migrations are applied";
	const char *encoding, *table, *last, *sha;
	enum err e = ask(r, what, "SHOW server_encoding", NULL, 0, &encoding);
	*have = 0;
	if (e)
		return e;
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return diag_add(r->diag, ERR_PRECONDITION, "the encoding of the database is %s, it must be UTF8", encoding ? encoding : "unknown");
	if ((e = ask(r, what, "SELECT pg_catalog.to_regclass('twinshell.schema_migration')", NULL, 0, &table)) || !table)
		return e;
	if ((e = ask(r, what, "SELECT max(version) FROM twinshell.schema_migration", NULL, 0, &last)))
		return e;
	if (last && strtol(last, NULL, 10) > (long)r->n)
		return diag_add(r->diag, ERR_PRECONDITION, "the schema of the database is of version %s, this program knows %u: use a newer program",
				last, r->n);
	for (unsigned i = 0; i < r->n; i++) {
		char version[12];
		const char *const param[] = { version };
		const struct pg_migration *m = &r->list[i];
		snprintf(version, sizeof version, "%d", m->version);
		if ((e = ask(r, what, "SELECT sha256 FROM twinshell.schema_migration WHERE version = $1::integer", param, 1, &sha)))
			return e;
		if (!sha)
			continue;
		if (strcmp(sha, m->sha256) != 0)
			return diag_add(r->diag, ERR_PRECONDITION, "migration %s was applied to the database from another text than this program has",
					m->name);
		if (*have != i)
			return diag_add(r->diag, ERR_PRECONDITION, "migration %s is applied to the database, but %s is not", m->name,
					r->list[*have].name);
		*have = i + 1;
	}
	return ERR_OK;
}

static enum err apply(struct run *r, const struct pg_migration *m)
{
	char what[80], version[12];
	const char *const param[] = { version, m->name, m->sha256 };
	snprintf(what, sizeof what, "migration %s", m->name);
	snprintf(version, sizeof version, "%d", m->version);
	enum err e = script(r, what, begin_sql);
	if (!e)
		e = script(r, what, m->sql);
	if (!e)
		e = ask(r, what, "INSERT INTO twinshell.schema_migration (version, name, sha256) VALUES ($1::integer, $2, $3)", param, 3, NULL);
	if (!e)
		e = script(r, what, "COMMIT");
	if (!e)
		log_info("sql", "migration %s is applied", m->name);
	else if (pg_alive(r->pg))
		pg_script(r->pg, "ROLLBACK", NULL);
	return e;
}

enum err pg_migrate_list(struct pg *pg, const struct pg_migration *list, unsigned n, unsigned *applied, struct diag *d)
{
	struct run r = { pg, arena_new(0), list, n, d };
	unsigned have = 0, done = 0;
	if (applied)
		*applied = 0;
	if (!r.arena)
		return ERR_NO_MEMORY;
	enum err e = script(&r, "cannot lock the schema", lock_sql);
	if (e) {
		if (pg_alive(pg))
			pg_script(pg, "ROLLBACK", NULL);
		goto out;
	}
	if (!(e = compare(&r, &have)))
		while (have + done < n && !(e = apply(&r, &list[have + done])))
			done++;
	if (pg_alive(pg))
		pg_script(pg, unlock_sql, NULL);
	if (applied)
		*applied = done;
out:
	arena_free(r.arena);
	return e;
}

enum err pg_migrate(struct pg *pg, unsigned *applied, struct diag *d)
{
	return pg_migrate_list(pg, pg_migrations, pg_n_migrations, applied, d);
}
