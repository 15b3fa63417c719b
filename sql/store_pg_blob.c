/* SPDX-License-Identifier: Apache-2.0
 * store_pg_blob.c - blobs: names for contents, which are kept in parts and counted.
 *
 * A name counts, and so does a row of history that tells what a name had: when the name gets another content or goes, its count stays with that
 * row, and is given back when the month of the row is dropped (twinshell.cut_history).
 *
 * Counting within the transaction is right whatever happens at the same time: to count up or down locks the row of the content until
 * the commit.  Who brings bytes that are here counts them up first: from then on nobody can see the count 0.  Who deletes looks for the count 0
 * under the same lock; who waits for it meanwhile finds nothing afterwards, and brings the bytes himself.
 *
 * Who reads after his transaction pins the content in this process: it is then left with the count 0, and deleted by the last who
 * closes it; what a crash leaves so is deleted at the next start.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "sql/store_pg_priv.h"

#define PART ((size_t)256 << 10)	/* as in the migration; libpq keeps twice as much for each connection */
#define TRIES 8
#define SWEEP_MAX 64	/* contents deleted at a time */

struct pg_pin {
	struct pg_pin *next;
	struct pg_store *store;
	size_t count;
	bool unused;			/* nothing else may keep it by now */
	int64_t size;
	unsigned char hash[SHA256_SIZE];
};

/* -- pins -------------------------------------------------------------------------------------------------------------------------- */

static struct pg_pin **pin_place(struct pg_store *s, const unsigned char *hash)
{
	struct pg_pin **p = &s->pins.first;
	while (*p && memcmp((*p)->hash, hash, SHA256_SIZE) != 0)
		p = &(*p)->next;
	return p;
}

/* Somebody reads it: then he deletes it. */
static bool left_to_reader(struct pg_store *s, const unsigned char *hash)
{
	lock_take(&s->pins.lock);
	struct pg_pin *p = *pin_place(s, hash);
	if (p)
		p->unused = true;
	lock_drop(&s->pins.lock);
	return p != NULL;
}

/* -- one content -------------------------------------------------------------------------------------------------------------------- */

static struct slice hash_slice(const unsigned char *hash)
{
	return (struct slice){ (const char *)hash, SHA256_SIZE };
}

static enum err by_hash(struct store_txn *t, enum pg_statement st, const unsigned char *hash, struct pg_call *c)
{
	struct pg_args args;
	pg_args_init(&args);
	pg_arg_bytes(&args, hash_slice(hash));
	*c = (struct pg_call){ .st = st, .args = &args };
	enum err e = store_pg_run(t, c, 1);
	c->args = NULL;
	pg_args_fini(&args);
	return e;
}

/* All n, unless the source ends before. */
static enum err fill(struct source from, char *p, size_t n, size_t *got, struct diag *d)
{
	size_t k = 1;
	enum err e = ERR_OK;
	for (*got = 0; !e && k && *got < n; *got += k)
		if ((e = from.read(from.ctx, p + *got, n - *got, &k, d)))
			k = 0;
	return e;
}

static enum err put_part(struct store_txn *t, const struct store_blob_info *info, int64_t copy, int32_t part, struct slice bytes)
{
	struct pg_args args;
	int n;
	pg_args_init(&args);
	pg_arg_bytes(&args, hash_slice(info->hash));
	pg_arg_int8(&args, copy);
	pg_arg_int4(&args, part);
	pg_arg_bytes(&args, bytes);
	return store_pg_change(t, PG_content_part_insert, &args, &n);
}

