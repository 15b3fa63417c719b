/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/script.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/file.h"

#define SCRIPT_MAX ((size_t)1 << 20)

struct reader {
	struct arena *a;
	const char *path;
	int line;
	struct script *script;
	struct step *step;		/* the one being read */
	struct step **tail;
	struct check **checks;
	struct header **headers;
	struct field **fields;
	bool answered;			/* "->" was read */
	char *json;			/* a JSON text that goes on in the next line, or NULL */
	struct check *open;
	bool bad;
};

static void fault(struct reader *r, const char *why)
{
	printf("# %s:%d: %s\n", r->path, r->line, why);
	r->bad = true;
}

static char *trim(char *s)
{
	char *end = s + strlen(s);
	while (end > s && strchr(" \t\r\n", end[-1]))
		*--end = 0;
	return s + strspn(s, " \t");
}

static struct check *check_new(struct reader *r, enum check_kind kind, const char *what, const char *want)
{
	struct check *c = ARENA_NEW(r->a, struct check);
	c->kind = kind;
	c->what = arena_strdup(r->a, what);
	c->want = arena_strdup(r->a, want);
	c->line = r->line;
	*r->checks = c;
	r->checks = &c->next;
	return c;
}

/* Brackets outside of strings; > 0: the text goes on. */
static int open_brackets(const char *s)
{
	int depth = 0;
	for (; *s; s++) {
		if (*s == '"')
			for (s++; *s && *s != '"'; s++)
				s += *s == '\\' && s[1];
		if (!*s)
			break;
		depth += (*s == '{' || *s == '[') - (*s == '}' || *s == ']');
	}
	return depth;
}

static const char *unquote(struct reader *r, char *s)
{
	size_t n = strlen(s);
	if (n < 2 || s[0] != '"' || s[n - 1] != '"')
		return s;
	s[n - 1] = 0;
	return arena_strdup(r->a, s + 1);
}

static void read_let(struct reader *r, char *s)
{
	char *eq = strstr(s, " = ");
	if (!eq) {
		fault(r, "let NAME = PART is expected");
		return;
	}
	*eq = 0;
	char *part = trim(eq + 3);
	if (*part == '<')
		check_new(r, CHECK_LET_HEADER, trim(part + 1), trim(s));
	else
		check_new(r, CHECK_LET_PART, part, trim(s));
}

/* "what = JSON", "what ~ text" */
static void read_relation(struct reader *r, char *s, enum check_kind is, enum check_kind has)
{
	char *eq = strstr(s, " = "), *like = strstr(s, " ~ ");
	char *at = eq && (!like || eq < like) ? eq : like;
	if (!at) {
		fault(r, "a check is expected");
		return;
	}
	*at = 0;
	char *want = trim(at + 3);
	if (at == like || is == CHECK_HEADER_IS)
		check_new(r, at == like ? has : is, trim(s), unquote(r, want));
	else
		r->open = check_new(r, is, trim(s), want);
}

static void read_check(struct reader *r, char *s)
{
	r->open = NULL;
	if (!*s)
		return;
	if (*s == '=')
		r->open = check_new(r, CHECK_BODY_IS, "", trim(s + 1));
	else if (*s == '~')
		check_new(r, CHECK_BODY_HAS, "", unquote(r, trim(s + 1)));
	else if (*s == '<')
		read_relation(r, trim(s + 1), CHECK_HEADER_IS, CHECK_HEADER_HAS);
	else if (!strncmp(s, "let ", 4))
		read_let(r, s + 4);
	else if (!strncmp(s, "count ", 6))
		read_relation(r, s + 6, CHECK_COUNT, CHECK_COUNT);
	else
		read_relation(r, s, CHECK_PART_IS, CHECK_PART_HAS);
	if (r->open && open_brackets(r->open->want) <= 0)
		r->open = NULL;
}

/* "201 check" */
static void read_answer(struct reader *r, char *s)
{
	char *end = s + strcspn(s, " \t");
	char *rest = *end ? trim(end + 1) : end;
	r->answered = true;
	r->step->status = *s == '*' ? -1 : (int)strtol(s, NULL, 10);
	if (r->step->status != -1 && (r->step->status < 100 || r->step->status > 599))
		fault(r, "a status is expected behind ->");
	read_check(r, rest);
}

/* The part of a line behind "->", which is cut off; NULL when there is none. */
static char *cut_arrow(char *line)
{
	char *at = strstr(line, " -> ");
	if (!strncmp(line, "-> ", 3)) {
		*line = 0;
		return trim(line + 3);
	}
	if (!at)
		return NULL;
	*at = 0;
	return trim(at + 4);
}

