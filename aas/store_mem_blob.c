/* SPDX-License-Identifier: Apache-2.0
 * store_mem_blob.c - blobs of the memory store: entries as all others, bytes counted beside them and shared by their hash.
 *
 * They are in memory for as long as they are stored: MEM_CONTENTS_MAX bytes at most.
 */
#include <stdlib.h>

#include "aas/store_mem_priv.h"

#define MEM_CONTENTS_MAX ((int64_t)4 << 30)

struct mem_content {
	struct mem_contents *all;
	size_t refs;			/* entries, and contents that are open; under the lock of `all` */
	int64_t size;
	unsigned char hash[SHA256_SIZE];
	char bytes[];
};

void store_mem_content_drop(struct mem_content *c)
{
	if (!c)
		return;
	struct mem_contents *all = c->all;
	pthread_mutex_lock(&all->mutex);
	bool last = !--c->refs;
	if (last) {
		map_del(&all->by_hash, (const char *)c->hash, sizeof c->hash);
		all->size -= c->size;
	}
	pthread_mutex_unlock(&all->mutex);
	if (last)
		free(c);
}

/* Counted for the caller; NULL: nobody has such bytes. */
static struct mem_content *find(struct mem_contents *all, const unsigned char *hash)
{
	pthread_mutex_lock(&all->mutex);
	struct mem_content *c = map_get(&all->by_hash, (const char *)hash, SHA256_SIZE);
	if (c)
		c->refs++;
	pthread_mutex_unlock(&all->mutex);
	return c;
}

static enum err take_bytes(struct mem_content *c, struct source from, struct diag *d)
{
	unsigned char hash[SHA256_SIZE];
	size_t n = 0, got = 1;
	char more;
	enum err e = ERR_OK;
	while (!e && got && (int64_t)n < c->size)
		if (!(e = from.read(from.ctx, c->bytes + n, (size_t)c->size - n, &got, d)))
			n += got;
	if (!e && (int64_t)n == c->size && !(e = from.read(from.ctx, &more, 1, &got, d)) && !got && !sha256_of(c->bytes, n, hash))
		e = ERR_NO_MEMORY;
	if (!e && ((int64_t)n < c->size || got || memcmp(hash, c->hash, sizeof hash) != 0))
		e = diag_add(d, ERR_BAD_REQUEST, "the bytes of a file are not those that were announced");
	return e;
}

/* Somebody may have brought the same bytes meanwhile: then those stay. */
static enum err keep(struct mem_contents *all, struct mem_content **fresh)
{
	struct mem_content *c = *fresh, *there;
	enum err e = ERR_OK;
	pthread_mutex_lock(&all->mutex);
	there = map_get(&all->by_hash, (const char *)c->hash, SHA256_SIZE);
	if (there) {
		there->refs++;
	} else if (c->size > MEM_CONTENTS_MAX - all->size || !map_put(&all->by_hash, (const char *)c->hash, SHA256_SIZE, c, NULL)) {
		e = ERR_NO_MEMORY;
	} else {
		all->size += c->size;
	}
	pthread_mutex_unlock(&all->mutex);
	if (there || e) {
		free(c);
		*fresh = there;
	}
	return e;
}

static enum err content_of(struct mem_contents *all, const struct store_blob_info *info, struct source from, struct mem_content **out,
			   struct diag *d)
{
	if ((*out = find(all, info->hash)))
		return ERR_OK;
	if (info->size < 0 || info->size > MEM_CONTENTS_MAX)
		return diag_add(d, ERR_TOO_LARGE, "the store in memory does not keep files of more than %lld bytes", (long long)MEM_CONTENTS_MAX);
	struct mem_content *c = malloc(sizeof *c + (size_t)info->size);
	if (!c)
		return ERR_NO_MEMORY;
	*c = (struct mem_content){ .all = all, .refs = 1, .size = info->size };
	memcpy(c->hash, info->hash, sizeof c->hash);
	enum err e = take_bytes(c, from, d);
	if (e)
		free(c);
	else if (!(e = keep(all, &c)))
		*out = c;
	return e;
}

