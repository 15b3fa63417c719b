/* SPDX-License-Identifier: Apache-2.0
 * An Environment is read through a window that moves over the text.  The brackets of the Environment are followed here; the end of
 * each identifiable is found by counting braces outside strings, and the bytes up to there are then read in their place. */
#include "aas/environment.h"

#include <stdlib.h>

#include "aas/json_read.h"
#include "aas/json_scan.h"
#include "aas/jsonlex.h"

#define STEP ((size_t)65536)	/* what is read at once; also what a tree may cost beside its share */
#define NAME_MAX_BYTES ((size_t)4096)
#define SNIPPET ((size_t)64)

struct window {
	struct source source;
	struct diag *d;
	char *p;
	size_t at, n, cap;	/* p[at..n) has been read and not used; AAS_SCAN_PAD zero bytes follow */
	size_t base;		/* bytes before p[0] */
	bool end;		/* the source is at its end */
	size_t max;
	struct arena *a;
	const struct aas_items *items;
};

static enum err no_memory(struct window *w)
{
	return diag_add(w->d, ERR_NO_MEMORY, "not enough memory to read the text");
}

static size_t place(const struct window *w)
{
	return w->base + w->at;
}

/* Room for one more step behind what is there. */
static enum err make_room(struct window *w)
{
	size_t want = w->n + STEP + AAS_SCAN_PAD;
	if (want <= w->cap)
		return ERR_OK;
	if (w->at && w->at >= w->n / 2) {
		memmove(w->p, w->p + w->at, w->n - w->at);
		w->base += w->at;
		w->n -= w->at;
		w->at = 0;
		if (w->n + STEP + AAS_SCAN_PAD <= w->cap)
			return ERR_OK;
	}
	size_t cap = w->cap ? w->cap * 2 : 4 * STEP;
	char *p = realloc(w->p, cap);
	if (!p)
		return no_memory(w);
	w->p = p;
	w->cap = cap;
	return ERR_OK;
}

/* At least k bytes from `at`, or all there are. */
static enum err need(struct window *w, size_t k)
{
	while (w->n - w->at < k && !w->end) {
		size_t got = 0;
		enum err e = make_room(w);
		if (e || (e = w->source.read(w->source.ctx, w->p + w->n, STEP, &got, w->d)))
			return e;
		w->end = !got;
		w->n += got;
		memset(w->p + w->n, 0, AAS_SCAN_PAD);
	}
	return ERR_OK;
}

/* To the next byte that is no white space: *c, 0 at the end. */
static enum err skip(struct window *w, char *c)
{
	enum err e;
	do {
		if ((e = need(w, 1)))
			return e;
		w->at = (size_t)(aas_scan_space(w->p + w->at) - w->p);
	} while (w->at == w->n && !w->end);
	*c = w->p[w->at];
	return ERR_OK;
}

/* The reader's own words about a value of another kind. */
static enum err wrong_kind(struct window *w, unsigned type, bool list)
{
	struct aas_node *n;
	enum err e = need(w, SNIPPET);
	size_t k = w->n - w->at < SNIPPET ? w->n - w->at : SNIPPET;
	if (e)
		return e;
	memset(w->p + w->at + k, 0, AAS_SCAN_PAD);	/* nothing is read after this */
	e = aas_json_read_piece(w->a, type, &(struct aas_json_piece){ w->p + w->at, k, place(w), 1, list }, &n, w->d);
	return e ? e : diag_add(w->d, ERR_BAD_REQUEST, "unexpected value at byte %zu", place(w));
}

/* ---- one identifiable --------------------------------------------------------------------------- */

/* The length of the object that begins at `at`: to its closing brace, or to the end of a text that has none. */
static enum err object_length(struct window *w, size_t *length)
{
	uint64_t inside = 0;
	bool escaped = false;
	size_t depth = 0;
	for (size_t off = 0;; off += 64) {
		enum err e = need(w, off + 64);
		if (e)
			return e;
		if (off > w->max)
			return diag_add(w->d, ERR_TOO_LARGE, "has more than %zu bytes", w->max);
		if (off >= w->n - w->at) {
			*length = w->n - w->at;
			return ERR_OK;
		}
		struct aas_scan_masks m = aas_scan_block(w->p + w->at + off);
		uint64_t quote = m.quote;
		if (m.back || escaped)
			quote &= ~aas_scan_escaped(m.back, &escaped);
		uint64_t in_string = aas_scan_parity(quote) ^ inside;
		inside = in_string >> 63 ? ~(uint64_t)0 : 0;
		for (uint64_t left = (m.open | m.close) & ~in_string; left; left &= left - 1) {
			if (m.open & left & -left) {
				depth++;
			} else if (!--depth) {
				*length = off + (size_t)__builtin_ctzll(left) + 1;
				return ERR_OK;
			}
		}
	}
}

static enum err read_item(struct window *w, unsigned type)
{
	char after[AAS_SCAN_PAD], c;
	struct aas_node *n;
	size_t length = 0;
	enum err e = skip(w, &c);
	if (e)
		return e;
	if (c != '{')
		return wrong_kind(w, type, false);
	if ((e = object_length(w, &length)))
		return e;
	char *text = w->p + w->at;
	memcpy(after, text + length, sizeof after);
	memset(text + length, 0, sizeof after);
	e = aas_json_read_piece(w->a, type, &(struct aas_json_piece){ text, length, place(w), 1, false }, &n, w->d);
	memcpy(text + length, after, sizeof after);
	if (!e)
		e = w->items->item(w->items->ctx, w->a, n, w->d);
	arena_reset(w->a);
	w->at += length;
	return e;
}

