/* SPDX-License-Identifier: Apache-2.0 */
#include "server/range.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Digits, more than fit count as very many; -1: there are none. */
static int64_t number(const char **p)
{
	int64_t n = -1;
	for (; **p >= '0' && **p <= '9'; ++*p) {
		n = n < 0 ? 0 : n;
		n = n > (INT64_MAX - 9) / 10 ? INT64_MAX : n * 10 + (**p - '0');
	}
	return n;
}

static void blanks(const char **p)
{
	while (**p == ' ' || **p == '\t')
		++*p;
}

/* One of the list; false: that is no range. */
static bool one(const char **p, int64_t size, int64_t *from, int64_t *length)
{
	int64_t a = number(p), b;
	if (*(*p)++ != '-')
		return false;
	b = number(p);
	if ((a < 0 && b < 0) || (a >= 0 && b >= 0 && b < a))
		return false;
	if (a < 0) {			/* the last b bytes */
		*length = b < size ? b : size;
		*from = size - *length;
	} else {
		int64_t last = b < 0 || b >= size ? size - 1 : b;
		*from = a;
		*length = a < size ? last - a + 1 : 0;
	}
	return true;
}

enum range range_read(const char *header, int64_t size, int64_t *from, int64_t *length)
{
	const char *p = header;
	int64_t f = 0, n = 0, first = 0, many = 0;
	unsigned all = 0, there = 0;
	if (strncasecmp(p, "bytes=", 6))
		return RANGE_ALL;
	for (p += 6; *p;) {
		blanks(&p);
		if (*p == ',' || !*p) {		/* lists may have empty members */
			p += *p == ',';
			continue;
		}
		if (!one(&p, size, &f, &n))
			return RANGE_ALL;
		all++;
		if (n) {
			there++;
			first = f;
			many = n;
		}
		blanks(&p);
		if (*p && *p++ != ',')
			return RANGE_ALL;
	}
	if (!all || there > 1)
		return RANGE_ALL;
	*from = first;
	*length = many;
	return there ? RANGE_PART : RANGE_NONE;
}

bool range_applies(const char *if_range, const char *etag)
{
	return !if_range || (etag && !strcmp(if_range, etag));
}
