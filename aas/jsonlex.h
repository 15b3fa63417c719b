/* SPDX-License-Identifier: Apache-2.0
 * jsonlex.h - a strict JSON tokenizer over borrowed bytes (RFC 8259), for readers that know what they expect.
 *
 * Not a parser: the caller asks for the value it wants, and the first fault stays in `bad`.  Nothing is allocated but the decoded
 * texts of strings.  Control characters, malformed UTF-8, lone surrogates and U+0000 are refused.  One thread.
 */
#ifndef AAS_JSONLEX_H
#define AAS_JSONLEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

#define JL_DEPTH 160		/* nesting that jl_skip follows */

struct jl {
	const char *p, *end;
	struct arena *a;
	const char *bad;	/* NULL, or what is wrong; static */
};

void jl_init(struct jl *, struct arena *, const char *text, size_t n);
/* The first byte of the next token, after blanks: one of { [ } ] , : " t f n - 0..9; 0 at the end. */
char jl_peek(struct jl *);
/* Take that byte if it is c. */
bool jl_take(struct jl *, char c);
/* A string, decoded and NUL-terminated in the arena; false sets `bad`. */
bool jl_string(struct jl *, struct slice *out);
/* A number, as it is written. */
bool jl_number(struct jl *, struct slice *out);
/* The words. */
bool jl_bool(struct jl *, bool *out);
bool jl_null(struct jl *);
/* Any one value; *out is its text.  Strings in it are checked but not decoded. */
bool jl_skip(struct jl *, struct slice *out);
/* Begin of an object or array, then: for (bool first = true; jl_member(j, &first, &name); ) { read one value }.
 * False at the closing bracket (taken) or on a fault: look at `bad`. */
bool jl_open(struct jl *, char bracket);
bool jl_member(struct jl *, bool *first, struct slice *name);
bool jl_item(struct jl *, bool *first);
/* Nothing but blanks follows. */
bool jl_end(struct jl *);

#endif
