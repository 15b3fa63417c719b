/* SPDX-License-Identifier: Apache-2.0
 * The pipeline: matching, refusing, running a handler again, and what becomes of its reply.
 */
#include "server/call.h"

#include "tests/tap.h"

/* A store that only counts transactions. */
static int begun, committed, aborted;
static enum err next_commit;
static const char *document;

static enum err fake_begin(struct store *s, bool write, struct store_txn **t)
{
	(void)write;
	begun++;
	*t = (struct store_txn *)s;
	return ERR_OK;
}

static enum err fake_commit(struct store_txn *t)
{
	(void)t;
	enum err e = next_commit;
	committed++;
	next_commit = ERR_OK;
	return e;
}

static void fake_abort(struct store_txn *t)
{
	(void)t;
	aborted++;
}

static enum err fake_get(struct store_txn *t, enum store_kind kind, const char *id, struct arena *arena, struct store_doc *doc)
{
	(void)t, (void)kind;
	if (!document)
		return ERR_NOT_FOUND;
	*doc = (struct store_doc){ arena_strdup(arena, id), { arena_strdup(arena, document), strlen(document) }, 1 };
	return ERR_OK;
}

static struct store_write *under_way;
static void fake_write(struct store *s, struct store_write *w)
{
	(void)s;
	under_way = w;
}

static void fake_cause(struct store_txn *t, const struct store_cause *c)
{
	(void)t, (void)c;
}

static const struct store_ops fake_ops = { .cause = fake_cause, .write_values = fake_write, .get = fake_get, .begin = fake_begin, .commit = fake_commit, .abort = fake_abort };
static struct store fake_store = { &fake_ops };
static struct sm_service *service;
static struct arena *a;

static int runs;
static enum err script[20];		/* what the handler says, run by run */
static const struct aas_node *seen[20];

static enum err handler(struct call *c)
{
	const struct sm_tree *t;
	int run = runs++;
	if (c->session && sm_get(c->session, STORE_SHELL, "x", &t) == ERR_NOT_FOUND)
		diag_clear(&c->diag);		/* this opened the transaction */
	seen[run] = c->node;
	buf_printf(&c->reply.body, "{\"run\":%d}", run);
	return script[run] ? diag_add(&c->diag, script[run], "secret at run %d", run) : ERR_OK;
}

static void start(struct call *c, const char *method, const char *path)
{
	*c = (struct call){ .arena = a, .service = service, .method = method, .path = slice_of(path), .base_path = "" };
	buf_init(&c->reply.body, 0);
	begun = committed = aborted = runs = 0;
	memset(script, 0, sizeof script);
}

static void end(struct call *c)
{
	buf_fini(&c->reply.body);
	diag_fini(&c->diag);
}

/* The row of the path with our handler in it. */
static struct route with_handler(struct call *c, enum err (*run)(struct call *))
{
	route_find(c->method, c->path, &c->match);
	struct route r = *c->match.route;
	r.handler = run;
	c->begun = true;
	return r;
}

static bool says(const struct call *c, const char *text)
{
	return c->reply.body.p && strstr(c->reply.body.p, text);
}

static void refusals(void)
{
	struct call c;
	start(&c, "GET", "/nothing/here");
	call_run(&c);
	check(c.reply.status == 404 && says(&c, "\"messageType\":\"Error\",\"code\":\"404\""), "no such path");
	check(says(&c, "\"correlationId\":\"") && c.correlation_id && strlen(c.correlation_id) == 36, "gets a correlation id");
	end(&c);
	start(&c, "PATCH", "/shells");
	c.correlation_id = "mine";
	call_run(&c);
	check(c.reply.status == 405 && says(&c, "\"correlationId\":\"mine\""), "no such method");
	check_str(c.reply.allow, "GET, HEAD, POST", "with Allow");
	end(&c);
	for (size_t i = 0; i < n_routes; i++) {		/* one that is not built, if there is one */
		if (routes[i].handler || *routes[i].prefix || strchr(routes[i].path, '{'))
			continue;
		start(&c, routes[i].method, routes[i].path);
		call_run(&c);
		check_int(c.reply.status, 501, "not built: %s", routes[i].path);
		end(&c);
		break;
	}
	start(&c, "GET", "/shells");
	c.accept = "text/html";
	call_run(&c);
	check_int(c.reply.status, 406, "no JSON wanted");
	end(&c);
	start(&c, "GET", "/shells/!");
	call_run(&c);
	check(c.reply.status == 400 && says(&c, "aasIdentifier: "), "a wrong id");
	end(&c);
	start(&c, "POST", "/shells");
	c.content_type = "text/plain";
	c.body = SLICE("x");
	call_run(&c);
	check(c.reply.status == 415 && !begun, "a wrong type, before any transaction");
	end(&c);
}

