/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_json.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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

/* Our server writes each event as two lines and an empty one. */
bool client_read_event(struct slice *rest, struct slice *name, struct slice *data)
{
	static const char begin[] = "event: ", second[] = "\ndata: ";
	const char *end = rest->n ? memmem(rest->p, rest->n, "\n\n", 2) : NULL;
	if (!end)
		return false;
	struct slice event = { rest->p, (size_t)(end - rest->p) };
	const char *at = memmem(event.p, event.n, second, sizeof second - 1);
	*name = *data = (struct slice){ event.p, 0 };
	if (at && event.n >= sizeof begin && !memcmp(event.p, begin, sizeof begin - 1)) {
		name->p = event.p + sizeof begin - 1;
		name->n = at > name->p ? (size_t)(at - name->p) : 0;
		data->p = at + sizeof second - 1;
		data->n = (size_t)(end - data->p);
	}
	rest->n -= event.n + 2;
	rest->p = end + 2;
	return true;
}

static size_t count_of(const json_t *o, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(o, name));
	return v > 0 ? (size_t)v : 0;
}

bool client_read_progress(struct slice data, struct client_progress *p)
{
	json_t *o = json_loadb(data.p, data.n, 0, NULL);
	bool ok = json_is_object(o);
	snprintf(p->phase, sizeof p->phase, "%s", text_of(o, "phase"));
	for (char *c = p->phase; *c; c++)
		if (!isalpha((unsigned char)*c))
			*c = '?';
	p->read = count_of(o, "read");
	p->created = count_of(o, "created");
	p->replaced = count_of(o, "replaced");
	p->skipped = count_of(o, "skipped");
	p->bytes = count_of(o, "bytes");
	p->total_bytes = count_of(o, "totalBytes");
	json_decref(o);
	return ok;
}

bool client_read_outcome(struct slice data, long *status, struct buf *body)
{
	json_t *o = json_loadb(data.p, data.n, 0, NULL), *report = json_object_get(o, "report");
	char *text = json_is_object(report) ? json_dumps(report, JSON_COMPACT) : NULL;
	*status = (long)json_integer_value(json_object_get(o, "status"));
	buf_reset(body);
	if (text)
		buf_puts(body, text);
	bool ok = text && *status >= 200 && *status <= 599 && !body->failed;
	free(text);
	json_decref(o);
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

bool client_read_page(struct arena *a, struct slice json, const char ***id, size_t *n, const char **cursor)
{
	json_t *page = json_loadb(json.p ? json.p : "", json.n, 0, NULL), *list = json_object_get(page, "result"), *item;
	const char *next = json_string_value(json_object_get(json_object_get(page, "paging_metadata"), "cursor"));
	size_t i;
	*n = json_array_size(list);
	*id = ARENA_ARRAY(a, const char *, *n + 1);
	bool ok = json_is_array(list) && *id;
	json_array_foreach(list, i, item) {
		const char *text = json_string_value(json_object_get(item, "id"));
		ok = ok && text && ((*id)[i] = arena_strdup(a, text));
	}
	*cursor = next && ok ? arena_strdup(a, next) : NULL;
	json_decref(page);
	return ok && !arena_failed(a);
}
