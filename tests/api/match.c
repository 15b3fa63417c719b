/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define ANY "\x01*"	/* what a * becomes: nothing a server would answer */

static size_t skip_string(const char *p)
{
	size_t n = 1;
	while (p[n] && p[n] != '"')
		n += p[n] == '\\' && p[n + 1] ? 2 : 1;
	return p[n] ? n + 1 : n;
}

/* The pattern as JSON: * becomes a marked member, element or value. */
static void expand(const char *p, struct buf *out)
{
	char open[64] = "", before = 0;
	size_t depth = 0;
	while (*p) {
		if (*p == '"') {
			size_t n = skip_string(p);
			buf_put(out, p, n);
			p += n;
			before = '"';
			continue;
		}
		if ((*p == '{' || *p == '[') && depth < sizeof open)
			open[depth++] = *p;
		else if ((*p == '}' || *p == ']') && depth)
			depth--;
		if (*p != '*')
			buf_putc(out, *p);
		else
			buf_puts(out, before != ':' && depth && open[depth - 1] == '{' ? "\"\\u0001*\":0" : "\"\\u0001*\"");
		if (!strchr(" \t\r\n", *p))
			before = *p;
		p++;
	}
}

static bool is_any(const json_t *j)
{
	return json_is_string(j) && !strcmp(json_string_value(j), ANY);
}

struct at {
	char path[300];
	char *why;
	size_t size;
};

static bool differs(struct at *at, const char *what, const json_t *got, const json_t *want)
{
	char *g = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	char *w = want ? json_dumps(want, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	snprintf(at->why, at->size, "%s: %s: got %.300s, want %.300s", *at->path ? at->path : "(body)", what,
		 g ? g : "nothing", w ? w : "nothing");
	free(g);
	free(w);
	return false;
}

static bool same(const json_t *got, const json_t *want, struct at *at);

static bool same_object(const json_t *got, const json_t *want, struct at *at)
{
	const char *name;
	json_t *value;
	size_t mark = strlen(at->path);
	bool more = json_object_get(want, ANY) != NULL;
	if (!more && json_object_size(got) > json_object_size(want))
		json_object_foreach((json_t *)got, name, value)
			if (!json_object_get(want, name)) {
				snprintf(at->path + mark, sizeof at->path - mark, ".%.60s", name);
				return differs(at, "unexpected", value, NULL);
			}
	json_object_foreach((json_t *)want, name, value) {
		if (!strcmp(name, ANY))
			continue;
		snprintf(at->path + mark, sizeof at->path - mark, ".%.60s", name);
		const json_t *g = json_object_get(got, name);
		if (!g)
			return differs(at, "missing", NULL, value);
		if (!same(g, value, at))
			return false;
		at->path[mark] = 0;
	}
	return true;
}

static bool same_array(const json_t *got, const json_t *want, struct at *at)
{
	size_t n = json_array_size(want), mark = strlen(at->path);
	bool more = n && is_any(json_array_get(want, n - 1));
	if (more ? json_array_size(got) < n - 1 : json_array_size(got) != n)
		return differs(at, "length", got, want);
	for (size_t i = 0; i < n - more; i++) {
		snprintf(at->path + mark, sizeof at->path - mark, "[%zu]", i);
		if (!same(json_array_get(got, i), json_array_get(want, i), at))
			return false;
		at->path[mark] = 0;
	}
	return true;
}

static bool same(const json_t *got, const json_t *want, struct at *at)
{
	if (is_any(want))
		return true;
	if (json_typeof(got) != json_typeof(want))
		return differs(at, "kind", got, want);
	if (json_is_object(want))
		return same_object(got, want, at);
	if (json_is_array(want))
		return same_array(got, want, at);
	return json_equal(got, want) || differs(at, "value", got, want);
}

const json_t *match_part(const json_t *j, const char *path)
{
	while (j && *path) {
		size_t n = strcspn(path, ".[");
		char name[200];
		if (n) {
			snprintf(name, sizeof name, "%.*s", (int)n, path);
			j = json_object_get(j, name);
			path += n;
		} else if (*path == '[') {
			char *end;
			j = json_array_get(j, strtoul(path + 1, &end, 10));
			path = *end ? end + 1 : end;
		}
		path += *path == '.';
	}
	return j;
}

bool match_json(const json_t *got, const char *pattern, char *why, size_t size)
{
	struct at at = { "", why, size };
	struct buf text = BUF_INIT;
	json_error_t e;
	expand(pattern, &text);
	json_t *want = json_loads(text.p ? text.p : "", JSON_DECODE_ANY, &e);
	bool ok = false;
	if (!want)
		snprintf(why, size, "the pattern is not JSON: %s", e.text);
	else if (!got)
		differs(&at, "missing", got, want);
	else
		ok = same(got, want, &at);
	json_decref(want);
	buf_fini(&text);
	return ok;
}
