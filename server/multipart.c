/* SPDX-License-Identifier: Apache-2.0 */
#include "server/multipart.h"

#include <strings.h>

#define BOUNDARY_MAX 70		/* RFC 2046, 5.1.1 */

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

/* Where the next delimiter begins: "--boundary" at the start of a line; NULL when there is none. */
static const char *delimiter(const char *p, const char *end, const char *line, size_t n)
{
	while ((p = memmem(p, (size_t)(end - p), line, n))) {
		const char *q = p + n;
		while (q < end && (*q == ' ' || *q == '\t'))	/* transport padding */
			q++;
		if ((end - q >= 2 && !memcmp(q, "\r\n", 2)) || (end - (p + n) >= 2 && !memcmp(p + n, "--", 2)))
			return p;
		p++;
	}
	return NULL;
}

enum err multipart_read(struct arena *a, const char *content_type, struct slice body, struct multipart *m, struct diag *d)
{
	const char *boundary = parameter(a, slice_of(content_type), "boundary");
	size_t n = boundary ? strlen(boundary) : 0;
	*m = (struct multipart){ 0 };
	if (!n || n > BOUNDARY_MAX)
		return arena_failed(a) ? ERR_NO_MEMORY : diag_add(d, ERR_BAD_REQUEST, "multipart/form-data without a usable boundary");
	const char *line = arena_printf(a, "\r\n--%s", boundary), *end = body.p + body.n, *p;
	m->part = ARENA_ARRAY(a, struct multipart_part, MULTIPART_PARTS_MAX);
	if (!line || !m->part)
		return ERR_NO_MEMORY;
	n += 4;
	/* The first delimiter may stand at the very beginning, without the line break of its own. */
	if (body.n >= n && !memcmp(body.p, line + 2, n - 2) && delimiter(body.p, end, line + 2, n - 2) == body.p)
		p = body.p + n - 2;
	else if ((p = delimiter(body.p, end, line, n)))
		p += n;
	else
		return diag_add(d, ERR_BAD_REQUEST, "the boundary of the multipart body does not occur in it");
	while (end - p < 2 || memcmp(p, "--", 2)) {
		p = memmem(p, (size_t)(end - p), "\r\n", 2);
		const char *header_end = p ? memmem(p, (size_t)(end - p), "\r\n\r\n", 4) : NULL;
		if (!header_end || header_end - p > MULTIPART_HEADER_MAX)
			return diag_add(d, ERR_BAD_REQUEST, "the header of a part has no end or is too long");
		const char *start = header_end + 4, *stop = delimiter(header_end + 2, end, line, n);
		if (!stop)
			return diag_add(d, ERR_BAD_REQUEST, "the multipart body ends before its closing boundary");
		if (m->n == MULTIPART_PARTS_MAX)
			return diag_add(d, ERR_BAD_REQUEST, "the multipart body has more than %d parts", MULTIPART_PARTS_MAX);
		/* An empty part: the line break that ends the header begins the delimiter. */
		struct multipart_part *part = &m->part[m->n++];
		part->bytes = (struct slice){ start, stop > start ? (size_t)(stop - start) : 0 };
		enum err e = read_part(a, (struct slice){ p + 2, (size_t)(header_end - p) > 2 ? (size_t)(header_end - p) - 2 : 0 }, part, d);
		if (e)
			return e;
		p = stop + n;
	}
	return ERR_OK;
}

const struct multipart_part *multipart_find(const struct multipart *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_eq(m->part[i].name, name))
			return &m->part[i];
	return NULL;
}
