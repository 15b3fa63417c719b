/* SPDX-License-Identifier: Apache-2.0
 * suite.h - one suite over `struct store *`: what aas/store.h promises, whoever keeps it.  mem.c and pg.c run it.
 */
#ifndef TESTS_STORE_SUITE_H
#define TESTS_STORE_SUITE_H

#include "aas/store.h"
#include "base/buf.h"
#define TAP_SHARED
#include "tests/tap.h"

/* `fresh` gives an empty store; the suite closes it. */
void suite_run(struct store *(*fresh)(void));
/* What the store does in the background is done now; NULL: there is nothing. */
extern enum err (*suite_settle)(struct store *);

/* The parts, each over one store. */
void suite_docs(void);
void suite_content(void);
void suite_list(void);
void suite_filter(void);
void suite_values(void);
void suite_write(void);		/* closes the store */
void suite_blobs(void);
void suite_index(void);
void suite_meet(void);
void suite_series(void);
void suite_late(void);
void suite_random(void);
void suite_feed(void);
void suite_history(void);

/* -- what the parts share ------------------------------------------------------------------------------------------------------- */
extern struct store *st;	/* of the part that runs */
extern struct arena *ar;	/* lives as long as the part */

const char *say(enum err);						/* "NOT_FOUND" */
struct store_txn *start(bool write);					/* the program ends when it cannot begin */
struct aas_node *parse(enum store_kind, const char *json);
const char *canonical(const struct aas_node *);
/* A submodel of xs:string properties P0.. with the given values; a shell or concept description without any. */
struct aas_node *make(enum store_kind, const char *id, const char *id_short, const char *const *value, unsigned n);
struct aas_node *plain(enum store_kind, const char *id);
const char *text(char c, size_t n);					/* n times c */

enum err put(struct store_txn *, enum store_kind, const struct aas_node *, enum store_put, int64_t expect, int64_t *version);
/* The document as text, or the name of the error. */
const char *get(struct store_txn *, enum store_kind, const char *id);
const char *current(enum store_kind, const char *id);			/* in a transaction of its own */
int64_t version_of(enum store_kind, const char *id);			/* the same; 0: there is none */
/* One call as one transaction, committed when the call went well. */
enum err put_once(enum store_kind, const struct aas_node *, enum store_put, int64_t expect, int64_t *version);
enum err del_once(enum store_kind, const char *id);
enum err values_once(const char *id, const struct store_value *, size_t n, int64_t *version);
/* The ids of one page, each followed by a blank; "NEXT id" at the end when there is more. */
const char *ids(struct store_txn *, enum store_kind, const struct store_filter *, const char *after, size_t limit);

#endif
