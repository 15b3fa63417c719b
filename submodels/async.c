/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/async.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "aas/json.h"
#include "aas/tree.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "submodels/session.h"

#define TRIES 8				/* to write a state: the pauses between them make some three seconds */
#define PAUSE_US 25000
#define RECOVER_AT_ONCE 100
#define HANDLE_BYTES 16
#define THREADS_MAX 256
#define KEEP_MAX_US (366 * 86400 * US_PER_S)

enum event { EV_START, EV_COMPLETE, EV_FAIL, EV_EXPIRE, EV_CANCEL, EV_STOP, EV_LOST };

struct job {
	struct sm_async *async;
	struct arena *arena;
	size_t charged;			/* bytes */
	int64_t deadline_mono_us;
	struct sm_invocation in;
	struct sm_outcome out;
	enum execution_state state;
	struct store_invocation row;
};

struct sm_async {
	struct sm_service *service;
	struct sm_async_config conf;
	struct queue *queue;
	struct lock lock;		/* of the threads' start and end */
	pthread_t *thread;
	unsigned n_threads;
	bool stopped;
	atomic_bool closing;
	atomic_size_t waiting, memory;
};

/* -- the store -------------------------------------------------------------------------------------------------------------------- */

struct trim {
	int64_t before_us;
	size_t keep;
};

static enum err write_row(struct store *st, struct store_txn *t, void *ctx)
{
	return st->ops->invocation_put(t, ctx);
}

static enum err write_trim(struct store *st, struct store_txn *t, void *ctx)
{
	const struct trim *c = ctx;
	return st->ops->invocation_trim(t, c->before_us, c->keep);
}

static enum err transact(struct store *st, enum err (*work)(struct store *, struct store_txn *, void *), void *ctx)
{
	struct store_txn *t;
	enum err e = st->ops->begin(st, true, &t);
	if (e)
		return e;
	if (!(e = work(st, t, ctx)))
		return st->ops->commit(t);
	st->ops->abort(t);
	return e;
}

/* A state that is not written is a state that nobody learns of: while the store is away, try again for a while. */
static enum err insist(struct store *st, enum err (*work)(struct store *, struct store_txn *, void *), void *ctx)
{
	enum err e = transact(st, work, ctx);
	int64_t pause = PAUSE_US;
	for (int n = 1; (e == ERR_AGAIN || e == ERR_UNAVAILABLE) && n < TRIES; n++, pause *= 2) {
		clock_sleep_us(pause);
		e = transact(st, work, ctx);
	}
	return e;
}

/* For the thread of the asset's life, which outlives the result. */
static void keep(struct job *j)
{
	struct sm_invocation in = j->in;
	struct sm_outcome out = { j->state, j->out.outputs, j->out.inoutputs, j->row.message };
	in.submodel_id = j->row.submodel_id;	/* of one that was left open there is no more than the row */
	in.path = j->row.path;
	sm_invocation_keep(j->async->service, &in, &out, &(struct store_invoked){ .handle = j->row.id, .asynchronous = true,
			   .requested_us = j->row.requested_us, .ended_us = j->row.ended_us });
}

/* -- the life of a job ------------------------------------------------------------------------------------------------------------ */

static void record(struct job *j)
{
	struct store *st = j->async->service->conf.store;
	j->row.state = execution_state_name(j->state);
	enum err e = insist(st, write_row, &j->row);
	if (e)
		log_error("async", "the state %s of an invocation of %s could not be stored: %s", j->row.state, j->row.path, err_info[e].text);
}

static const char *list_text(struct job *j, const struct aas_node *list)
{
	struct buf b = BUF_INIT;
	if (!list)
		return NULL;
	for (const struct aas_node *n = list; n; n = n->next) {
		buf_putc(&b, n == list ? '[' : ',');
		aas_json_write(&b, n);
	}
	buf_putc(&b, ']');
	const char *text = b.failed ? NULL : arena_strndup(j->arena, b.p, b.n);
	buf_fini(&b);
	if (!text) {
		j->state = EXECUTION_FAILED;
		j->row.message = "out of memory";
	}
	return text;
}

static void finish(struct job *j)
{
	struct sm_async *s = j->async;
	struct trim trim = { 0, s->conf.keep };
	j->row.message = j->out.message;
	j->row.outputs = list_text(j, j->out.outputs);
	j->row.inoutputs = list_text(j, j->out.inoutputs);
	j->row.ended_us = clock_now_us();
	record(j);
	keep(j);
	trim.before_us = j->row.ended_us - s->conf.keep_us;
	enum err e = transact(s->service->conf.store, write_trim, &trim);
	if (e)		/* the next one will do it */
		log_debug("async", "old results could not be forgotten: %s", err_info[e].text);
}

