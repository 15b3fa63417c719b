/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

#define VALUE_MAX 200		/* of a value in a log line */

enum type { TEXT, CHOICE, SECRET, BOOL, SIZE };
enum when { START, LIVE };

static const struct option {
	const char *name, *def, *arg, *text;
	enum type type;
	enum when when;
	size_t at;
} options[] = {
#define O(name, type, when, def, arg, text) { #name, def, arg, text, type, when, offsetof(struct config, name) },
#include "server/config.def"
#undef O
};
#define N_OPTIONS (sizeof options / sizeof *options)

/* '-' and '_' are the same in names. */
static bool same_name(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((a[i] == '-' ? '_' : a[i]) != (b[i] == '-' ? '_' : b[i]) || !a[i])
			return false;
	return a[n] == 0;
}

static const struct option *find(const char *name, size_t n)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (same_name(options[i].name, name, n))
			return &options[i];
	return NULL;
}

static void put_name(char out[64], const char *name)
{
	size_t n = 0;
	for (; name[n] && n < 63; n++)
		out[n] = name[n] == '_' ? '-' : name[n];
	out[n] = 0;
}

static bool is_one_of(const char *text, const char *const *set)
{
	for (; *set; set++)
		if (!strcmp(text, *set))
			return true;
	return false;
}

/* Its position among the words of "one|two|three", -1 when it is none of them. */
static int word_index(const char *words, const char *text)
{
	size_t n = strlen(text);
	for (int i = 0; *words; i++) {
		size_t k = strcspn(words, "|");
		if (k == n && !memcmp(words, text, n))
			return i;
		words += k + (words[k] == '|');
	}
	return -1;
}

int config_choice(const char *name, const char *value)
{
	const struct option *o = find(name, strlen(name));
	return o ? word_index(o->arg, value) : -1;
}

static enum err assign(struct arena *a, struct config *c, const struct option *o, const char *value, const char *place, struct diag *d)
{
	static const char *const yes[] = { "true", "yes", "on", "1", "", NULL }, *const no[] = { "false", "no", "off", "0", NULL };
	char *field = (char *)c + o->at, name[64];
	put_name(name, o->name);
	switch (o->type) {
	case CHOICE:
		if (word_index(o->arg, value) < 0)
			return diag_add(d, ERR_BAD_REQUEST, "%s: %s is one of %s, not \"%s\"", place, name, o->arg, value);
		/* fall through */
	case TEXT:
	case SECRET:
		if (!(*(const char **)field = arena_strdup(a, value)))
			return diag_add(d, ERR_NO_MEMORY, "out of memory");
		return ERR_OK;
	case BOOL:
		*(bool *)field = is_one_of(value, yes);
		if (!*(bool *)field && !is_one_of(value, no))
			return diag_add(d, ERR_BAD_REQUEST, "%s: %s is true or false, not \"%s\"", place, name, value);
		return ERR_OK;
	default:
		if (!str_size(value, strlen(value), (size_t *)field))
			return diag_add(d, ERR_BAD_REQUEST, "%s: %s is a number, not \"%s\"", place, name, value);
		return ERR_OK;
	}
}

static char *trim(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	char *end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = 0;
	return s;
}

/* `name = value`; an empty line or one that begins with # says nothing. */
static enum err read_line(struct arena *a, struct config *c, char *line, const char *place, struct diag *d)
{
	char *s = trim(line), *eq = strchr(s, '=');
	if (!*s || *s == '#')
		return ERR_OK;
	if (!eq)
		return diag_add(d, ERR_BAD_REQUEST, "%s: expected `name = value`", place);
	*eq = 0;
	char *name = trim(s);
	const struct option *o = find(name, strlen(name));
	return o ? assign(a, c, o, trim(eq + 1), place, d) : diag_add(d, ERR_BAD_REQUEST, "%s: there is no option \"%s\"", place, name);
}

static enum err read_file(struct arena *a, const char *file, struct config *c, enum config_place *where, struct diag *d)
{
	char line[4096], place[512];
	enum err e = ERR_OK;
	FILE *in = fopen(file, "re");
	int at = 1;
	*where = CONFIG_FILE_OR_ENVIRONMENT;
	for (; in && !e && fgets(line, sizeof line, in); at++) {
		snprintf(place, sizeof place, "%s:%d", file, at);
		e = !strchr(line, '\n') && !feof(in) ? diag_add(d, ERR_BAD_REQUEST, "%s: the line is too long", place)
						     : read_line(a, c, line, place, d);
	}
	/* a directory opens but does not read */
	if (!in || (!e && ferror(in))) {
		*where = CONFIG_FILE_MISSING;
		e = diag_add(d, ERR_BAD_REQUEST, "%s: %s", file, strerror(errno));
	}
	if (in)
		fclose(in);
	return e;
}

static enum err read_environment(struct arena *a, struct config *c, struct diag *d)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		char name[64] = "TWINSHELL_";
		size_t n = strlen(name);
		for (const char *p = options[i].name; *p && n < sizeof name - 1; p++)
			name[n++] = (char)toupper((unsigned char)*p);
		name[n] = 0;
		const char *value = getenv(name);
		enum err e = value ? assign(a, c, &options[i], value, name, d) : ERR_OK;
		if (e)
			return e;
	}
	return ERR_OK;
}

