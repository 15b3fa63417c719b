/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void diag_fini(struct diag *d)
{
	free(d->list);
	*d = (struct diag)DIAG_INIT;
}

void diag_clear(struct diag *d)
{
	d->n = d->lost = 0;
}

/* Frames point upwards, so the path is written from its end; a path that does not fit loses its beginning. */
static void render_path(const struct diag_frame *f, char *out, size_t size)
{
	size_t at = size - 1;
	char step[160];
	out[at] = 0;
	for (; f; f = f->up) {
		int n = f->name ? snprintf(step, sizeof step, "%s%s", f->up ? "." : "", f->name)
				: snprintf(step, sizeof step, "[%zu]", f->index);
		size_t len = n < 0 ? 0 : (size_t)n < sizeof step ? (size_t)n : sizeof step - 1;
		if (len > at)
			break;
		at -= len;
		memcpy(out + at, step, len);
	}
	memmove(out, out + at, size - at);
}

/* Room for one more, or NULL. */
static struct diag_message *place(struct diag *d)
{
	if (d->n == DIAG_MAX)
		return NULL;
	if ((d->n & (d->n - 1)) == 0) {		/* full at 0, 1, 2, 4, ... */
		struct diag_message *more = realloc(d->list, (d->n ? d->n * 2 : 1) * sizeof *more);
		if (!more)
			return NULL;
		d->list = more;
	}
	return &d->list[d->n];
}

enum err diag_addv(struct diag *d, enum err e, const char *rule, const char *fmt, va_list ap)
{
	struct diag_message extra, *m = d ? place(d) : NULL;
	if (!d)
		return e;
	if (m)
		d->n++;
	else
		d->lost++;
	if (!m && !d->sink)
		return e;
	if (!m)
		m = &extra;
	m->err = e;
	m->rule = rule;
	m->line = d->line;
	render_path(d->top, m->path, sizeof m->path);
	vsnprintf(m->text, sizeof m->text, fmt, ap);
	utf8_repair(m->path);	/* what a client wrote is quoted and may have been cut within a character */
	utf8_repair(m->text);
	if (d->sink)
		d->sink(d->ctx, m);
	return e;
}

enum err diag_add(struct diag *d, enum err e, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	diag_addv(d, e, NULL, fmt, ap);
	va_end(ap);
	return e;
}

enum err diag_rule(struct diag *d, enum err e, const char *rule, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	diag_addv(d, e, rule, fmt, ap);
	va_end(ap);
	return e;
}

const char *diag_first(const struct diag *d, char *out, size_t size)
{
	out[0] = 0;
	if (d->n)
		snprintf(out, size, "%s%s%s", d->list[0].path, d->list[0].path[0] ? ": " : "", d->list[0].text);
	return out;
}
