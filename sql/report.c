/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/report.h"

#include <string.h>

#include "sql/pg.h"

static const char known_sql[] = "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'twinshell' AND tablename = 'typed_view'";
static const char create_sql[] =
	"SELECT format(E'report.%s: %s columns for %s submodels (%s new, %s left out)\\n', name, columns, submodels, added, left_out)"
	" FROM twinshell.create_typed_view($1, $2, $3::integer, $4::boolean)";
static const char drop_sql[] = "SELECT format(E'report.%s is dropped\\n', $1) FROM twinshell.drop_typed_view($1)";
static const char list_sql[] =
	"SELECT string_agg(format(E'report.%s\\t%s columns\\t%s\\n', v.name, (SELECT count(*) FROM twinshell.typed_column c WHERE c.view = v.name),"
	" v.semantic_id), '' ORDER BY v.name) FROM twinshell.typed_view v";

/* What the server of the database says, without its prefix and the lines below that tell where in a function it was. */
static enum err refuse(const struct diag *from, struct diag *d)
{
	const char *text = from->n ? from->list[0].text : "";
	if (!strncmp(text, "ERROR:", 6))
		text += 6 + strspn(text + 6, " ");
	return diag_add(d, ERR_BAD_REQUEST, "%.*s", (int)strcspn(text, "\n"), text);
}

static enum err ask(const char *conninfo, struct arena *a, const char *sql, const char *const *param, int n, const char **answer, struct diag *d)
{
	struct pg *pg;
	struct diag said = DIAG_INIT;
	const char *known = NULL;
	*answer = NULL;
	enum err e = pg_open(conninfo, &pg, d);
	if (e)
		return e;
	e = pg_ask(pg, a, known_sql, NULL, 0, &known, d);
	if (!e && !known)
		e = diag_add(d, ERR_PRECONDITION, "this database has no such reports: start a server of this version on it first");
	if (!e && (e = pg_ask(pg, a, sql, param, n, answer, &said)))
		e = e == ERR_BAD_REQUEST ? refuse(&said, d) : diag_add(d, e, "%s", said.n ? said.list[0].text : err_info[e].text);
	diag_fini(&said);
	pg_close(pg);
	return e;
}

enum err pg_report_create(const char *conninfo, struct arena *a, const struct pg_report_view *v, const char **line, struct diag *d)
{
	const char *const param[] = { v->semantic_id, v->name, arena_printf(a, "%d", v->columns), v->replace ? "true" : "false" };
	return arena_failed(a) ? ERR_NO_MEMORY : ask(conninfo, a, create_sql, param, 4, line, d);
}

enum err pg_report_drop(const char *conninfo, struct arena *a, const char *name, const char **line, struct diag *d)
{
	return ask(conninfo, a, drop_sql, &name, 1, line, d);
}

enum err pg_report_list(const char *conninfo, struct arena *a, const char **lines, struct diag *d)
{
	enum err e = ask(conninfo, a, list_sql, NULL, 0, lines, d);
	if (!e && !*lines)
		*lines = "";
	return e;
}