static enum err put_parts(struct store_txn *t, const struct store_blob_info *info, int64_t copy, struct source from, struct diag *d)
{
	unsigned char hash[SHA256_SIZE];
	struct sha256 *sum = sha256_new();
	char *p = malloc(PART);
	int64_t size = 0;
	size_t got = PART;
	enum err e = sum && p ? ERR_OK : ERR_NO_MEMORY;
	for (int32_t part = 0; !e && got == PART; part++) {
		if ((e = fill(from, p, PART, &got, d)) || !got)
			break;
		sha256_add(sum, p, got);
		size += (int64_t)got;
		e = size > info->size ? ERR_BAD_REQUEST : put_part(t, info, copy, part, (struct slice){ p, got });
	}
	if (!e && !sha256_end(sum, hash))
		e = ERR_NO_MEMORY;
	if (e == ERR_BAD_REQUEST || (!e && (size != info->size || memcmp(hash, info->hash, sizeof hash) != 0)))
		e = diag_add(d, ERR_BAD_REQUEST, "the bytes of a file are not those that were announced");
	sha256_free(sum);
	free(p);
	return e;
}

/* `kept` is what counts: other than `copy` when somebody was faster. */
static enum err put_head(struct store_txn *t, const struct store_blob_info *info, int64_t copy, int64_t *kept)
{
	struct pg_args args;
	struct pg_call c = { .st = PG_content_insert, .args = &args };
	pg_args_init(&args);
	pg_arg_bytes(&args, hash_slice(info->hash));
	pg_arg_int8(&args, copy);
	pg_arg_int8(&args, info->size);
	enum err e = store_pg_run(t, &c, 1);
	if (!e)
		*kept = pg_int8(&c, 0, 0);
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return e;
}

static enum err drop_parts(struct store_txn *t, const unsigned char *hash, int64_t copy)
{
	struct pg_args args;
	int n;
	pg_args_init(&args);
	pg_arg_bytes(&args, hash_slice(hash));
	pg_arg_int8(&args, copy);
	return store_pg_change(t, PG_content_part_delete, &args, &n);
}

/* The content is there, and counts one more. */
static enum err hold(struct store_txn *t, const struct store_blob_info *info, struct source from, struct diag *d)
{
	struct pg_call c;
	int64_t copy, kept = 0;
	enum err e = by_hash(t, PG_content_hold, info->hash, &c);
	bool here = c.n > 0;
	pg_clear(&c, 1);
	if (e || here)
		return e;
	random_bytes(&copy, sizeof copy);
	if ((e = put_parts(t, info, copy, from, d)) || (e = put_head(t, info, copy, &kept)))
		return e;
	return kept == copy ? ERR_OK : drop_parts(t, info->hash, copy);
}

/* -- names -------------------------------------------------------------------------------------------------------------------------- */

static bool take_hash(const struct pg_call *c, int row, int col, unsigned char *hash)
{
	struct slice s = pg_slice(c, row, col);
	if (s.n != SHA256_SIZE)
		return false;
	memcpy(hash, s.p, SHA256_SIZE);
	return true;
}

static enum err write_name(struct store_txn *t, enum pg_statement st, const char *key, const struct store_blob_info *info, int *n)
{
	struct pg_args args;
	pg_args_init(&args);
	pg_arg_text(&args, key);
	pg_arg_text(&args, info->content_type);
	pg_arg_text(&args, info->file_name);
	pg_arg_bytes(&args, hash_slice(info->hash));
	store_pg_cause_args(&args, &t->cause);
	return store_pg_change(t, st, &args, n);
}

/* What is written into history must be what was there: so the row is locked before it is changed, or the name is new. */
static enum err name_it(struct store_txn *t, const char *key, const struct store_blob_info *info)
{
	int n = 0;
	for (int i = 0; i < TRIES; i++) {
		struct pg_call c = { .st = PG_blob_lock };
		enum err e = store_pg_one(t, &c, key);
		pg_clear(&c, 1);
		if (!e || e == ERR_NOT_FOUND)
			e = write_name(t, e ? PG_blob_insert : PG_blob_update, key, info, &n);
		if (e || n)
			return e;		/* else it was made in between */
	}
	return ERR_AGAIN;
}

enum err store_pg_blob_put(struct store_txn *t, const char *key, const struct store_blob_info *info, struct source from, struct diag *d)
{
	enum err e = t->write ? hold(t, info, from, d) : ERR_INTERNAL;
	if (!e)
		e = name_it(t, key, info);
	return store_pg_noted(t, e);
}

