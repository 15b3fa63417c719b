/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/store.h"

#include "base/thread.h"

const char *quality_name(enum quality q)
{
	static const char *const names[] = { "good", "uncertain", "simulated", "stale", "bad" };
	return (unsigned)q < sizeof names / sizeof *names ? names[q] : "bad";
}

/* -- small blobs --------------------------------------------------------------------------------------------------------------------- */

enum err store_blob_put(struct store *s, struct store_txn *t, const char *key, const struct store_blob *b)
{
	struct store_blob_info info = { .content_type = b->content_type, .file_name = b->file_name, .size = (int64_t)b->bytes.n };
	struct slice rest = b->bytes;
	if (!sha256_of(rest.p, rest.n, info.hash))
		return ERR_NO_MEMORY;
	return s->ops->blob_put(t, key, &info, source_slice(&rest), NULL);
}

enum err store_blob_get(struct store *s, struct store_txn *t, const char *key, size_t limit, struct arena *a, struct store_blob *out)
{
	struct store_blob_info info;
	char *p = NULL;
	enum err e = s->ops->blob_find(t, key, a, &info);
	if (!e && (uint64_t)info.size > limit)
		e = ERR_TOO_LARGE;
	if (!e && !(p = arena_raw(a, (size_t)info.size + 1)))
		e = ERR_NO_MEMORY;
	if (!e)
		e = s->ops->blob_read(t, &info, 0, p, (size_t)info.size);
	if (e)
		return e;
	p[info.size] = 0;
	*out = (struct store_blob){ info.content_type, info.file_name, { p, (size_t)info.size } };
	return ERR_OK;
}

/* -- a write that somebody waits for ------------------------------------------------------------------------------------------------- */
struct waiter {
	struct lock lock;
	pthread_cond_t done;
	bool is_done;
};

static void wake(struct store_write *w)
{
	struct waiter *waiter = w->ctx;
	lock_take(&waiter->lock);
	waiter->is_done = true;
	pthread_cond_signal(&waiter->done);
	lock_drop(&waiter->lock);
}

enum err store_write_wait(struct store *s, struct store_write *w)
{
	struct waiter waiter = { .is_done = false };
	lock_init(&waiter.lock, RANK_LEAF);
	cond_init(&waiter.done);
	w->done = wake;
	w->ctx = &waiter;
	s->ops->write_values(s, w);
	lock_take(&waiter.lock);
	while (!waiter.is_done)
		lock_wait(&waiter.lock, &waiter.done, -1);
	lock_drop(&waiter.lock);
	pthread_cond_destroy(&waiter.done);
	lock_fini(&waiter.lock);
	return w->err;
}
