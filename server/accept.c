/* SPDX-License-Identifier: Apache-2.0 */
#include "server/accept.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

static struct slice trimmed(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t'))
		p++, n--;
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return (struct slice){ p, n };
}

/* The weight of one element of the list, in thousandths; one that is malformed counts in full. */
static int quality(const char *p, size_t n)
{
	int q = 0, unit = 1000;
	for (const char *s = memchr(p, ';', n), *end = p + n; s; s = memchr(s, ';', (size_t)(end - s))) {
		struct slice t = trimmed(s + 1, strcspn(s + 1, ";,"));
		s++;
		if (t.n < 3 || (t.p[0] != 'q' && t.p[0] != 'Q') || t.p[1] != '=' || (t.p[2] != '0' && t.p[2] != '1'))
			continue;
		for (size_t i = 2; i < t.n && unit; i++) {
			if (t.p[i] == '.' && i == 3)
				continue;
			if (t.p[i] < '0' || t.p[i] > '9')
				return 1000;
			q += (t.p[i] - '0') * unit;
			unit /= 10;
		}
		return q > 1000 ? 1000 : q;
	}
	return 1000;
}

/* How exactly `range` names the type: 3 itself, 2 by its top-level type, 1 like everything, 0 not at all. */
static int exactness(struct slice range, const char *type)
{
	size_t major = strcspn(type, "/") + 1;
	if (range.n == strlen(type) && !strncasecmp(range.p, type, range.n))
		return 3;
	if (range.n == major + 1 && !strncasecmp(range.p, type, major) && range.p[major] == '*')
		return 2;
	return slice_is(range, "*/*");
}

/* The weight of a type is that of the range that names it most exactly; *exact tells how exactly. */
static int weight(const char *accept, const char *type, int *exact)
{
	int best = 0;
	*exact = 0;
	for (const char *p = accept; *p; p += *p == ',') {
		size_t n = strcspn(p, ",");
		int e = exactness(trimmed(p, strcspn(p, ";,")), type);
		if (e > *exact) {
			*exact = e;
			best = quality(p, n);
		}
		p += n;
	}
	return best;
}

size_t accept_choose(const char *accept, const char *const *types, size_t n)
{
	size_t chosen = n;
	int best = 0, best_exact = 0, exact;
	if (!accept || !accept[strspn(accept, " \t,")])
		return 0;
	for (size_t i = 0; i < n; i++) {
		int q = weight(accept, types[i], &exact);
		if (q > best || (q && q == best && exact == 3 && best_exact < 3)) {
			best = q;
			best_exact = exact;
			chosen = i;
		}
	}
	return chosen;
}