static struct mem_entry *entry_of(const char *key, const struct store_blob_info *info, struct mem_content *content)
{
	struct mem_entry *e = store_mem_entry(key, SLICE(""));
	if (!e) {
		store_mem_content_drop(content);
		return NULL;
	}
	e->content = content;
	if ((info->content_type && !(e->content_type = strdup(info->content_type))) ||
	    (info->file_name && !(e->file_name = strdup(info->file_name)))) {
		store_mem_entry_free(e);
		return NULL;
	}
	return e;
}

struct mem_entry *store_mem_entry_copy(const struct mem_entry *e, size_t *files)
{
	struct mem_entry *copy = store_mem_entry(e->id, (struct slice){ e->json, e->n });
	*files = e->content ? (size_t)e->content->size : 0;
	if (!copy)
		return NULL;
	if ((e->content_type && !(copy->content_type = strdup(e->content_type))) || (e->file_name && !(copy->file_name = strdup(e->file_name)))) {
		store_mem_entry_free(copy);
		return NULL;
	}
	copy->content = e->content ? find(e->content->all, e->content->hash) : NULL;
	return copy;
}

enum err store_mem_blob_put(struct store_txn *t, const char *key, const struct store_blob_info *info, struct source from, struct diag *d)
{
	struct mem_content *content = NULL;
	int64_t base;
	enum err err = t->write ? content_of(&t->store->contents, info, from, &content, d) : ERR_INTERNAL;
	if (err)
		return store_mem_noted(t, err);
	struct mem_entry *e = entry_of(key, info, content);
	pthread_mutex_lock(&t->store->mutex);
	const struct mem_entry *old = store_mem_visible(t, MEM_BLOB, key, &base);
	err = store_mem_lay_change(t, e, base, store_mem_event(t, STORE_FILE, key, old ? STORE_OP_REPLACE : STORE_OP_CREATE, old));
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

static enum err tell(const struct mem_entry *e, struct arena *a, struct store_blob_info *out)
{
	*out = (struct store_blob_info){
		.content_type = e->content_type ? arena_strdup(a, e->content_type) : NULL,
		.file_name = e->file_name ? arena_strdup(a, e->file_name) : NULL, .size = e->content->size,
	};
	memcpy(out->hash, e->content->hash, sizeof out->hash);
	return arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}

enum err store_mem_blob_find(struct store_txn *t, const char *key, struct arena *a, struct store_blob_info *out)
{
	int64_t base;
	enum err err = ERR_NOT_FOUND;
	pthread_mutex_lock(&t->store->mutex);
	const struct mem_entry *e = store_mem_visible(t, MEM_BLOB, key, &base);
	if (e)
		err = tell(e, a, out);
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

enum err store_mem_blob_at(struct store_txn *t, const char *key, int64_t at_us, struct arena *a, struct store_blob_info *out)
{
	const struct mem_entry *e;
	pthread_mutex_lock(&t->store->mutex);
	enum err err = store_mem_entry_at(t, STORE_FILE, key, at_us, &e);
	if (!err)
		err = tell(e, a, out);
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

enum err store_mem_blob_del(struct store_txn *t, const char *key)
{
	return store_mem_remove(t, MEM_BLOB, key);
}

/* -- reading ------------------------------------------------------------------------------------------------------------------- */

enum err store_mem_blob_read(struct store_txn *t, const struct store_blob_info *info, int64_t at, char *to, size_t n)
{
	struct mem_content *c = find(&t->store->contents, info->hash);
	if (!c)
		return store_mem_noted(t, ERR_AGAIN);		/* deleted since it was found */
	memcpy(to, c->bytes + at, n);
	store_mem_content_drop(c);
	return ERR_OK;
}

static enum err read_content(void *ctx, int64_t at, char *to, size_t n, struct diag *d)
{
	(void)d;
	memcpy(to, ((struct mem_content *)ctx)->bytes + at, n);
	return ERR_OK;
}

static void close_content(void *ctx)
{
	store_mem_content_drop(ctx);
}

enum err store_mem_blob_open(struct store *s, const struct store_blob_info *info, struct content *out)
{
	struct mem_content *c = find(&((struct mem_store *)s)->contents, info->hash);
	if (!c)
		return ERR_NOT_FOUND;
	*out = (struct content){ .size = c->size, .read = read_content, .close = close_content, .ctx = c };
	return ERR_OK;
}