static void statuses(void)
{
	struct call c;
	start(&c, "GET", "/description");
	struct route r = with_handler(&c, handler);
	c.route = &r;
	call_run(&c);
	check(c.reply.status == 200 && says(&c, "{\"run\":0}") && begun == 1 && committed == 1 && !aborted, "200 with a body, one transaction");
	end(&c);
	static const struct { enum route_reply reply; const char *location; int status; bool body; } row[] = {
		{ REPLY_ONE, NULL, 200, true }, { REPLY_200, NULL, 200, false }, { REPLY_201, "/x", 201, true }, { REPLY_202, "/x", 202, false },
		{ REPLY_204, NULL, 204, false }, { REPLY_PUT, NULL, 204, false }, { REPLY_PUT, "/x", 201, true }, { REPLY_RAW, NULL, 200, true },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		start(&c, "GET", "/description");
		r = with_handler(&c, handler);
		r.reply = row[i].reply;
		c.route = &r;
		c.reply.location = row[i].location;
		call_run(&c);
		check(c.reply.status == row[i].status && (c.reply.body.n > 0) == row[i].body, "reply column %d gives %d", row[i].reply, row[i].status);
		end(&c);
	}
}

/* A commit that nobody waits for. */
static int n_done, n_again;
static void is_done(struct call *c)
{
	(void)c;
	n_done++;
}

static void is_again(struct call *c)
{
	(void)c;
	n_again++;
}

static enum err patcher(struct call *c)
{
	runs++;
	return c->attempt > 1 ? ERR_OK : sm_value_patch(c->session, "urn:x", "P", SLICE("5"));
}

static void finish_write(enum err e)
{
	struct store_write *w = under_way;
	under_way = NULL;
	w->err = e;
	w->version = 2;
	w->done(w);
}

static void later(void)
{
	struct call c;
	struct route r;
	static const struct { enum err err; int done, again, status; } row[] = {
		{ ERR_OK, 1, 0, 204 }, { ERR_UNAVAILABLE, 1, 0, 503 }, { ERR_AGAIN, 0, 1, 0 }, { ERR_NOT_FOUND, 0, 1, 0 },
	};
	document = "{\"modelType\":\"Submodel\",\"id\":\"urn:x\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"P\",\"valueType\":\"xs:int\"}]}";
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		start(&c, "PATCH", "/submodels/dXJuOng/submodel-elements/P/$value");
		r = with_handler(&c, patcher);
		c.route = &r;
		c.body = SLICE("5");
		c.done = is_done;
		c.again = is_again;
		n_done = n_again = 0;
		bool final = call_start(&c);
		if (!check(!final && under_way && !n_done, "the call is not finished: %d %s", c.reply.status, c.reply.body.n ? c.reply.body.p : ""))
			return;
		check(!strcmp(under_way->submodel_id, "urn:x") && under_way->n == 1 && !strcmp(under_way->value[0].text, "5"), "its write is under way");
		finish_write(row[i].err);
		check(n_done == row[i].done && n_again == row[i].again && c.reply.status == row[i].status, "%s ends it in the right way", err_info[row[i].err].name);
		if (n_again) {
			check(call_start(&c) && runs == 2 && c.reply.status == 204 && !under_way, "once more, with patience, and it is final");
			check_int(n_done, 0, "which its caller knows");
		}
		end(&c);
	}
	document = NULL;
}

