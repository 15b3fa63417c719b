/* SPDX-License-Identifier: Apache-2.0
 * http_content.c - a body that is in no memory: the threads for files read it ahead, the loop sends what they have read.
 *
 * Two pieces take turns.  When the next one is not there yet, the connection is suspended until it is; when both are full because the
 * client is slow, no thread waits for it.  All that many clients can take of the memory is bounded by making the pieces small for those
 * beyond the first MANY.
 */
#include <stdlib.h>

#include "base/log.h"
#include "server/http_loop.h"

#define PIECE ((size_t)256 << 10)
#define PIECE_SMALL ((size_t)16 << 10)
#define MANY 128
#define BLOCK ((size_t)64 << 10)	/* what libmicrohttpd takes at a time */

struct piece {
	size_t n, at;
	bool full;			/* then it is the loop's, else the reading thread's */
	char *p;
};

struct download {
	struct file_job job;
	struct wakeup wakeup;
	struct server *server;
	struct content content;
	int64_t at, left;		/* of the content: to be read */
	size_t size;			/* of a piece */
	bool two;			/* there are two pieces, which end where the parts of a store do */
	struct piece piece[2];
	unsigned sending, reading;	/* which of the two */
	struct lock lock;		/* of all below, and of piece[].full */
	bool working;			/* a thread has it, or will */
	bool waiting;			/* the connection is suspended */
	bool failed, closed;
};

static void finish(struct download *d)
{
	content_close(&d->content);
	atomic_fetch_sub(&d->server->n_downloads, 1);
	lock_fini(&d->lock);
	free(d->piece[0].p);
	free(d->piece[1].p);
	free(d);
}

/* -- reading: a thread for files ------------------------------------------------------------------------------------------------- */

static enum err read_piece(struct download *d, struct piece *p)
{
	struct diag diag = DIAG_INIT;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	size_t room = d->two ? d->size - (size_t)(d->at % (int64_t)d->size) : d->size;
	p->n = (uint64_t)d->left < room ? (size_t)d->left : room;
	p->at = 0;
	enum err e = d->content.read(d->content.ctx, d->at, p->p, p->n, &diag);
	d->at += (int64_t)p->n;
	d->left -= (int64_t)p->n;
	if (e)
		log_warn("http", "a download breaks off: %s", diag_first(&diag, why, sizeof why));
	diag_fini(&diag);
	return e;
}

/* Is there anything to read into?  The lock is held. */
static bool may_read(const struct download *d)
{
	return !d->closed && !d->failed && d->left && !d->piece[d->reading].full;
}

static void work(struct file_job *job)
{
	struct download *d = (struct download *)(void *)((char *)job - offsetof(struct download, job));
	lock_take(&d->lock);
	while (may_read(d)) {
		struct piece *p = &d->piece[d->reading];
		lock_drop(&d->lock);
		enum err e = read_piece(d, p);
		lock_take(&d->lock);
		d->failed = e != ERR_OK;
		p->full = !e;
		d->reading ^= 1;
		if (d->waiting)
			http_wake(&d->wakeup);
		d->waiting = false;
	}
	d->working = false;
	bool last = d->closed;
	lock_drop(&d->lock);
	if (last)
		finish(d);
}

/* -- sending: the loop ------------------------------------------------------------------------------------------------------------- */

/* The lock is held. */
static void read_on(struct download *d)
{
	if (d->working || !may_read(d))
		return;
	d->working = queue_put(d->server->files, &d->job, 0);
	d->failed |= !d->working;
}

static size_t take(struct piece *p, char *out, size_t max)
{
	size_t n = p->n - p->at < max ? p->n - p->at : max;
	memcpy(out, p->p + p->at, n);
	p->at += n;
	return n;
}

static ssize_t next(void *cls, uint64_t at, char *out, size_t max)
{
	struct download *d = cls;
	struct piece *p = &d->piece[d->sending];
	ssize_t n = 0;
	(void)at;
	lock_take(&d->lock);
	if (p->full) {
		n = (ssize_t)take(p, out, max);
		if (p->at == p->n) {
			p->full = false;
			d->sending ^= 1;
		}
	}
	read_on(d);
	if (!n && d->failed) {
		n = MHD_CONTENT_READER_END_WITH_ERROR;
	} else if (!n && !d->working && !d->left) {
		n = MHD_CONTENT_READER_END_OF_STREAM;
	} else if (!n) {
		d->waiting = true;
		http_suspend(&d->wakeup);
	}
	lock_drop(&d->lock);
	return n;
}

/* The connection has ended; whoever still reads closes, else a thread that may block. */
static void end(void *cls)
{
	struct download *d = cls;
	lock_take(&d->lock);
	d->closed = true;
	bool mine = !d->working;
	d->working = mine && queue_put(d->server->files, &d->job, 0);
	mine &= !d->working;
	lock_drop(&d->lock);
	if (mine)
		finish(d);
}

struct MHD_Response *http_content_body(struct request *r, struct content content, int64_t from, int64_t length)
{
	struct server *s = r->call.server;
	struct download *d = calloc(1, sizeof *d);
	if (!d) {
		http_content_forget(s, &content);
		return NULL;
	}
	d->size = atomic_fetch_add(&s->n_downloads, 1) < MANY ? PIECE : PIECE_SMALL;
	if ((uint64_t)length < d->size)
		d->size = (size_t)length;
	d->job.run = work;
	d->wakeup = (struct wakeup){ .connection = r->wakeup.connection, .loop = r->wakeup.loop };
	d->server = s;
	d->content = content;
	d->at = from;
	d->left = length;
	lock_init(&d->lock, RANK_POOL);
	d->two = (uint64_t)length > d->size;
	struct MHD_Response *resp = NULL;
	if ((d->piece[0].p = malloc(d->size + 1)) && (!d->two || (d->piece[1].p = malloc(d->size))))
		resp = MHD_create_response_from_callback((uint64_t)length, BLOCK, next, d, end);
	if (!resp)
		end(d);
	return resp;
}

/* -- what nobody reads any more ---------------------------------------------------------------------------------------------------- */

struct forget {
	struct file_job job;
	struct content content;
};

static void forget(struct file_job *job)
{
	struct forget *f = (struct forget *)(void *)job;	/* its first member */
	content_close(&f->content);
	free(f);
}

void http_content_forget(struct server *s, struct content *c)
{
	struct forget *f = c->close ? malloc(sizeof *f) : NULL;
	if (f)
		*f = (struct forget){ { forget }, *c };
	if (f && queue_put(s->files, &f->job, 0)) {
		*c = (struct content){ 0 };
		return;
	}
	free(f);
	content_close(c);
}
