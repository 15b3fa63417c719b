/* SPDX-License-Identifier: Apache-2.0
 * report.c - `twinshell report`: views of the schema report for the submodels of one type.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/str.h"
#include "server/client.h"
#include "sql/report.h"

struct words {
	const char *database, *data;
	struct pg_report_view view;
};

static enum err create_view(const struct words *w, struct arena *a, const char **line, struct diag *d)
{
	return pg_report_create(w->database, a, &w->view, line, d);
}

static enum err drop_view(const struct words *w, struct arena *a, const char **line, struct diag *d)
{
	return pg_report_drop(w->database, a, w->view.name, line, d);
}

static enum err list_views(const struct words *w, struct arena *a, const char **line, struct diag *d)
{
	return pg_report_list(w->database, a, line, d);
}

static const struct verb {
	const char *name;
	enum err (*run)(const struct words *, struct arena *, const char **line, struct diag *);
	const char *takes;		/* first letters of the options */
	const char *needs;
} verbs[] = {
	{ "create-view", create_view, "dsncr", "s" },
	{ "drop-view", drop_view, "dn", "n" },
	{ "list-views", list_views, "d", "" },
};
#define N_VERBS (sizeof verbs / sizeof *verbs)

static int usage(const char *what, const char *word)
{
	fprintf(stderr, "twinshell: %s%s%s%s\n"
		"usage: twinshell report create-view --semantic-id IRI [--name NAME] [--columns N] [--replace]"
		" [--database CONNINFO] [--data DIR]\n"
		"       twinshell report drop-view --name NAME [--database CONNINFO] [--data DIR]\n"
		"       twinshell report list-views [--database CONNINFO] [--data DIR]\n",
		what, word ? " \"" : "", word ? word : "", word ? "\"" : "");
	return EX_USAGE;
}

static bool read_columns(const char *text, int *columns)
{
	size_t n;
	if (!str_size(text, strlen(text), &n) || !n || n > PG_REPORT_COLUMNS)
		return false;
	*columns = (int)n;
	return true;
}

/* The option of these words at i, which moves to its last word; 0, or what is wrong with it. */
static const char *read_option(const struct verb *v, struct words *w, int argc, char **argv, int *i)
{
	const char *word = argv[*i];
	static const char *const names[] = { "--database", "--data", "--semantic-id", "--name", "--columns", "--replace" };
	const char **const text[] = { &w->database, &w->data, &w->view.semantic_id, &w->view.name };
	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		if (!str_eq(word, names[k]) || !strchr(v->takes, names[k][2]))
			continue;
		if (names[k][2] == 'r') {
			w->view.replace = true;
			return NULL;
		}
		if (*i + 1 == argc)
			return "a word is missing after";
		word = argv[++*i];
		if (names[k][2] == 'c')
			return read_columns(word, &w->view.columns) ? NULL : "this is not a number of 1 to 200 columns:";
		*text[k] = word;
		return NULL;
	}
	return "there is no use for the word";
}

static int status_of(enum err e)
{
	return e == ERR_OK ? EX_OK : e == ERR_BAD_REQUEST ? EX_DATAERR : e == ERR_UNAVAILABLE || e == ERR_PRECONDITION ? EX_UNAVAILABLE
		: e == ERR_NO_MEMORY ? EX_OSERR : EX_SOFTWARE;
}

static int run(const struct verb *v, struct words *w)
{
	struct diag d = DIAG_INIT;
	struct arena *a = arena_new(0);
	const char *line = NULL;
	if (a && !(w->database = db_find("report", w->database, w->data, a))) {
		arena_free(a);
		return EX_NOINPUT;
	}
	enum err e = a ? v->run(w, a, &line, &d) : ERR_NO_MEMORY;
	if (e)
		fprintf(stderr, "twinshell: %s\n", d.n ? d.list[0].text : err_info[e].text);
	else
		fputs(line, stdout);
	diag_fini(&d);
	arena_free(a);
	return status_of(e);
}

int report(int argc, char **argv)
{
	struct words w = { .view.columns = PG_REPORT_COLUMNS };
	const struct verb *v = NULL;
	for (size_t i = 0; argc && i < N_VERBS; i++)
		if (str_eq(argv[0], verbs[i].name))
			v = &verbs[i];
	if (!v)
		return usage(argc ? "there is no report" : "create-view, drop-view or list-views is missing", argc ? argv[0] : NULL);
	for (int i = 1; i < argc; i++) {
		const char *fault = read_option(v, &w, argc, argv, &i);
		if (fault)
			return usage(fault, argv[i]);
	}
	if (strchr(v->needs, 's') && !w.view.semantic_id)
		return usage("--semantic-id is missing", NULL);
	if (strchr(v->needs, 'n') && *v->needs && !w.view.name)
		return usage("--name is missing", NULL);
	return run(v, &w);
}