static void read_field(struct reader *r, char *s)
{
	struct field *f = ARENA_NEW(r->a, struct field);
	char *eq = strchr(s, '=');
	if (!eq) {
		fault(r, "form NAME=VALUE is expected");
		return;
	}
	*eq = 0;
	char *type = strchr(eq + 1, ' ');
	if (type)
		*type++ = 0;
	f->name = arena_strdup(r->a, s);
	f->value = arena_strdup(r->a, eq + 1);
	f->type = type ? arena_strdup(r->a, trim(type)) : NULL;
	*r->fields = f;
	r->fields = &f->next;
}

static void read_request_line(struct reader *r, char *s)
{
	char *answer = cut_arrow(s);
	s = trim(s);
	if (*s == '>') {
		struct header *h = ARENA_NEW(r->a, struct header);
		h->line = arena_strdup(r->a, trim(s + 1));
		*r->headers = h;
		r->headers = &h->next;
	} else if (!strncmp(s, "form ", 5)) {
		read_field(r, trim(s + 5));
	} else if (*s) {
		if (r->step->body.n)
			buf_putc(&r->step->body, '\n');
		buf_puts(&r->step->body, s);
	}
	if (answer)
		read_answer(r, answer);
}

static void step_begin(struct reader *r, char *line)
{
	struct step *s = ARENA_NEW(r->a, struct step);
	char *answer = cut_arrow(line), *save = NULL;
	if (r->step && !r->answered)
		fault(r, "the request before this one has no ->");
	buf_init(&s->body, 0);
	s->line = r->line;
	char *word = strtok_r(line, " \t", &save);
	s->until = !strcmp(word, "until");
	s->method = arena_strdup(r->a, s->until && *save ? strtok_r(NULL, " \t", &save) : word);
	r->step = *r->tail = s;
	r->tail = &s->next;
	r->checks = &s->checks;
	r->headers = &s->headers;
	r->fields = &s->fields;
	r->answered = false;
	r->open = NULL;
	if (!strcmp(s->method, "live") || !strcmp(s->method, "operation")) {
		s->target = arena_strdup(r->a, trim(save));
		r->answered = true;
		return;
	}
	char *target = strtok_r(NULL, " \t", &save), *file = strtok_r(NULL, " \t", &save);
	s->target = arena_strdup(r->a, target ? target : "/");
	if (file && *file == '@')
		s->file = arena_strdup(r->a, file + 1);
	else if (file)
		fault(r, "@file or -> is expected behind the target");
	if (answer)
		read_answer(r, answer);
}

/* each base = /submodel | /aas/submodels/... */
static void read_each(struct reader *r, char *s)
{
	char *eq = strstr(s, " = "), *save = NULL;
	size_t n = 0;
	if (!eq) {
		fault(r, "each NAME = VALUE | VALUE is expected");
		return;
	}
	*eq = 0;
	r->script->each = arena_strdup(r->a, trim(s));
	for (char *v = strtok_r(eq + 3, "|", &save); v && n < 7; v = strtok_r(NULL, "|", &save))
		r->script->values[n++] = arena_strdup(r->a, trim(v));
}

static void read_line(struct reader *r, char *line)
{
	bool indented = *line == ' ' || *line == '\t';
	char *s = trim(line);
	if (!*s || (*s == '#' && !indented))
		return;
	if (!indented && !strncmp(s, "needs ", 6)) {
		r->script->needs_in_process |= !strcmp(s + 6, "in-process");
		r->script->needs_shared |= !strcmp(s + 6, "shared");
	} else if (!indented && !strncmp(s, "each ", 5)) {
		read_each(r, s + 5);
	} else if (!indented) {
		step_begin(r, s);
	} else if (!r->step) {
		fault(r, "a request is expected first");
	} else if (r->open) {
		r->open->want = arena_printf(r->a, "%s\n%s", r->open->want, s);
		if (open_brackets(r->open->want) <= 0)
			r->open = NULL;
	} else if (r->answered) {
		read_check(r, s);
	} else {
		read_request_line(r, s);
	}
}

struct script *script_read(struct arena *a, const char *path)
{
	struct reader r = { .a = a, .path = path, .script = ARENA_NEW(a, struct script) };
	struct slice text = { "", 0 };
	const char *slash = strrchr(path, '/');
	char *save = NULL;
	r.script->name = arena_strndup(a, slash ? slash + 1 : path, strcspn(slash ? slash + 1 : path, "."));
	r.tail = &r.script->steps;
	if (file_read(a, path, SCRIPT_MAX, &text, NULL))
		fault(&r, "cannot be read");
	/* strtok would swallow empty lines and with them the line numbers */
	for (char *line = (char *)text.p; *line; line = save) {
		r.line++;
		save = line + strcspn(line, "\n");
		if (*save)
			*save++ = 0;
		read_line(&r, line);
	}
	if (r.step && !r.answered)
		fault(&r, "the last request has no ->");
	return r.bad ? NULL : r.script;
}
