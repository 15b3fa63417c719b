/* SPDX-License-Identifier: Apache-2.0 - numbers out of a line of words that are separated by blanks: what models remember. */
#ifndef TWIN_ENGINE_WORDS_H
#define TWIN_ENGINE_WORDS_H

#include <string.h>

#include "base/str.h"

/* The next word as a number; moves *p behind it, good or not. */
static inline bool word_double(const char **p, double *out)
{
	*p += strspn(*p, " ");
	size_t n = strcspn(*p, " ");
	bool good = str_double(*p, n, out);
	*p += n;
	return good;
}

#endif
