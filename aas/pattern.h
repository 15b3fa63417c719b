/* SPDX-License-Identifier: Apache-2.0
 * pattern.h - the regular expressions that templates have for idShorts and values (IDTA-01006, SMT/AllowedIdShort, SMT/AllowedValue).
 *
 * What is common to the dialects: alternation, groups, classes with ranges and \d \w \s and their opposites, `.`, ? * + {m} {m,} {m,n}.
 * The whole text must match, as in XML Schema; ^ at the beginning and $ at the end say so once more.  Time is the length of the text
 * times that of the pattern, whatever they are: nothing is tried twice.  Pure; memory on the stack alone.
 */
#ifndef AAS_PATTERN_H
#define AAS_PATTERN_H

#include <stddef.h>

enum aas_pattern_result { AAS_PATTERN_NO, AAS_PATTERN_YES, AAS_PATTERN_UNKNOWN };	/* UNKNOWN: no such pattern, or too large a one */

enum aas_pattern_result aas_pattern_match(const char *pattern, const char *text, size_t n);

#endif
