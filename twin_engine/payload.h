/* SPDX-License-Identifier: Apache-2.0
 * payload.h - what a message says: the plain bytes, or values of a JSON text picked by JSON pointers (RFC 6901).
 *
 * A message is looked at once, however many pointers ask: the first question turns the text into a flat array of tokens, which is kept
 * for the others and reused for the next message, so that nothing is allocated in the long run.  Bounded: PAYLOAD_MAX bytes,
 * PAYLOAD_TOKENS_MAX tokens, PAYLOAD_DEPTH_MAX levels.  One thread at a time; the bytes are borrowed until the next payload_set.
 */
#ifndef TWIN_ENGINE_PAYLOAD_H
#define TWIN_ENGINE_PAYLOAD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

#define PAYLOAD_MAX ((size_t)4 << 20)
#define PAYLOAD_TOKENS_MAX ((size_t)1 << 18)
#define PAYLOAD_DEPTH_MAX 64

enum payload_kind { PAYLOAD_PLAIN, PAYLOAD_NULL, PAYLOAD_FALSE, PAYLOAD_TRUE, PAYLOAD_NUMBER, PAYLOAD_STRING, PAYLOAD_ARRAY, PAYLOAD_OBJECT };
extern const char *const payload_kind_name[];

struct payload_token;

struct payload {
	const char *p;
	size_t n;
	bool parsed;
	const char *fault;		/* why it is not JSON; NULL: it is */
	size_t fault_at;
	struct payload_token *token;
	size_t n_tokens, cap;
};

/* One value in a payload: its bytes as they stand there (a string without its quotes, with its escapes). */
struct payload_value {
	enum payload_kind kind;
	struct slice raw;
};

/* A JSON pointer, taken apart.  n == 0 is the whole text. */
struct payload_pointer {
	size_t n;
	const struct slice *step;
};

/* ERR_BAD_REQUEST: not a pointer.  Steps belong to the arena. */
enum err payload_pointer_parse(struct arena *, const char *text, struct payload_pointer *, struct diag *);

void payload_init(struct payload *);
void payload_fini(struct payload *);
void payload_set(struct payload *, const char *p, size_t n);

/* The whole payload without white space around it. */
void payload_plain(const struct payload *, struct payload_value *);
/* NULL and *out, or why there is none ("is not JSON", "has nothing at this place"): static text. */
const char *payload_find(struct payload *, const struct payload_pointer *, struct payload_value *out);
/* A member of an object, by name; false: none.  `object` must have come from payload_find of the same payload. */
bool payload_member(struct payload *, const struct payload_value *object, const char *name, struct payload_value *out);

/* The text of any value: escapes of a string undone, others as they stand.  False: not well-formed text (lone surrogate, not UTF-8). */
bool payload_text(const struct payload_value *, struct buf *);

#endif