/* ---- the Environment -------------------------------------------------------------------------------- */

static enum err separator(struct window *w, char close, bool *more)
{
	char c;
	enum err e = skip(w, &c);
	if (e)
		return e;
	if (c != ',' && c != close)
		return diag_add(w->d, ERR_BAD_REQUEST, "expected a comma or %c at byte %zu", close, place(w));
	w->at++;
	*more = c == ',';
	return ERR_OK;
}

static enum err read_list(struct window *w, const struct aas_prop *p)
{
	struct diag_frame index;
	bool more = true;
	char c;
	enum err e = skip(w, &c);
	if (e || c != '[')
		return e ? e : wrong_kind(w, p->type, true);
	w->at++;
	if ((e = skip(w, &c)))
		return e;
	if (c == ']')
		return diag_add(w->d, ERR_BAD_REQUEST, "must not be empty, leave it out");
	diag_push_index(w->d, &index, 0);
	for (; more && !e; index.index++)
		if (!(e = read_item(w, p->type)))
			e = separator(w, ']', &more);
	if (!e)
		diag_pop(w->d);
	return e;
}

__attribute__((cold, noinline)) static enum err wrong_name(struct window *w, const struct jl *j)
{
	const char *p = w->p + w->at + 1, *end = w->p + w->n;
	if (arena_failed(w->a))
		return no_memory(w);
	while (p < end && *p != '"')
		p += *p == '\\' ? 2 : 1;
	return p >= end ? diag_add(w->d, ERR_BAD_REQUEST, "the string does not end") :
			  diag_add(w->d, ERR_BAD_REQUEST, "%s at byte %zu", j->bad, place(w));
}

/* The attribute that is named here; the window is left on its value. */
static enum err read_name(struct window *w, const struct aas_class *c, const struct aas_prop **p)
{
	struct slice name;
	struct jl j;
	char next;
	enum err e = skip(w, &next);
	if (e || (e = need(w, NAME_MAX_BYTES)))
		return e;
	if (next != '"')
		return diag_add(w->d, ERR_BAD_REQUEST, "expected the name of an attribute at byte %zu", place(w));
	jl_init(&j, w->a, w->p + w->at, w->n - w->at);
	if (!jl_string(&j, &name))
		return wrong_name(w, &j);
	int i = aas_prop_find(c, name.p, name.n);
	if (i < 0)
		return diag_add(w->d, ERR_BAD_REQUEST, "%s has no attribute \"%.*s\"", c->name, (int)(name.n > 80 ? 80 : name.n), name.p);
	*p = &c->props[i];
	w->at = (size_t)(j.p - w->p);
	if ((e = skip(w, &next)))
		return e;
	if (next != ':')
		return diag_add(w->d, ERR_BAD_REQUEST, "expected a colon after \"%s\"", (*p)->name);
	w->at++;
	arena_reset(w->a);
	return ERR_OK;
}

static enum err read_environment(struct window *w)
{
	const struct aas_class *c = &aas_classes[AAS_Environment];
	const struct aas_prop *p = NULL;
	struct diag_frame name;
	unsigned seen = 0;
	char next;
	enum err e = need(w, 3);
	if (!e && w->n >= 3 && !memcmp(w->p, "\xEF\xBB\xBF", 3))
		return diag_add(w->d, ERR_BAD_REQUEST, "the text begins with a byte order mark");
	if (e || (e = skip(w, &next)))
		return e;
	if (next != '{')
		return wrong_kind(w, AAS_Environment, false);
	w->at++;
	if ((e = skip(w, &next)))
		return e;
	bool more = next != '}';
	w->at += !more;
	while (more) {
		if ((e = read_name(w, c, &p)))
			return e;
		if (seen >> (p - c->props) & 1)
			return diag_add(w->d, ERR_BAD_REQUEST, "\"%s\" occurs twice", p->name);
		seen |= 1u << (p - c->props);
		diag_push(w->d, &name, p->name);
		if ((e = read_list(w, p)))
			return e;
		diag_pop(w->d);
		if ((e = separator(w, '}', &more)))
			return e;
	}
	if ((e = skip(w, &next)))
		return e;
	return w->at == w->n ? ERR_OK : diag_add(w->d, ERR_BAD_REQUEST, "more text follows the value at byte %zu", place(w));
}

enum err aas_json_read_items(struct source source, const struct aas_items *items, struct diag *d)
{
	struct diag own = DIAG_INIT;
	struct window w = {
		.source = source, .d = d ? d : &own, .items = items, .max = items->item_max ? items->item_max : AAS_ITEM_MAX_DEFAULT,
	};
	struct diag_frame *top = w.d->top;
	enum err e = (w.a = arena_new(w.max + STEP)) ? read_environment(&w) : no_memory(&w);
	w.d->top = top;		/* a fault leaves the frames of the calls it came through */
	arena_free(w.a);
	free(w.p);
	diag_fini(&own);
	return e;
}
