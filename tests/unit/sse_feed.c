/* SPDX-License-Identifier: Apache-2.0
 * Streams of the feed over the memory store: places, bounds, clients that do not read, filters, the end.
 */
#include "server/sse_feed.h"

#include <stdatomic.h>

#include "aas/json.h"
#include "base/clock.h"
#include "submodels/service.h"
#include "tests/tap.h"

static struct store *store;
static struct changes *changes;
static struct live *live;
static struct sm_service *service;
static struct arena *arena;
static struct diag diag = DIAG_INIT;
static atomic_int woken;

static void wake(void *arg)
{
	(void)arg;
	atomic_fetch_add(&woken, 1);
}

static void put(const char *id, size_t size, int value)
{
	struct sm_session *s;
	struct aas_node *n = NULL;
	struct buf b = BUF_INIT;
	buf_printf(&b, "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"idShort\":\"n%d\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"V\","
		   "\"valueType\":\"xs:string\",\"value\":\"", id, value);
	while (size--)
		buf_putc(&b, 'x');
	buf_puts(&b, "\"}]}");
	if (sm_begin(service, true, arena, &diag, &s) || aas_json_read(arena, AAS_Submodel, b.p, b.n, AAS_JSON_DEFAULT, &n, &diag) ||
	    sm_put(s, STORE_SUBMODEL, id, n, &(bool){ false }) || sm_commit(s))
		exit(1);
	buf_fini(&b);
}

/* Reads until so many ids of events have come, or the stream ends, or ten seconds are over; the ids, and the last one. */
static size_t read_ids(struct sse_feed_client *c, size_t n, struct buf *ids, char *last, bool *ended)
{
	static char text[1 << 20];
	size_t have = 0, found = 0;
	*ended = false;
	for (int64_t until = clock_mono_us() + 10 * US_PER_S; found < n && clock_mono_us() < until; ) {
		ssize_t k = sse_feed_read(c, text + have, sizeof text - have - 1);
		if (k == SSE_END) {
			*ended = true;
			break;
		}
		if (!k)
			clock_sleep_us(1000);
		text[have += (size_t)k] = 0;
		for (char *p, *at = text; (p = strstr(at, "\n\n")); ) {
			*p = 0;
			if (!strncmp(at, "id: ", 4) && strstr(at, "\ndata: {")) {
				size_t len = strcspn(at + 4, "\n");
				buf_put(ids, at + 4, len);
				buf_putc(ids, ' ');
				snprintf(last, EVENT_CURSOR_MAX, "%.*s", (int)len, at + 4);
				found++;
			}
			at = p + 2;
			have -= (size_t)(at - text);
			memmove(text, at, have + 1);
			at = text;
		}
	}
	return found;
}

static void expect(struct sse_feed_client *c, int from, int to, const char *what)
{
	struct buf ids = BUF_INIT, want = BUF_INIT;
	char last[EVENT_CURSOR_MAX];
	bool ended;
	for (int i = from; i <= to; i++)
		buf_printf(&want, "%d-0 ", i);
	read_ids(c, (size_t)(to - from + 1), &ids, last, &ended);
	check(!ended && slice_eq(buf_view(&ids), buf_view(&want)), "%s: %.200s", what, buf_view(&ids).p);
	buf_fini(&ids);
	buf_fini(&want);
}

/* Who has read all waits, and is woken by the next event, the eleventh. */
static void waking(struct sse_feed_client *c)
{
	char rest[64];
	while (sse_feed_read(c, rest, sizeof rest) > 0)
		;
	int before = atomic_load(&woken);
	put("urn:b", 1, 11);
	for (int64_t until = clock_mono_us() + 10 * US_PER_S; atomic_load(&woken) == before && clock_mono_us() < until; )
		clock_sleep_us(1000);
	check(atomic_load(&woken) > before, "who waits is woken");
}

int main(void)
{
	static const struct event_config conf = { .url = "" };
	struct event_filter all = { 0 }, other = { .id = "urn:b" };
	struct sse_feed_client *a, *b, *c, *slow;
	struct buf ids = BUF_INIT;
	char last[EVENT_CURSOR_MAX];
	bool ended;
	store = store_mem_new();
	changes = changes_new();
	live = live_new();
	service = sm_service_new(&(struct sm_config){ .store = store, .changes = changes, .live = live });
	arena = arena_new(0);
	struct sse_feed *s = sse_feed_start(store, &conf, 3);
	for (int i = 1; i <= 10; i++)
		put("urn:a", 1, i);
	check_int(sse_feed_open(s, &(struct event_cursor){ 0, SIZE_MAX }, &all, wake, NULL, &a), ERR_OK, "a client");
	expect(a, 1, 10, "from the beginning");
	check_int(sse_feed_open(s, &(struct event_cursor){ 7, 0 }, &all, wake, NULL, &b), ERR_OK, "another one");
	expect(b, 8, 10, "behind the event that it has");
	waking(b);
	expect(a, 11, 11, "what happens reaches the one");
	expect(b, 11, 11, "and the other");
	check_int(sse_feed_open(s, &(struct event_cursor){ 0, SIZE_MAX }, &other, wake, NULL, &c), ERR_OK, "a third one with a filter");
	expect(c, 11, 11, "gets what the filter leaves");
	check_int(sse_feed_open(s, &(struct event_cursor){ 0, SIZE_MAX }, &all, wake, NULL, &slow), ERR_UNAVAILABLE, "there is no room for a fourth");
	sse_feed_close(c);
	check_int(sse_feed_open(s, &(struct event_cursor){ 11, SIZE_MAX }, &all, wake, NULL, &slow), ERR_OK, "until one goes");
	for (int i = 12; i <= 311; i++)
		put("urn:a", 4000, i);
	expect(a, 12, 311, "one who reads gets a megabyte");
	expect(slow, 12, 311, "one who did not read meanwhile gets it afterwards: nothing lost, nothing twice");
	put("urn:a", 1, 312);
	sse_feed_close(slow);
	expect(b, 12, 312, "so does the other one");
	check_int(sse_feed_open(s, &(struct event_cursor){ 9999, SIZE_MAX }, &all, wake, NULL, &c), ERR_OK, "a place that the feed does not have");
	read_ids(c, 1, &ids, last, &ended);
	check(ended && !ids.n, "ends the stream");
	sse_feed_close(c);
	for (int i = 0; i < 50; i++) {		/* also while the thread is reading for it */
		put("urn:a", 1, 1000 + i);
		sse_feed_open(s, &(struct event_cursor){ 0, SIZE_MAX }, &all, wake, NULL, &c);
		sse_feed_close(c);
	}
	sse_feed_stop(s);
	read_ids(a, 1000, &ids, last, &ended);
	check(ended, "the end of the server ends the streams");
	sse_feed_close(a);
	sse_feed_close(b);
	sse_feed_free(s);
	buf_fini(&ids);
	arena_free(arena);
	sm_service_free(service);
	live_free(live);
	changes_free(changes);
	store->ops->close(store);
	diag_fini(&diag);
	return done();
}