/* Content type, file name, size and hash, in the columns of the only row. */
static enum err read_info(const struct pg_call *c, struct arena *a, struct store_blob_info *out)
{
	*out = (struct store_blob_info){
		.content_type = pg_null(c, 0, 0) ? NULL : arena_strdup(a, pg_str(c, 0, 0)),
		.file_name = pg_null(c, 0, 1) ? NULL : arena_strdup(a, pg_str(c, 0, 1)), .size = pg_int8(c, 0, 2),
	};
	return arena_failed(a) ? ERR_NO_MEMORY : take_hash(c, 0, 3, out->hash) ? ERR_OK : ERR_INTERNAL;
}

enum err store_pg_blob_find(struct store_txn *t, const char *key, struct arena *a, struct store_blob_info *out)
{
	struct pg_call c = { .st = PG_blob_find };
	enum err e = store_pg_one(t, &c, key);
	if (!e)
		e = read_info(&c, a, out);
	pg_clear(&c, 1);
	return store_pg_noted(t, e);
}

enum err store_pg_blob_at(struct store_txn *t, const char *key, int64_t at_us, struct arena *a, struct store_blob_info *out)
{
	struct pg_call c = { .st = PG_file_read };
	struct store_doc doc;
	enum err e = store_pg_get_at(t, STORE_FILE, key, at_us, a, &doc);
	if (!e)
		e = store_pg_one(t, &c, doc.json.p);
	if (!e)
		e = read_info(&c, a, out);
	pg_clear(&c, 1);
	return store_pg_noted(t, e);
}

enum err store_pg_blob_del(struct store_txn *t, const char *key)
{
	struct pg_args args;
	int n;
	pg_args_init(&args);
	pg_arg_text(&args, key);
	store_pg_cause_args(&args, &t->cause);
	enum err e = store_pg_change(t, PG_blob_delete, &args, &n);
	return store_pg_noted(t, e ? e : n ? ERR_OK : ERR_NOT_FOUND);
}

/* -- reading ------------------------------------------------------------------------------------------------------------------------ */

/* What is read; `alone`: in a transaction of its own. */
struct wanted {
	const unsigned char *hash;
	int64_t size;			/* of the content */
	bool alone;
};

/* Within one part; ERR_NOT_FOUND: the content is gone. */
static enum err read_part(struct store_txn *t, const struct wanted *w, int64_t at, char *to, size_t n, bool last)
{
	bool all = at % (int64_t)PART == 0 && (n == PART || at + (int64_t)n == w->size);
	struct pg_args args;
	struct pg_call c = { .st = all ? PG_content_part : PG_content_read, .args = &args };
	pg_args_init(&args);
	pg_arg_bytes(&args, hash_slice(w->hash));
	pg_arg_int4(&args, (int32_t)(at / (int64_t)PART));
	if (!all) {
		pg_arg_int4(&args, (int32_t)(at % (int64_t)PART) + 1);
		pg_arg_int4(&args, (int32_t)n);
	}
	enum err e = last ? store_pg_run_last(t, &c, 1) : store_pg_run(t, &c, 1);
	if (!e && !c.n)
		e = ERR_NOT_FOUND;
	if (!e) {
		struct slice bytes = pg_slice(&c, 0, 0);
		if (bytes.n == n)
			memcpy(to, bytes.p, n);
		else
			e = ERR_INTERNAL;
	}
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return e;
}

static enum err read_parts(struct store_txn *t, const struct wanted *w, int64_t at, char *to, size_t n)
{
	enum err e = ERR_OK;
	while (!e && n) {
		size_t left = PART - (size_t)(at % (int64_t)PART), k = n < left ? n : left;
		e = read_part(t, w, at, to, k, w->alone && k == n);
		at += (int64_t)k;
		to += k;
		n -= k;
	}
	return e;
}

enum err store_pg_blob_read(struct store_txn *t, const struct store_blob_info *info, int64_t at, char *to, size_t n)
{
	enum err e = read_parts(t, &(struct wanted){ info->hash, info->size, false }, at, to, n);
	return store_pg_noted(t, e == ERR_NOT_FOUND ? ERR_AGAIN : e);	/* deleted since it was found */
}