static const struct {
	enum execution_state state;
	enum event event;
	enum execution_state next;
	void (*action)(struct job *);
} rows[] = {
#define T(state, event, next, action) { EXECUTION_##state, EV_##event, EXECUTION_##next, action },
#include "submodels/operation.def"
#undef T
};

static void happen(struct job *j, enum event ev)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].state != j->state || rows[i].event != ev)
			continue;
		j->state = rows[i].next;
		rows[i].action(j);
		return;
	}
	log_error("async", "an invocation of %s that is %s met event %d", j->row.path, execution_state_name(j->state), (int)ev);
}

static void job_free(struct job *j)
{
	atomic_fetch_sub(&j->async->memory, j->charged);
	arena_free(j->arena);
	free(j);
}

static void end_without(struct job *j, enum event ev, const char *message)
{
	j->out = (struct sm_outcome){ .message = message };
	happen(j, ev);
}

static const enum event event_of[] = {
	[EXECUTION_COMPLETED] = EV_COMPLETE, [EXECUTION_FAILED] = EV_FAIL, [EXECUTION_TIMEOUT] = EV_EXPIRE, [EXECUTION_CANCELED] = EV_CANCEL,
};

static void execute(struct job *j)
{
	struct diag d = DIAG_INIT;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	enum err e = sm_invocation_run(j->async->service, &j->in, j->arena, &j->out, &d);
	if (e) {
		const char *text = arena_strdup(j->arena, d.n ? diag_first(&d, why, sizeof why) : err_info[e].text);
		end_without(j, EV_FAIL, text ? text : "out of memory");
	} else if (clock_mono_us() > j->deadline_mono_us + j->async->conf.grace_us) {
		/* the clients have been told so already */
		end_without(j, EV_EXPIRE, "the outcome came after the time was over");
	} else {
		happen(j, event_of[j->out.state]);
	}
	diag_fini(&d);
}

static void *run(void *arg)
{
	struct sm_async *s = arg;
	for (struct job *j; (j = queue_get(s->queue, -1)); job_free(j)) {
		atomic_fetch_sub(&s->waiting, 1);
		j->in.timeout_us = j->deadline_mono_us - clock_mono_us();
		if (atomic_load(&s->closing)) {
			end_without(j, EV_STOP, "the server is stopping");
		} else if (j->in.timeout_us <= 0) {
			end_without(j, EV_EXPIRE, "the time was over before it could begin");
		} else {
			happen(j, EV_START);
			execute(j);
		}
	}
	return NULL;
}

/* -- invoking --------------------------------------------------------------------------------------------------------------------- */

/* All of them with the first invocation; some are enough. */
static bool start_threads(struct sm_async *s)
{
	lock_take(&s->lock);
	if (!s->thread && !s->stopped && (s->thread = calloc(s->conf.threads, sizeof *s->thread)))
		while (s->n_threads < s->conf.threads && thread_start(&s->thread[s->n_threads], "operation", run, s))
			s->n_threads++;
	bool some = s->n_threads > 0;
	if (!some) {
		free(s->thread);
		s->thread = NULL;
	}
	lock_drop(&s->lock);
	return some;
}

static enum err copy_list(struct arena *a, const struct aas_node *from, const struct aas_node **out)
{
	struct aas_node *head = NULL, **tail = &head;
	for (; from; from = from->next, tail = &(*tail)->next)
		if (!(*tail = aas_copy(a, from)))
			return ERR_NO_MEMORY;
	*out = head;
	return ERR_OK;
}

/* The dot keeps it from being taken for the base64url of something. */
void sm_handle(char out[SM_HANDLE_SIZE])
{
	unsigned char random[HANDLE_BYTES];
	random_bytes(random, sizeof random);
	memcpy(out, "op.", 3);
	for (size_t i = 0; i < sizeof random; i++) {
		out[3 + 2 * i] = "0123456789abcdef"[random[i] >> 4];
		out[4 + 2 * i] = "0123456789abcdef"[random[i] & 15];
	}
	out[3 + 2 * sizeof random] = 0;
}

