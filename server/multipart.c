/* SPDX-License-Identifier: Apache-2.0 */
#include "server/multipart.h"

#include <strings.h>

#define BOUNDARY_MAX 70		/* RFC 2046, 5.1.1 */
#define PADDING_MAX 256		/* blanks behind a delimiter */
#define WINDOW (2 * (size_t)MULTIPART_HEADER_MAX)	/* holds a header, or a delimiter with its padding */

/* Where the parser stands: everything before the first delimiter counts as the bytes of a part that nobody wants. */
enum state { PREAMBLE, AFTER_DELIMITER, HEADER, BYTES, EPILOGUE };

struct multipart {
	struct arena *arena;
	struct multipart_events events;
	enum state state;
	enum err failed;
	unsigned n_parts;
	size_t drop;			/* of the window: belong to the header, but may begin a delimiter */
	size_t line_n, n;
	char line[4 + BOUNDARY_MAX];	/* "\r\n--boundary" */
	char window[WINDOW];		/* what is not decided yet */
};

/* The value of parameter `name` in a header value like `form-data; name="file"; filename="a.aasx"`; NULL when it is not there. */
static const char *parameter(struct arena *a, struct slice header, const char *name)
{
	const char *p = header.p, *end = header.p + header.n;
	size_t len = strlen(name);
	while ((p = memchr(p, ';', (size_t)(end - p)))) {
		for (p++; p < end && (*p == ' ' || *p == '\t'); p++)
			;
		const char *key = p;
		while (p < end && *p != '=' && *p != ';')
			p++;
		if (p == end)
			return NULL;
		if (*p == ';')
			continue;
		bool hit = (size_t)(p - key) == len && !strncasecmp(key, name, len);
		p++;
		char *out = hit ? arena_raw(a, (size_t)(end - p) + 1) : NULL, *o = out;
		if (hit && !out)
			return NULL;
		bool quoted = p < end && *p == '"';
		for (p += quoted; p < end && (quoted ? *p != '"' : *p != ';' && *p != ' ' && *p != '\t'); p++) {
			/* Browsers escape with %22; a backslash escapes only a quote or itself, for it may be part of a path. */
			if (quoted && *p == '\\' && p + 1 < end && (p[1] == '"' || p[1] == '\\'))
				p++;
			if (o)
				*o++ = *p;
		}
		if (quoted && p == end)
			return NULL;	/* no closing quote */
		if (o)
			*o = 0;
		if (hit)
			return out;
	}
	return NULL;
}

/* The line of the part's header that begins with `name`; absent when there is none. */
static struct slice header_line(struct slice header, const char *name)
{
	size_t len = strlen(name);
	const char *p = header.p, *end = header.p + header.n;
	while (p < end) {
		const char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);
		size_t n = (size_t)((eol ? eol : end) - p);
		if (n > len && p[len] == ':' && !strncasecmp(p, name, len)) {
			struct slice v = { p + len + 1, n - len - 1 };
			while (v.n && (*v.p == ' ' || *v.p == '\t'))
				v.p++, v.n--;
			while (v.n && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
				v.n--;
			return v;
		}
		p += n + 2;
	}
	return (struct slice){ NULL, 0 };
}

static enum err read_part(struct arena *a, struct slice header, struct multipart_part *part, struct diag *d)
{
	struct slice disposition = header_line(header, "content-disposition"), type = header_line(header, "content-type");
	if (!utf8_xml_valid(header.p, header.n))
		return diag_add(d, ERR_BAD_REQUEST, "the header of a part is not UTF-8 text");
	if (!disposition.p)
		return diag_add(d, ERR_BAD_REQUEST, "a part has no Content-Disposition");
	part->name = parameter(a, disposition, "name");
	if (!part->name)
		return arena_failed(a) ? ERR_NO_MEMORY : diag_add(d, ERR_BAD_REQUEST, "a part has no name");
	const char *file = parameter(a, disposition, "filename");
	for (const char *p = file; p && *p; p++)
		if (*p == '/' || *p == '\\')
			file = p + 1;
	part->file_name = file;
	part->content_type = type.p ? arena_strndup(a, type.p, type.n) : NULL;
	return arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}

enum err multipart_new(struct arena *a, const char *content_type, struct multipart_events events, struct multipart **out, struct diag *d)
{
	const char *boundary = parameter(a, slice_of(content_type), "boundary");
	size_t n = boundary ? strlen(boundary) : 0;
	*out = NULL;
	if (!n || n > BOUNDARY_MAX)
		return arena_failed(a) ? ERR_NO_MEMORY : diag_add(d, ERR_BAD_REQUEST, "multipart/form-data without a usable boundary");
	struct multipart *m = ARENA_NEW(a, struct multipart);
	if (!m)
		return ERR_NO_MEMORY;
	m->arena = a;
	m->events = events;
	m->line_n = n + 4;
	memcpy(m->line, "\r\n--", 4);
	memcpy(m->line + 4, boundary, n);
	/* The first delimiter may stand at the very beginning, without the line break of its own. */
	memcpy(m->window, "\r\n", m->n = 2);
	*out = m;
	return ERR_OK;
}

static void consume(struct multipart *m, size_t n)
{
	m->n -= n;
	memmove(m->window, m->window + n, m->n);
}

