/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum type { TEXT, BOOL, SIZE };

static const struct option {
	const char *name, *def, *arg, *text;
	enum type type;
	size_t at;
} options[] = {
#define O(name, type, def, arg, text) { #name, def, arg, text, type, offsetof(struct config, name) },
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

static bool is_one_of(const char *text, const char *const *set)
{
	for (; *set; set++)
		if (!strcmp(text, *set))
			return true;
	return false;
}

static enum err assign(struct arena *a, struct config *c, const struct option *o, const char *value, const char *place, struct diag *d)
{
	static const char *const yes[] = { "true", "yes", "on", "1", "", NULL }, *const no[] = { "false", "no", "off", "0", NULL };
	char *field = (char *)c + o->at;
	switch (o->type) {
	case TEXT:
		if (!(*(const char **)field = arena_strdup(a, value)))
			return diag_add(d, ERR_NO_MEMORY, "out of memory");
		return ERR_OK;
	case BOOL:
		*(bool *)field = is_one_of(value, yes);
		if (!*(bool *)field && !is_one_of(value, no))
			return diag_add(d, ERR_BAD_REQUEST, "%s: %s is true or false, not \"%s\"", place, o->name, value);
		return ERR_OK;
	default:
		if (!str_size(value, strlen(value), (size_t *)field))
			return diag_add(d, ERR_BAD_REQUEST, "%s: %s is a number, not \"%s\"", place, o->name, value);
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

static enum err read_file(struct arena *a, const char *file, struct config *c, struct diag *d)
{
	char line[4096], place[512];
	enum err e = ERR_OK;
	FILE *in = fopen(file, "re");
	if (!in)
		return diag_add(d, ERR_BAD_REQUEST, "%s: %s", file, strerror(errno));
	for (int at = 1; !e && fgets(line, sizeof line, in); at++) {
		char *s = trim(line), *eq = strchr(s, '=');
		snprintf(place, sizeof place, "%s:%d", file, at);
		if (!*s || *s == '#')
			continue;
		if (!eq) {
			e = diag_add(d, ERR_BAD_REQUEST, "%s: expected `name = value`", place);
			break;
		}
		*eq = 0;
		char *name = trim(s);
		const struct option *o = find(name, strlen(name));
		e = o ? assign(a, c, o, trim(eq + 1), place, d)
		      : diag_add(d, ERR_BAD_REQUEST, "%s: there is no option \"%s\"", place, name);
	}
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

/* `--name=value`, `--name value`, or `--name` for a BOOL.  With `file_only` only --config is looked at. */
static enum err read_flags(struct arena *a, int argc, char **argv, struct config *c, const char **file, char **rest, int *n_rest, struct diag *d)
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		if (strncmp(word, "--", 2) || !word[2]) {
			rest[(*n_rest)++] = argv[i];
			continue;
		}
		const char *eq = strchr(word, '=');
		size_t n = eq ? (size_t)(eq - word) - 2 : strlen(word + 2);
		const struct option *o = find(word + 2, n);
		bool is_config = same_name("config", word + 2, n);
		if (!o && !is_config)
			return diag_add(d, ERR_BAD_REQUEST, "there is no option \"%.*s\"", (int)n + 2, word);
		const char *value = eq ? eq + 1 : o && o->type == BOOL ? "true" : i + 1 < argc ? argv[++i] : NULL;
		if (!value)
			return diag_add(d, ERR_BAD_REQUEST, "%s wants a value", word);
		enum err e = ERR_OK;
		if (is_config)
			*file = value;
		else if (c)
			e = assign(a, c, o, value, word, d);
		if (e)
			return e;
	}
	return ERR_OK;
}

enum err config_read(struct arena *a, int argc, char **argv, struct config *c, char ***rest, int *n_rest, struct diag *d)
{
	const char *file = getenv("TWINSHELL_CONFIG");
	enum err e = ERR_OK;
	*rest = ARENA_ARRAY(a, char *, argc + 1);
	if (!*rest)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	memset(c, 0, sizeof *c);
	for (size_t i = 0; !e && i < N_OPTIONS; i++)
		e = assign(a, c, &options[i], options[i].def, "default", d);
	*n_rest = 0;
	if (!e)
		e = read_flags(a, argc, argv, NULL, &file, *rest, n_rest, d);
	if (!e && file)
		e = read_file(a, file, c, d);
	if (!e)
		e = read_environment(a, c, d);
	*n_rest = 0;
	return e ? e : read_flags(a, argc, argv, c, &file, *rest, n_rest, d);
}

static void put_name(char out[64], const char *name)
{
	size_t n = 0;
	for (; name[n] && n < 63; n++)
		out[n] = name[n] == '_' ? '-' : name[n];
	out[n] = 0;
}

void config_help(FILE *out)
{
	char name[64], flag[128];
	fprintf(out, "  --%-34s%s\n", "config FILE", "read options from a file: one `name = value` a line");
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		put_name(name, o->name);
		snprintf(flag, sizeof flag, "%s %s", name, o->arg);
		fprintf(out, "  --%-34s%s", flag, o->text);
		fprintf(out, *o->def && o->type != BOOL ? " (%s)\n" : "\n", o->def);
	}
}

void config_print(FILE *out, const struct config *c)
{
	char name[64];
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		const char *field = (const char *)c + o->at;
		put_name(name, o->name);
		if (o->type == TEXT && strstr(o->name, "password") && **(const char *const *)field)
			fprintf(out, "%s = ********\n", name);
		else if (o->type == TEXT)
			fprintf(out, "%s = %s\n", name, *(const char *const *)field);
		else if (o->type == BOOL)
			fprintf(out, "%s = %s\n", name, *(const bool *)field ? "true" : "false");
		else
			fprintf(out, "%s = %zu\n", name, *(const size_t *)field);
	}
}
