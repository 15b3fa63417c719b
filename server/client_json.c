/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_json.h"

#include <ctype.h>
#include <jansson.h>

#include "base/buf.h"

#define LINE_MAX_BYTES 300

static void put_line(FILE *out, const char *name, const char *text, size_t n)
{
	fprintf(out, "%s: ", name);
	for (size_t i = 0; i < n && i < LINE_MAX_BYTES; i++)
		fputc(iscntrl((unsigned char)text[i]) ? ' ' : text[i], out);	/* foreign text may not steer the terminal */
	fputc('\n', out);
}

void client_put_messages(FILE *out, const char *name, struct slice body)
{
	json_t *result = json_loadb(body.p ? body.p : "", body.n, 0, NULL), *message;
	size_t i, n = 0;
	json_array_foreach(json_object_get(result, "messages"), i, message) {
		const char *text = json_string_value(json_object_get(message, "text"));
		if (!text)
			continue;
		put_line(out, name, text, strlen(text));
		n++;
	}
	if (!n && body.n)
		put_line(out, name, body.p, body.n);
	json_decref(result);
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));
	return text ? text : "";
}

void client_put_warnings(FILE *out, const char *name, struct slice body)
{
	json_t *report = json_loadb(body.p ? body.p : "", body.n, 0, NULL), *f;
	struct buf line = BUF_INIT;
	size_t i;
	json_array_foreach(json_object_get(report, "findings"), i, f) {
		const char *part = text_of(f, "part"), *path = text_of(f, "path");
		buf_reset(&line);
		buf_printf(&line, "warning: %s%s%s%s%s", part, *part ? ": " : "", path, *path ? ": " : "", text_of(f, "text"));
		put_line(out, name, line.p, line.n);
	}
	json_int_t more = json_integer_value(json_object_get(report, "moreFindings"));
	if (more)
		fprintf(out, "%s: and %lld more warnings\n", name, (long long)more);
	buf_fini(&line);
	json_decref(report);
}

bool client_read_report(struct slice body, struct client_report *r)
{
	json_t *json = json_loadb(body.p ? body.p : "", body.n, 0, NULL);
	const struct { const char *name; size_t *to; } member[] = {
		{ "created", &r->created }, { "replaced", &r->replaced }, { "skipped", &r->skipped }, { "files", &r->files },
	};
	bool ok = true;
	for (size_t i = 0; i < sizeof member / sizeof *member; i++) {
		json_int_t v = -1;
		const json_t *value = json_object_get(json, member[i].name);
		if (json_is_integer(value))
			v = json_integer_value(value);
		ok = ok && v >= 0;
		*member[i].to = v >= 0 ? (size_t)v : 0;
	}
	r->dry_run = json_is_true(json_object_get(json, "dryRun"));
	json_decref(json);
	return ok;
}

const char *client_read_member(struct arena *a, struct slice text, const char *name)
{
	json_t *j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	const char *value = json_string_value(json_object_get(j, name));
	value = value ? arena_strdup(a, value) : NULL;
	json_decref(j);
	return value;
}
