/* SPDX-License-Identifier: Apache-2.0
 * pattern.h - the regular expressions that templates have for idShorts and values (IDTA-01006, SMT/AllowedIdShort, SMT/AllowedValue).
 *
 * In the dialect and within the limits of $regex (query_regex.c), but the whole text must match, as in XML Schema.  Published templates
 * write the number of a class before its bracket ("[\d{2,3}]"); it is taken as if it stood behind it.  Pure.
 */
#ifndef AAS_PATTERN_H
#define AAS_PATTERN_H

#include <stddef.h>

/* UNKNOWN: no such pattern, or one that takes too long, or no memory */
enum aas_pattern_result { AAS_PATTERN_NO, AAS_PATTERN_YES, AAS_PATTERN_UNKNOWN };

/* Both are valid UTF-8. */
enum aas_pattern_result aas_pattern_match(const char *pattern, const char *text, size_t n);

#endif