static void again(void)
{
	struct call c;
	struct route r;
	start(&c, "POST", "/submodels");
	c.body = SLICE("{\"modelType\":\"Submodel\",\"id\":\"x\"}");
	r = with_handler(&c, handler);
	c.route = &r;
	script[0] = ERR_AGAIN;
	next_commit = ERR_OK;
	call_run(&c);
	check(runs == 2 && begun == 2 && aborted == 1 && committed == 1 && says(&c, "{\"run\":1}"),
	      "a soft error is run again, from a clean reply");
	check(seen[0] && seen[1] && seen[0] != seen[1], "with a fresh node");
	check_int(c.reply.status, 201, "and succeeds");
	end(&c);

	start(&c, "POST", "/submodels");
	c.body = SLICE("{\"modelType\":\"Submodel\",\"id\":\"x\"}");
	c.route = &r;
	c.begun = true;
	next_commit = ERR_AGAIN;
	call_run(&c);
	check(runs == 2 && committed == 2 && c.reply.status == 201, "so is one that shows only at the commit");
	end(&c);

	start(&c, "POST", "/submodels");
	c.body = SLICE("{\"modelType\":\"Submodel\",\"id\":\"x\"}");
	c.route = &r;
	c.begun = true;
	for (int i = 0; i < 20; i++)
		script[i] = ERR_AGAIN;
	call_run(&c);
	check(runs == 10 && c.reply.status == 503, "but not for ever");
	end(&c);

	start(&c, "POST", "/submodels/YQ/submodel-elements/Op/invoke");
	c.body = SLICE("{}");
	r = with_handler(&c, handler);
	c.route = &r;
	script[0] = ERR_AGAIN;
	call_run(&c);
	check(runs == 1 && !begun && c.reply.status == 503, "an operation is never run twice, and holds no transaction");
	end(&c);
}

static void failures(void)
{
	struct call c;
	start(&c, "GET", "/description");
	struct route r = with_handler(&c, handler);
	c.route = &r;
	script[0] = ERR_CONFLICT;
	call_run(&c);
	check(c.reply.status == 409 && says(&c, "secret at run") && !says(&c, "{\"run\"") && aborted == 1, "a failure replaces the body");
	end(&c);
	start(&c, "GET", "/description");
	c.route = &r;
	c.begun = true;
	script[0] = ERR_INTERNAL;
	call_run(&c);
	check(c.reply.status == 500 && !says(&c, "secret") && says(&c, "\"Exception\""), "an internal error keeps its secrets");
	end(&c);
}

static enum err many_messages(struct call *c)
{
	struct diag_frame f;
	diag_push(&c->diag, &f, "value");
	diag_rule(&c->diag, ERR_BAD_REQUEST, "AASd-117", "first \"quoted\"");
	diag_pop(&c->diag);
	return diag_add(&c->diag, ERR_BAD_REQUEST, "second");
}

static enum err page(struct call *c)
{
	reply_page_begin(c);
	reply_page_raw(c, SLICE("1"));
	reply_page_raw(c, SLICE("2"));
	reply_page_end(c, "next");
	reply_created(c, "/submodels/%s/submodel-elements/%s", reply_b64(c, "\xC3\xBF\xC3\xBF"), reply_path(c, "a[0].b-c"));
	return ERR_OK;
}

static void replies(void)
{
	struct call c;
	start(&c, "GET", "/description");
	struct route r = with_handler(&c, many_messages);
	c.route = &r;
	call_run(&c);
	check(says(&c, "\"code\":\"400-AASd-117\",\"text\":\"value: first \\\"quoted\\\"\"") && says(&c, "},{") &&
	      says(&c, "\"text\":\"second\""), "all messages, with path and rule");
	end(&c);
	start(&c, "GET", "/submodels");
	r = with_handler(&c, page);
	c.route = &r;
	call_run(&c);
	check(says(&c, "{\"result\":[1,2],\"paging_metadata\":{\"cursor\":\""), "a page");
	check_str(c.reply.location, "/submodels/w7_Dvw/submodel-elements/a%5B0%5D.b-c", "a location");
	end(&c);
}

static void counters(void)
{
	struct call c;
	start(&c, "GET", "/nothing");
	call_run(&c);
	call_record(&c, 5);
	end(&c);
	start(&c, "GET", "/shells/!");
	call_run(&c);
	size_t i = (size_t)(c.match.route - routes);
	struct call_count before = call_count(i);
	call_record(&c, 7);
	struct call_count after = call_count(i);
	check(after.answers[4] == before.answers[4] + 1 && after.us == before.us + 7, "answers are counted by row and class");
	end(&c);
}

int main(void)
{
	struct sm_config conf = { .store = &fake_store, .changes = changes_new(), .live = live_new() };
	a = arena_new(0);
	service = sm_service_new(&conf);
	refusals();
	statuses();
	later();
	again();
	failures();
	replies();
	counters();
	sm_service_free(service);
	changes_free(conf.changes);
	live_free(conf.live);
	arena_free(a);
	return done();
}
