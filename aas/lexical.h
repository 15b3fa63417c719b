/* SPDX-License-Identifier: Apache-2.0
 * lexical.h - recognisers of the texts the metamodel allows: string types and the 30 xs: types (IDTA-01001, DataTypeDefXsd).
 *
 * Pure functions over bytes; no locale, no allocation, no recursion.  They look at form (and, for the xs: types, at the value
 * range: xs:int overflow, month lengths), never at length limits, which are columns of AAS_STRINGS.
 */
#ifndef AAS_LEXICAL_H
#define AAS_LEXICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One per name in the last column of AAS_STRINGS. */
bool aas_lex_any(const char *s, size_t n);
bool aas_lex_idshort(const char *s, size_t n);
bool aas_lex_version(const char *s, size_t n);
bool aas_lex_language(const char *s, size_t n);		/* BCP 47 */
bool aas_lex_mime(const char *s, size_t n);		/* RFC 2046 */
bool aas_lex_path(const char *s, size_t n);		/* RFC 2396/8089 path or URI */
bool aas_lex_datetime_utc(const char *s, size_t n);
bool aas_lex_duration(const char *s, size_t n);		/* xs:duration */
bool aas_lex_base64(const char *s, size_t n);

/* How a value of an xs: type is written in the value-only form and in typed SQL columns. */
enum aas_xsd_group { AAS_XSD_TEXT, AAS_XSD_NUMBER, AAS_XSD_BOOLEAN, AAS_XSD_TIME };

struct aas_xsd_type {
	const char *name;		/* "xs:int" */
	bool (*check)(const char *s, size_t n);
	enum aas_xsd_group group;
	bool integer;
};
/* Indexed by the ordinal of enumeration DataTypeDefXsd; 30 rows. */
extern const struct aas_xsd_type aas_xsd[];
#define AAS_N_XSD 30

/* `ord` is a slot's ord (1 + ordinal, 0 when absent: xs:string). */
bool aas_xsd_ok(uintptr_t ord, const char *s, size_t n);
const struct aas_xsd_type *aas_xsd_of(uintptr_t ord);

#endif
