/* SPDX-License-Identifier: Apache-2.0
 * op_package_async.c - packages that are taken at once and stored in the background (working draft of IDTA-01002 V3.2, "AASX Async File
 * Server API"): one job each (submodels/jobs.h).
 *
 * What is no package at all, and a form that makes no sense, is refused when it comes.  That it cannot be read, or that its id is taken,
 * is the result of the job: an operation that has failed.
 */
#include "aas/aasx.h"
#include "server/actor.h"
#include "server/op.h"
#include "server/package.h"
#include "submodels/jobs.h"

struct taken {
	struct arena *arena;		/* of all that is in here, but the file */
	const char *id, *file_name;
	struct package_ids ids;		/* of the form; none: the package is asked */
	struct scratch *file;
	const char *actor, *request;
};

static void taken_free(void *work)
{
	struct taken *u = work;
	scratch_free(u->file);
	arena_free(u->arena);		/* it is in there itself */
}

static enum err store(struct sm_service *service, const struct taken *u, const struct package_ids *ids, struct arena *a, struct diag *d)
{
	const struct store_package p = {
		.id = u->id, .file_name = u->file_name, .aas_ids = ids->id, .n_aas_ids = ids->n, .size = scratch_size(u->file),
	};
	const struct sm_upload from = op_upload_from(u->file, u->file_name, "application/asset-administration-shell-package");
	struct sm_session *s;
	bool created;
	enum err err = sm_begin(service, true, a, d, &s);
	if (err)
		return err;
	sm_cause(s, u->actor, u->request);
	if (!(err = sm_package_put(s, &p, &from, STORE_CREATE, &created)))
		return sm_commit(s);
	sm_abort(s);
	return err;
}

static enum err run(struct sm_service *service, void *work, struct diag *d)
{
	const struct taken *u = work;
	struct arena *a = arena_new(0);
	struct package_ids ids = u->ids;
	struct diag_frame f;
	enum err err = a ? ERR_OK : ERR_NO_MEMORY;
	if (!err && !ids.n) {
		struct findings *all = findings_of(a, d);	/* then the diag gets more than the first */
		diag_push(d, &f, "file");
		err = all ? package_ids_of_file(a, u->file, &ids, d) : ERR_NO_MEMORY;
		diag_pop(d);
		if (all)
			findings_end(all);
	}
	if (!err)
		err = store(service, u, &ids, a, d);
	if (!err)
		diag_add(d, ERR_OK, "the package has the id \"%s\"", u->id);
	arena_free(a);
	return err;
}

static const struct sm_job_kind uploads = { "upload of a package", run, taken_free };

/* The request, and with it its memory, is gone when the job runs: the file becomes the job's. */
static struct taken *take(struct call *c, const struct package_ids *ids)
{
	char own[UUID_SIZE];
	const char *name = c->upload->file_name;
	struct arena *a = arena_new(0);
	struct taken *u = a ? ARENA_NEW(a, struct taken) : NULL;
	bool named = name && *name;
	if (!u) {
		arena_free(a);
		return NULL;
	}
	uuid_v7(own);
	u->arena = a;
	u->file_name = arena_strdup(a, named ? name : "package.aasx");
	u->id = named && utf8_length(name, strlen(name)) <= SM_PACKAGE_ID_MAX ? u->file_name : arena_strdup(a, own);
	u->ids.id = ids->n ? ARENA_ARRAY(a, const char *, ids->n) : NULL;
	for (size_t i = 0; u->ids.id && i < ids->n; i++)
		u->ids.id[u->ids.n++] = arena_strdup(a, ids->id[i]);
	const char *actor = actor_of(c);
	u->actor = actor ? arena_strdup(a, actor) : NULL;
	u->request = c->correlation_id ? arena_strdup(a, c->correlation_id) : NULL;
	if (arena_failed(a)) {
		arena_free(a);
		return NULL;
	}
	u->file = c->upload->file;
	c->upload->file = NULL;
	return u;
}

enum err op_post_package_async(struct call *c)
{
	struct package_ids ids = { 0 };
	char handle[SM_JOB_HANDLE];
	if (!package_is(c->upload->file))
		return diag_add(&c->diag, ERR_BAD_REQUEST, "file: this is no AASX package");
	enum err err = package_ids_of_form(c, &ids);
	if (err)
		return err;
	struct taken *u = take(c, &ids);
	if (!u)
		return ERR_NO_MEMORY;
	if (!(err = sm_job_submit(c->service, &uploads, u, SCRATCH_MEMORY, handle, &c->diag)))
		reply_created(c, "/packages-async/status/%s", reply_b64(c, handle));
	return err;
}

enum err op_package_async_status(struct call *c)
{
	bool done;
	enum err err = sm_job_status(c->service, &uploads, c->handle, &done, &c->diag);
	if (err)
		return err;
	if (done) {
		c->reply.status = 302;
		reply_created(c, "/packages-async/results/%s", reply_b64(c, c->handle));
	} else {
		buf_puts(&c->reply.body, "{\"messages\":[],\"executionState\":\"Running\"}");
	}
	return ERR_OK;
}

/* A BaseOperationResult: its messages say what came of it. */
enum err op_package_async_result(struct call *c)
{
	struct diag said = DIAG_INIT;
	enum err outcome, err = sm_job_result(c->service, &uploads, c->handle, &outcome, &said);
	struct buf *b = &c->reply.body;
	if (err) {
		diag_add(&c->diag, err, "%s", said.n ? said.list[0].text : err_info[err].text);
	} else {
		buf_putc(b, '{');
		reply_messages(c, &said, outcome);
		buf_printf(b, ",\"executionState\":\"%s\",\"success\":%s}", outcome ? "Failed" : "Completed", outcome ? "false" : "true");
	}
	diag_fini(&said);
	return err;
}