/* The first n bytes of the window are none of a delimiter. */
static enum err give(struct multipart *m, size_t n, struct diag *d)
{
	size_t drop = n < m->drop ? n : m->drop;
	enum err e = ERR_OK;
	if (m->state == BYTES && n > drop)
		e = m->events.data(m->events.ctx, m->window + drop, n - drop, d);
	m->drop -= drop;
	consume(m, n);
	return e;
}

/* What may begin a delimiter at the end of the window: the longest tail that is the beginning of `line`. */
static size_t tail(const struct multipart *m)
{
	size_t most = m->n < m->line_n - 1 ? m->n : m->line_n - 1;
	for (size_t k = most; k; k--)
		if (!memcmp(m->window + m->n - k, m->line, k))
			return k;
	return 0;
}

/* "--boundary" at the start of a line, then "--", or blanks and the end of the line.  1: at p; 0: it only looks so; -1: more is needed. */
static int is_delimiter(const struct multipart *m, const char *p)
{
	const char *end = m->window + m->n, *q = p + m->line_n;
	if (end - q >= 2 && !memcmp(q, "--", 2))
		return 1;
	if (end - q == 1 && *q == '-')
		return -1;
	while (q < end && (*q == ' ' || *q == '\t'))
		q++;
	if (q - p > (ptrdiff_t)(m->line_n + PADDING_MAX))
		return 0;
	if (end - q < 2)
		return q == end || *q == '\r' ? -1 : 0;
	return !memcmp(q, "\r\n", 2);
}

/* *more: nothing can be decided before there are more bytes. */
static enum err scan_bytes(struct multipart *m, bool *more, struct diag *d)
{
	const char *p = m->window;
	enum err e;
	while ((p = memmem(p, (size_t)(m->window + m->n - p), m->line, m->line_n))) {
		int is = is_delimiter(m, p);
		size_t before = (size_t)(p - m->window);
		if (!is) {
			p++;
			continue;
		}
		/* An empty part: the line break that ends the header begins the delimiter. */
		if ((e = give(m, before, d)))
			return e;
		*more = is < 0;
		if (*more)
			return ERR_OK;
		consume(m, m->line_n);
		m->drop = 0;
		e = m->state == BYTES ? m->events.end(m->events.ctx, d) : ERR_OK;
		m->state = AFTER_DELIMITER;
		return e;
	}
	*more = true;
	return give(m, m->n - tail(m), d);
}

static enum err after_delimiter(struct multipart *m, bool *more, struct diag *d)
{
	*more = m->n < 2;
	if (*more)
		return ERR_OK;
	m->state = memcmp(m->window, "--", 2) ? HEADER : EPILOGUE;
	if (m->state == HEADER && ++m->n_parts > MULTIPART_PARTS_MAX)
		return diag_add(d, ERR_BAD_REQUEST, "the multipart body has more than %d parts", MULTIPART_PARTS_MAX);
	return ERR_OK;
}

static enum err bad_header(struct diag *d)
{
	return diag_add(d, ERR_BAD_REQUEST, "the header of a part has no end or is too long");
}

/* The window begins with the padding and the end of the delimiter's line. */
static enum err scan_header(struct multipart *m, bool *more, struct diag *d)
{
	struct multipart_part part = { 0 };
	const char *start = memmem(m->window, m->n, "\r\n", 2);
	const char *end = start ? memmem(start, m->n - (size_t)(start - m->window), "\r\n\r\n", 4) : NULL;
	*more = !end;
	if (!end || end - start > MULTIPART_HEADER_MAX)
		return end || m->n > MULTIPART_HEADER_MAX + PADDING_MAX + 4 ? bad_header(d) : ERR_OK;
	size_t n = (size_t)(end - start);
	enum err e = read_part(m->arena, (struct slice){ start + 2, n > 2 ? n - 2 : 0 }, &part, d);
	if (e)
		return e;
	consume(m, (size_t)(end - m->window) + 2);
	m->drop = 2;
	m->state = BYTES;
	return m->events.begin(m->events.ctx, &part, d);
}

static enum err step(struct multipart *m, bool *more, struct diag *d)
{
	switch (m->state) {
	case AFTER_DELIMITER:
		return after_delimiter(m, more, d);
	case HEADER:
		return scan_header(m, more, d);
	case EPILOGUE:
		m->n = 0;
		*more = true;
		return ERR_OK;
	default:
		return scan_bytes(m, more, d);
	}
}

enum err multipart_feed(struct multipart *m, const char *p, size_t n, struct diag *d)
{
	while (!m->failed && n) {
		size_t k = WINDOW - m->n < n ? WINDOW - m->n : n;
		bool more = false;
		memcpy(m->window + m->n, p, k);
		m->n += k;
		p += k;
		n -= k;
		while (!more && !m->failed)
			m->failed = step(m, &more, d);
		if (!m->failed && m->n == WINDOW)
			m->failed = bad_header(d);	/* cannot be: whatever is left undecided is shorter */
	}
	return m->failed;
}

enum err multipart_end(struct multipart *m, struct diag *d)
{
	if (m->failed || m->state == EPILOGUE)
		return m->failed;
	if (m->state == PREAMBLE)
		return m->failed = diag_add(d, ERR_BAD_REQUEST, "the boundary of the multipart body does not occur in it");
	return m->failed = m->state == BYTES ? diag_add(d, ERR_BAD_REQUEST, "the multipart body ends before its closing boundary") : bad_header(d);
}
