/* SPDX-License-Identifier: Apache-2.0
 * http_upload.c - a body that is a file: it is collected to UPLOAD_PIECE bytes, then a thread for files writes them, while the connection waits.
 */
#include "server/http_loop.h"

/* A file may be as large as it likes, but for its bound: it does not stay in memory. */
enum err http_upload_judge(struct request *r)
{
	struct call *c = &r->call;
	const char *length = r->content_length;
	size_t n = 0, most = (size_t)c->file_max;
	r->body_max = most < SIZE_MAX - UPLOAD_OVERHEAD ? most + UPLOAD_OVERHEAD : SIZE_MAX;
	if (length && (!str_size(length, strlen(length), &n) || n > r->body_max))
		return diag_add(&c->diag, ERR_TOO_LARGE, "a file may have %zu bytes here", most);
	if (length && !n)
		return ERR_OK;		/* no body at all is another fault */
	enum err e = upload_new(c->arena, c->content_type, c->scratch_dir, c->file_max, &c->upload, &c->diag);
	if (!e && n && !buf_reserve(&r->body, n < UPLOAD_PIECE ? n : UPLOAD_PIECE))
		e = ERR_NO_MEMORY;
	return e;
}

/* A thread for files. */
static void work_feed(struct file_job *job)
{
	struct request *r = (struct request *)(void *)((char *)job - offsetof(struct request, filing));
	struct call *c = &r->call;
	size_t n = r->body.n;
	enum err e = upload_feed(c->upload, r->body.p, n, &c->diag);
	r->taken += n;
	r->charged -= n;
	atomic_fetch_sub(&c->server->body_bytes, n);
	buf_reset(&r->body);
	r->refused = e;
	http_wake(&r->wakeup);
}

enum err http_upload_feed(struct request *r)
{
	r->filing.run = work_feed;
	if (!queue_put(r->call.server->files, &r->filing, 0))
		return diag_add(&r->call.diag, ERR_UNAVAILABLE, "the server is too busy");
	http_suspend(&r->wakeup);
	return ERR_OK;
}

/* A large file goes away slowly, and a store may have to be asked. */
void http_upload_forget(struct request *r)
{
	struct call *c = &r->call;
	http_content_forget(c->server, &c->reply.content);
	if (c->upload && c->upload->file && scratch_size(c->upload->file) > (int64_t)SCRATCH_MEMORY) {
		struct content file = scratch_take(c->upload->file);
		c->upload->file = NULL;
		http_content_forget(c->server, &file);
	}
	upload_free(c->upload);
	c->upload = NULL;
}