/* `--name=value`, `--name value`, or `--name` for a BOOL.  Without `c` only --config is looked at. */
static enum err read_flags(struct arena *a, int argc, char **argv, struct config *c, const char **file, struct diag *d)
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i], *eq = strchr(word, '=');
		if (word[0] != '-')
			return diag_add(d, ERR_BAD_REQUEST, "there is no use for the word \"%s\"", word);
		size_t n = eq ? (size_t)(eq - word) : strlen(word);
		const struct option *o = n > 2 && word[1] == '-' ? find(word + 2, n - 2) : NULL;
		bool is_config = n > 2 && same_name("config", word + 2, n - 2);
		if (!o && !is_config)
			return diag_add(d, ERR_BAD_REQUEST, "there is no option \"%.*s\"", (int)n, word);
		const char *value = eq ? eq + 1 : o && o->type == BOOL ? "true" : i + 1 < argc ? argv[++i] : NULL;
		if (!value)
			return diag_add(d, ERR_BAD_REQUEST, "%s wants a value", word);
		char flag[80];
		snprintf(flag, sizeof flag, "%.*s", (int)(n < 79 ? n : 79), word);
		enum err e = ERR_OK;
		if (is_config)
			*file = value;
		else if (c)
			e = assign(a, c, o, value, flag, d);
		if (e)
			return e;
	}
	return ERR_OK;
}

enum err config_read(struct arena *a, int argc, char **argv, struct config *c, enum config_place *where, struct diag *d)
{
	const char *file = getenv("TWINSHELL_CONFIG");
	enum err e = ERR_OK;
	*where = CONFIG_FLAGS;
	memset(c, 0, sizeof *c);
	for (size_t i = 0; !e && i < N_OPTIONS; i++)
		e = assign(a, c, &options[i], options[i].def, "default", d);
	if (!e)
		e = read_flags(a, argc, argv, NULL, &file, d);
	if (!e && file && *file)
		e = read_file(a, file, c, where, d);
	if (e)
		return e;
	*where = CONFIG_FILE_OR_ENVIRONMENT;
	if ((e = read_environment(a, c, d)))
		return e;
	*where = CONFIG_FLAGS;
	return read_flags(a, argc, argv, c, &file, d);
}

void config_help(FILE *out)
{
	char name[64], flag[128];
	fprintf(out, "  --%-34s%s\n", "config FILE", "read options from a file: one `name = value` a line");
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		put_name(name, o->name);
		snprintf(flag, sizeof flag, "%s %s", name, o->arg);
		fprintf(out, strlen(flag) < 34 ? "  --%-34s%s" : "  --%s\n                                      %s", flag, o->text);
		fprintf(out, *o->def && o->type != BOOL ? " (%s)\n" : "\n", o->def);
	}
}

/* ---- a change at run time ---- */

static bool is_text(const struct option *o)
{
	return o->type == TEXT || o->type == CHOICE || o->type == SECRET;
}

static bool same_value(const struct option *o, const struct config *a, const struct config *b)
{
	const char *x = (const char *)a + o->at, *y = (const char *)b + o->at;
	if (is_text(o))
		return !strcmp(*(const char *const *)x, *(const char *const *)y);
	return o->type == BOOL ? *(const bool *)x == *(const bool *)y : *(const size_t *)x == *(const size_t *)y;
}

static void value_text(const struct option *o, const struct config *c, char out[VALUE_MAX])
{
	const char *field = (const char *)c + o->at;
	if (o->type == SECRET)
		snprintf(out, VALUE_MAX, "%s", "(not shown)");
	else if (o->type == SIZE)
		snprintf(out, VALUE_MAX, "%zu", *(const size_t *)field);
	else
		snprintf(out, VALUE_MAX, "\"%s\"", o->type == BOOL ? *(const bool *)field ? "true" : "false" : *(const char *const *)field);
}

static bool take(struct arena *a, const struct option *o, struct config *now, const struct config *next)
{
	char *to = (char *)now + o->at;
	const char *from = (const char *)next + o->at;
	if (is_text(o)) {
		const char *copy = arena_strdup(a, *(const char *const *)from);
		if (copy)
			*(const char **)to = copy;
		return copy;
	}
	memcpy(to, from, o->type == BOOL ? sizeof(bool) : sizeof(size_t));
	return true;
}

unsigned config_update(struct arena *a, struct config *now, const struct config *next)
{
	char name[64], was[VALUE_MAX], is[VALUE_MAX];
	unsigned n = 0;
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		if (same_value(o, now, next))
			continue;
		put_name(name, o->name);
		value_text(o, now, was);
		value_text(o, next, is);
		if (o->when == START)
			log_warn("config", "%s changes from %s to %s only with a restart", name, was, is);
		else if (!take(a, o, now, next))
			log_error("config", "%s: out of memory", name);
		else if (++n)
			log_info("config", "%s changed from %s to %s", name, was, is);
	}
	return n;
}