/* An independent copy of everything. */
static enum err fill(struct job *j, const struct sm_invocation *in, bool value_only, struct diag *d)
{
	struct arena *a = j->arena;
	int64_t now = clock_now_us();
	j->in = (struct sm_invocation){ arena_strdup(a, in->submodel_id), arena_strdup(a, in->path), NULL, NULL, NULL, in->timeout_us,
					in->actor ? arena_strdup(a, in->actor) : NULL, in->request ? arena_strdup(a, in->request) : NULL };
	char handle[SM_HANDLE_SIZE];
	sm_handle(handle);
	enum err e = copy_list(a, in->inputs, &j->in.inputs);
	if (!e)
		e = copy_list(a, in->inoutputs, &j->in.inoutputs);
	if (e || arena_failed(a))
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	if ((e = sm_invocation_prepare(j->async->service, &j->in, a, d)))
		return e;
	j->deadline_mono_us = clock_mono_us() + j->in.timeout_us;
	j->state = EXECUTION_INITIATED;
	j->row = (struct store_invocation){
		.id = arena_strdup(a, handle), .submodel_id = j->in.submodel_id, .path = j->in.path, .owner = j->async->conf.owner,
		.state = execution_state_name(j->state), .value_only = value_only,
		.requested_us = now, .deadline_us = now + j->in.timeout_us, .ended_us = TIME_NONE,
	};
	return ERR_OK;
}

static enum err job_new(struct sm_async *s, const struct sm_invocation *in, bool value_only, struct job **out, struct diag *d)
{
	struct job *j = calloc(1, sizeof *j);
	enum err e;
	if (!j || !(j->arena = arena_new(0))) {
		free(j);
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	}
	j->async = s;
	if (!(e = fill(j, in, value_only, d))) {
		j->charged = arena_used(j->arena);
		if (atomic_fetch_add(&s->memory, j->charged) + j->charged > s->conf.memory)
			e = diag_add(d, ERR_UNAVAILABLE, "the arguments of all operations under way are too large");
	}
	if (e)
		job_free(j);
	else
		*out = j;
	return e;
}

/* Stores and queues; the job is consumed. */
static enum err submit(struct sm_async *s, struct job *j, struct diag *d)
{
	enum err e = insist(s->service->conf.store, write_row, &j->row);
	if (e) {
		job_free(j);
		return diag_add(d, e, "the invocation could not be stored: %s", err_info[e].text);
	}
	keep(j);
	if (!start_threads(s) || !queue_put(s->queue, j, 0)) {
		bool closing = atomic_load(&s->closing);
		end_without(j, EV_STOP, closing ? "the server is stopping" : "no thread could be started");
		job_free(j);
		return diag_add(d, ERR_UNAVAILABLE, closing ? "the server is stopping" : "no thread could be started");
	}
	return ERR_OK;
}

static enum err begin(struct sm_async *s, const struct sm_invocation *in, bool value_only, struct arena *a, const char **handle, struct diag *d)
{
	struct job *j = NULL;
	enum err e;
	if (atomic_load(&s->closing))
		return diag_add(d, ERR_UNAVAILABLE, "the server is stopping");
	if ((e = job_new(s, in, value_only, &j, d)))
		return e;
	if (atomic_fetch_add(&s->waiting, 1) >= s->conf.waiting) {
		atomic_fetch_sub(&s->waiting, 1);
		job_free(j);
		return diag_add(d, ERR_UNAVAILABLE, "%zu operations wait already", s->conf.waiting);
	}
	if (!(*handle = arena_strdup(a, j->row.id))) {
		atomic_fetch_sub(&s->waiting, 1);
		job_free(j);
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	}
	if ((e = submit(s, j, d)))
		atomic_fetch_sub(&s->waiting, 1);
	return e;
}

enum err sm_invoke_async(struct sm_service *service, const struct sm_invocation *in, bool value_only, struct arena *a, const char **handle,
			 struct diag *d)
{
	struct diag own = DIAG_INIT;
	enum err e = begin(service->async, in, value_only, a, handle, d ? d : &own);
	diag_fini(&own);
	return e;
}

/* -- asking ----------------------------------------------------------------------------------------------------------------------- */

static enum err read_list(struct sm_session *s, const char *json, struct aas_node **out)
{
	*out = NULL;
	return json ? aas_json_read_list(s->arena, AAS_OperationVariable, json, strlen(json), AAS_JSON_DEFAULT, out, s->diag) : ERR_OK;
}

static enum err unknown(struct sm_session *s, const char *handle)
{
	return diag_add(s->diag, ERR_NOT_FOUND, "the operation has no invocation with the handle \"%.80s\", or its result is not kept any more",
			handle);
}

