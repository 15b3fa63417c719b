/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/partname.h"

#define SEGMENT_MAX 120

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character at *p, an escape taken as one; a percent sign that begins none stands for itself. */
static unsigned char decoded(const char **p, const char *end, bool *escaped)
{
	const char *s = *p;
	*escaped = end - s >= 3 && *s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0;
	*p += *escaped ? 3 : 1;
	return (unsigned char)(*escaped ? hex(s[1]) << 4 | hex(s[2]) : *s);
}

size_t part_name_key(char out[PART_NAME_MAX], const char *name, size_t n)
{
	bool escaped;
	size_t k = 0;
	for (const char *p = name, *end = name + n; p < end; k++) {
		unsigned char c = decoded(&p, end, &escaped);
		out[k] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	return k;
}

static const char *segment_fault(const char *s, size_t n)
{
	size_t dots = 0;
	while (dots < n && s[dots] == '.')
		dots++;
	return !n ? "has an empty segment" : dots == n ? "has a segment of nothing but dots" : NULL;
}

const char *part_name_fault(const char *name, size_t n)
{
	char plain[PART_NAME_MAX];
	const char *why = NULL;
	bool escaped;
	size_t k = 0;
	if (n > PART_NAME_MAX)
		return "is too long";
	if (n && name[0] == '/')
		return "is absolute";
	for (const char *p = name, *end = name + n; p < end;) {
		unsigned char c = decoded(&p, end, &escaped);
		if (c < 0x20 || c == 0x7F)
			return "has a control character";
		if (c == '\\')
			return "has a backslash: its segments must be divided by slashes";
		if (c == ':')
			return "has a colon";
		if (escaped && c == '/')
			return "hides a slash";
		plain[k++] = (char)c;
	}
	if (!utf8_valid(plain, k))
		return "is not UTF-8";
	for (size_t at = 0, m; !why && at <= k; at += m + 1) {
		const char *slash = memchr(plain + at, '/', k - at);
		m = slash ? (size_t)(slash - plain) - at : k - at;
		why = segment_fault(plain + at, m);
	}
	return why;
}

size_t part_name_folder(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? (size_t)(slash + 1 - name) : 0;
}

static bool is_absolute(const char *ref)
{
	size_t n = strspn(ref, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
	return (n && ref[n] == ':') || (ref[0] == '/' && ref[1] == '/');
}

/* An escaped slash, backslash or control character could only be meant to deceive. */
static bool decode(const char *from, char *out, size_t *n)
{
	const char *end = from + strlen(from);
	bool escaped;
	while (from < end) {
		unsigned char c = decoded(&from, end, &escaped);
		if (*n == PART_NAME_MAX || c < 0x20 || c == '\\' || (escaped && c == '/'))
			return false;
		out[(*n)++] = (char)c;
	}
	out[*n] = 0;
	return true;
}

/* RFC 3986, 5.2.4, in place: "aasx/../x/./y" -> "x/y"; false when it leads above the root. */
static bool remove_dots(char *path)
{
	char *to = path;
	for (const char *s = path; *s; s += *s == '/') {
		size_t k = strcspn(s, "/");
		if (k == 2 && !memcmp(s, "..", 2)) {
			if (to == path)
				return false;
			for (to--; to > path && to[-1] != '/'; to--)
				;
		} else if (k && !(k == 1 && *s == '.')) {
			bool more = s[k] != 0;
			memmove(to, s, k);
			to += k;
			if (more)
				*to++ = '/';
		}
		s += k;
	}
	*to = 0;
	return true;
}

bool part_name_resolve(char out[PART_NAME_MAX + 1], const char *source, const char *ref)
{
	char folder[PART_NAME_MAX + 1];
	size_t n = *ref == '/' ? 0 : part_name_folder(source), k = 0;
	if (is_absolute(ref) || n > PART_NAME_MAX)
		return false;
	memcpy(folder, source, n);
	folder[n] = 0;
	return decode(folder, out, &k) && decode(ref, out, &k) && remove_dots(out);
}

static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

void part_name_encode(struct buf *b, const char *decoded_name)
{
	for (const char *p = decoded_name; *p; p++) {
		if (*p == '/' || is_plain((unsigned char)*p))
			buf_putc(b, *p);
		else
			buf_printf(b, "%%%02X", (unsigned char)*p);
	}
}

void part_name_segment(struct buf *b, const char *file_name, bool encoded)
{
	char name[PART_NAME_MAX], kept[SEGMENT_MAX / 3 + 1];
	size_t from = 0, n = 0, k = 0;
	bool escaped;
	for (const char *p = file_name, *end = p + strlen(p); p < end && n < sizeof name;) {
		name[n] = encoded ? (char)decoded(&p, end, &escaped) : *p++;
		from = name[n] == '/' || name[n] == '\\' ? n + 1 : from;
		n++;
	}
	if (n - from > sizeof kept - 1)		/* a long name keeps its end, which tells the type; every byte may become three */
		from = n - (sizeof kept - 1);
	while (from < n && ((unsigned char)name[from] & 0xC0) == 0x80)
		from++;
	bool text = utf8_valid(name + from, n - from);
	for (; from < n; from++) {
		unsigned char c = (unsigned char)name[from];
		kept[k++] = is_plain(c) || c == ' ' || (c >= 0x80 && text) ? (char)c : '_';
	}
	while (k && (kept[k - 1] == '.' || kept[k - 1] == ' '))
		k--;
	kept[k] = 0;
	part_name_encode(b, k ? kept : "file");
}