static enum err read_open(void *ctx, int64_t at, char *to, size_t n, struct diag *d)
{
	struct pg_pin *p = ctx;
	struct store_txn t = { .store = p->store };
	const struct wanted w = { p->hash, p->size, true };
	enum err e = read_parts(&t, &w, at, to, n);
	t.primary = t.on_standby;
	store_pg_let_go(&t);
	if (e && t.primary) {		/* what another program has stored may not have come there yet */
		e = read_parts(&t, &w, at, to, n);
		store_pg_let_go(&t);
	}
	return e ? diag_add(d, e, "a stored file cannot be read: %s", err_info[e].text) : ERR_OK;
}

/* The lock first: whoever counts down at this moment must have committed before the count is looked at. */
static enum err delete_unused(struct pg_store *s, const unsigned char *hash)
{
	struct store_txn t = { .store = s, .write = true };
	struct pg_call c;
	enum err e = by_hash(&t, PG_content_lock, hash, &c);
	pg_clear(&c, 1);
	if (!e) {
		e = by_hash(&t, PG_content_delete, hash, &c);
		pg_clear(&c, 1);
	}
	if (!e)
		e = pg_commit(t.pg);
	store_pg_let_go(&t);
	if (e)
		log_warn("sql", "a content that nobody needs is deleted at the next start only: %s", err_info[e].text);
	return e;
}

/* Those that somebody reads here stay until he has done. */
static enum err some_unused(struct pg_store *s, unsigned char hash[SWEEP_MAX][SHA256_SIZE], int *n)
{
	struct store_txn t = { .store = s, .write = true };
	struct pg_args args;
	struct pg_call c = { .st = PG_content_unused, .args = &args };
	pg_args_init(&args);
	pg_arg_int8(&args, SWEEP_MAX);
	enum err e = store_pg_run(&t, &c, 1);
	*n = 0;
	for (int i = 0; !e && i < c.n && i < SWEEP_MAX; i++)
		*n += take_hash(&c, i, 0, hash[*n]) && !left_to_reader(s, hash[*n]);
	pg_clear(&c, 1);
	pg_args_fini(&args);
	store_pg_let_go(&t);
	return e;
}

void store_pg_contents_sweep(struct pg_store *s)
{
	unsigned char hash[SWEEP_MAX][SHA256_SIZE];
	enum err e;
	int n = 0;
	do {
		if ((e = some_unused(s, hash, &n)))
			log_warn("sql", "contents that nobody needs are deleted at the next start only: %s", err_info[e].text);
		for (int i = 0; i < n && !e; i++)
			e = delete_unused(s, hash[i]);
	} while (!e && n == SWEEP_MAX);
}

static void close_open(void *ctx)
{
	struct pg_pin *p = ctx;
	struct pg_store *s = p->store;
	lock_take(&s->pins.lock);
	bool last = !--p->count;
	if (last)
		*pin_place(s, p->hash) = p->next;
	lock_drop(&s->pins.lock);
	if (!last)
		return;
	if (p->unused)
		delete_unused(s, p->hash);
	free(p);
}

enum err store_pg_blob_open(struct store *st, const struct store_blob_info *info, struct content *out)
{
	struct pg_store *s = (struct pg_store *)st;
	struct pg_pin *fresh = calloc(1, sizeof *fresh);
	if (!fresh)
		return ERR_NO_MEMORY;
	*fresh = (struct pg_pin){ .store = s, .size = info->size };
	memcpy(fresh->hash, info->hash, sizeof fresh->hash);
	lock_take(&s->pins.lock);
	struct pg_pin **place = pin_place(s, info->hash), *p = *place;
	if (!p)
		p = *place = fresh;
	p->count++;
	lock_drop(&s->pins.lock);
	if (p != fresh)
		free(fresh);
	*out = (struct content){ .size = info->size, .read = read_open, .close = close_open, .ctx = p };
	return ERR_OK;
}
