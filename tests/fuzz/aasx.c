/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as a package: read or refused with a message, within its memory; what is read
 * is the same after it was written as a package and read again.  A text of "#NAME" lines, each followed by what its part holds, is made
 * into an archive first, so that mutations get past the checksums. */
#include <stdio.h>
#include <stdlib.h>

#include "aas/aasx.h"
#include "aas/rules.h"
#include "aas/tree.h"
#include "base/buf.h"
#include "base/findings.h"

/* Who wants all findings is not refused more, nor less; and the rules can be asked about what could be read. */
static void read_all(struct arena *a, struct slice bytes, enum err plain)
{
	struct diag d = DIAG_INIT;
	struct findings *all = findings_of(a, &d);
	struct aasx x;
	if (!all)
		return;
	enum err e = aasx_read(a, bytes.p, bytes.n, &x, &d);
	if (!e != !plain && e != ERR_NO_MEMORY)
		abort();
	if (d.top || (e == ERR_BAD_REQUEST && !all->faults))
		abort();
	if (x.environment)
		aas_rules_check(x.environment, AAS_RULES_LENIENT, &d);
	diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum err put(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)d;
	buf_put(ctx, p, n);
	return ERR_OK;
}

static bool fetch(void *ctx, size_t at, void *to, size_t n)
{
	const struct slice *s = ctx;
	if (at > s->n || n > s->n - at)
		abort();
	memcpy(to, s->p + at, n);
	return true;
}

static void pack(struct buf *out, struct slice text)
{
	struct sink sink = { put, out };
	struct zip_out *z;
	if (zip_out_new(sink, &z))
		abort();
	while (text.n) {
		const char *line = memchr(text.p, '\n', text.n), *end;
		size_t n = line ? (size_t)(line - text.p) : text.n, len;
		char name[200];
		snprintf(name, sizeof name, "%.*s", (int)(n > 180 ? 180 : n - 1), text.p + 1);
		text = (struct slice){ text.p + n + (line != NULL), text.n - n - (line != NULL) };
		end = text.n ? memmem(text.p, text.n, "\n#", 2) : NULL;
		len = end ? (size_t)(end - text.p) : text.n;
		if (zip_out_bytes(z, name, (struct slice){ text.p ? text.p : "", len }, NULL))
			abort();
		text = (struct slice){ text.p + len + (end != NULL), text.n - len - (end != NULL) };
	}
	if (zip_out_end(z, NULL))
		abort();
	zip_out_free(z);
}

static void write_and_read(struct arena *a, enum aasx_form form, const struct aasx *x)
{
	struct aasx_part *part = ARENA_ARRAY(a, struct aasx_part, 33);
	struct buf out = BUF_INIT;
	struct sink sink = { put, &out };
	struct aasx_content c = { .form = form, .environment = x->environment, .part = part };
	struct diag d = DIAG_INIT;
	struct aasx y;
	for (const struct aasx_file *f = x->files; f && c.n < 32; f = f->next) {
		if (x->thumbnail && str_eq(f->path, x->thumbnail))
			c.thumbnail = &part[c.n];
		part[c.n++] = (struct aasx_part){ .value = f->path, .content_type = f->content_type, .bytes = f->bytes };
	}
	if (aasx_write(a, sink, &c, &d) || aasx_read(a, out.p, out.n, &y, &d) || !aas_equal(x->environment, y.environment))
		abort();
	if ((c.thumbnail != NULL) != (y.thumbnail != NULL))
		abort();
	for (size_t i = 0; i < c.n; i++) {
		const struct aasx_file *f = y.files;
		while (f && !slice_eq(f->bytes, part[i].bytes))
			f = f->next;
		if (!f)
			abort();
	}
	buf_fini(&out);
	diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(1 << 26);
	struct diag d = DIAG_INIT;
	struct buf made = BUF_INIT;
	struct slice bytes = { (const char *)p, n };
	if (n && *p == '#') {
		pack(&made, bytes);
		bytes = buf_view(&made);
	}
	struct zip_bytes from = { .n = bytes.n, .read = fetch, .ctx = &bytes };
	struct aasx_reader *r;
	struct aasx x;
	if (!aasx_open(a, &from, &r, &x, NULL))
		aasx_close(r);
	arena_reset(a);
	enum err e = aasx_read(a, bytes.p, bytes.n, &x, &d);
	if (e ? !d.n || d.top : aas_check(x.environment, NULL) != ERR_OK)
		abort();
	read_all(a, bytes, e);
	for (const struct aasx_file *f = e ? NULL : x.files; f; f = f->next)
		if (!f->path || !f->content_type || !f->bytes.p)
			abort();
	for (int form = 0; !e && form < AASX_N_FORMS; form++)
		write_and_read(a, (enum aasx_form)form, &x);
	diag_fini(&d);
	buf_fini(&made);
	arena_free(a);
	return 0;
}