enum err sm_async_get(struct sm_session *s, const char *submodel_id, const char *path, const char *handle, struct sm_async_result *out)
{
	struct store_invocation i = { 0 };
	struct store_txn *txn;
	int64_t now = clock_now_us();
	*out = (struct sm_async_result){ 0 };
	enum err e = sm_txn(s, &txn);
	if (!e)
		e = s->service->conf.store->ops->invocation_get(txn, handle, s->arena, &i);
	if (e)
		return e == ERR_NOT_FOUND ? unknown(s, handle) : e;
	bool ended = i.ended_us != TIME_NONE;
	if (!str_eq(i.submodel_id, submodel_id) || !str_eq(i.path, path) || (ended && i.ended_us < now - s->service->async->conf.keep_us))
		return unknown(s, handle);
	if (!execution_state_find(i.state, &out->outcome.state))
		return diag_add(s->diag, ERR_INTERNAL, "the stored invocation has the state \"%s\"", i.state);
	out->value_only = i.value_only;
	out->outcome.message = i.message;
	if (!ended && now > i.deadline_us + s->service->async->conf.grace_us) {
		out->outcome.state = EXECUTION_TIMEOUT;
		out->outcome.message = "no outcome came in time";
	}
	if (!(e = read_list(s, i.outputs, &out->outcome.outputs)))
		e = read_list(s, i.inoutputs, &out->outcome.inoutputs);
	return e;
}

/* -- start and end ---------------------------------------------------------------------------------------------------------------- */

static enum err list_open(struct sm_async *s, struct arena *a, struct store_invocation **list, size_t *n)
{
	struct store *st = s->service->conf.store;
	struct store_txn *t;
	enum err e = st->ops->begin(st, false, &t);
	if (e)
		return e;
	e = st->ops->invocation_open(t, s->conf.owner, RECOVER_AT_ONCE, a, list, n);
	st->ops->abort(t);
	return e;
}

/* A portion; *n is what was found. */
static enum err close_lost(struct sm_async *s, size_t *n)
{
	static const char *const reason[] = {
		[EXECUTION_INITIATED] = "the server was restarted before it began",
		[EXECUTION_RUNNING] = "the server was restarted while it ran; nobody knows its outcome",
	};
	struct store_invocation *list;
	struct arena *a = arena_new(0);
	enum err e = a ? list_open(s, a, &list, n) : ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < *n; i++) {
		struct job j = { .async = s, .arena = a, .row = list[i] };
		if (!execution_state_find(list[i].state, &j.state) || execution_state_final(j.state))
			j.state = EXECUTION_RUNNING;
		end_without(&j, EV_LOST, reason[j.state]);
	}
	arena_free(a);
	return e;
}

enum err sm_async_recover(struct sm_service *service, struct diag *d)
{
	size_t n = 0, before = SIZE_MAX, all = 0;
	enum err e;
	do {
		if ((e = close_lost(service->async, &n)))
			return diag_add(d, e, "invocations that were left open could not be closed: %s", err_info[e].text);
		if (n == before && n == RECOVER_AT_ONCE)	/* the same ones again: they cannot be written */
			break;
		before = n;
		all += n;
	} while (n == RECOVER_AT_ONCE);
	if (all)
		log_warn("async", "%zu invocations were under way when the server ended", all);
	return ERR_OK;
}

static void defaults(struct sm_async_config *c)
{
	c->owner = c->owner ? c->owner : "twinshell";
	c->threads = c->threads > THREADS_MAX ? THREADS_MAX : c->threads ? c->threads : 8;
	c->waiting = c->waiting ? c->waiting : 256;
	c->memory = c->memory ? c->memory : (size_t)256 << 20;
	c->keep = c->keep ? c->keep : 1000;
	c->grace_us = c->grace_us > 0 ? c->grace_us : 5 * US_PER_S;
	c->keep_us = c->keep_us > KEEP_MAX_US ? KEEP_MAX_US : c->keep_us > 0 ? c->keep_us : 3600 * US_PER_S;
}

struct sm_async *sm_async_new(struct sm_service *service, const struct sm_async_config *conf)
{
	struct sm_async *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->service = service;
	s->conf = *conf;
	defaults(&s->conf);
	lock_init(&s->lock, RANK_POOL);
	if (!(s->queue = queue_new(s->conf.waiting))) {
		sm_async_free(s);
		return NULL;
	}
	return s;
}

static void stop(struct sm_async *s)
{
	atomic_store(&s->closing, true);
	if (s->queue)
		queue_close(s->queue);
	lock_take(&s->lock);
	s->stopped = true;
	pthread_t *thread = s->thread;
	unsigned n = s->n_threads;
	s->thread = NULL;
	s->n_threads = 0;
	lock_drop(&s->lock);
	for (unsigned i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	free(thread);
}

void sm_async_close(struct sm_service *service)
{
	atomic_store(&service->async->closing, true);
	queue_close(service->async->queue);
}

void sm_async_stop(struct sm_service *service)
{
	stop(service->async);
}

void sm_async_free(struct sm_async *s)
{
	if (!s)
		return;
	stop(s);
	queue_free(s->queue);
	lock_fini(&s->lock);
	free(s);
}
