/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/event_element.h"

#include <stdlib.h>

#include "aas/json.h"
#include "aas/path.h"
#include "aas/tree.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#define LOAD_PAGE 50		/* submodels, read at a time */

/* What was last to be said, kept for the end of an interval and for repetitions. */
struct news {
	struct arena *arena;			/* of the rest, reset with each news */
	const char *cloud;			/* base64 of the CloudEvent */
	const char *actor;			/* NULL: not known */
	struct aas_node *semantic_id;		/* of what is observed; NULL: none, or not known */
	int64_t time_us;
};

struct event_source {
	struct event_source *next;			/* of its submodel */
	struct event_source *next_observer;
	struct group *group;
	const char *path, *topic, *key;		/* key: in `observers` */
	struct aas_node *reference, *semantic_id, *observed;
	enum store_kind kind;			/* of the observed identifiable */
	const char *observed_id, *observed_path;	/* path NULL: all of it */
	int64_t min_us, max_us;			/* 0: none */
	int64_t since_us, sent_us;		/* sent_us TIME_NONE: never */
	bool waits;				/* for the end of its minInterval */
	struct news *news;
};

/* The sources that observe one identifiable; there is at least one. */
struct observers {
	struct event_source *first;
};

/* The sources of one submodel. */
struct group {
	struct arena *arena;
	const char *id;
	struct event_source *first;
};

struct event_elements {
	struct event_elements_ports ports;
	const struct event_config *conf;
	struct map groups;			/* by submodel id */
	struct map observers;			/* "<kind><id>" of what is observed -> struct observers */
	size_t n;
	int64_t due;				/* not later than the first source that is due */
};

struct event_elements *event_elements_new(const struct event_elements_ports *ports, const struct event_config *conf)
{
	struct event_elements *ee = calloc(1, sizeof *ee);
	if (ee) {
		ee->ports = *ports;
		ee->conf = conf;
		ee->due = INT64_MAX;
	}
	return ee;
}

static void news_free(struct news *n)
{
	if (n)
		arena_free(n->arena);
	free(n);
}

static void group_free(struct group *g)
{
	if (!g)
		return;
	for (struct event_source *s = g->first; s; s = s->next)
		news_free(s->news);
	arena_free(g->arena);
	free(g);
}

void event_elements_free(struct event_elements *ee)
{
	struct map_item *it;
	if (!ee)
		return;
	for (size_t i = 0; (it = map_next(&ee->groups, &i)); )
		group_free(it->value);
	for (size_t i = 0; (it = map_next(&ee->observers, &i)); )
		free(it->value);
	map_fini(&ee->groups);
	map_fini(&ee->observers);
	free(ee);
}

int64_t event_elements_due(const struct event_elements *ee)
{
	return ee->due;
}

size_t event_elements_count(const struct event_elements *ee)
{
	return ee->n;
}

/* -- who observes what --------------------------------------------------------------------------------------------------------- */

static const char *observer_key(struct arena *a, enum store_kind kind, const char *id)
{
	return arena_printf(a, "%d%s", (int)kind, id);
}

static bool observe(struct event_elements *ee, struct event_source *s)
{
	s->key = observer_key(s->group->arena, s->kind, s->observed_id);
	struct observers *o = s->key ? map_get(&ee->observers, s->key, strlen(s->key)) : NULL;
	if (!o && (!s->key || !(o = calloc(1, sizeof *o)) || !map_put(&ee->observers, s->key, strlen(s->key), o, NULL))) {
		free(o);
		return false;
	}
	s->next_observer = o->first;
	o->first = s;
	return true;
}

/* Needs no memory, so it cannot fail. */
static void forget(struct event_elements *ee, struct event_source *s)
{
	struct observers *o = map_get(&ee->observers, s->key, strlen(s->key));
	struct event_source **at = &o->first;
	while (*at != s)
		at = &(*at)->next_observer;
	*at = s->next_observer;
	if (!o->first)
		free(map_del(&ee->observers, s->key, strlen(s->key)));
}

/* -- reading the elements ------------------------------------------------------------------------------------------------------- */

static bool read_observed(struct event_source *s, struct arena *a)
{
	static const struct { const char *type; enum store_kind kind; } roots[] = {
		{ "AssetAdministrationShell", STORE_SHELL }, { "Submodel", STORE_SUBMODEL }, { "ConceptDescription", STORE_CONCEPT },
	};
	const struct aas_node *key = AAS_AT(s->observed, Reference, keys).node;
	const char *type = key ? aas_enum_text(AAS_ENUM_KeyTypes, AAS_AT(key, Key, type)) : "";
	struct slice id;
	struct buf path = BUF_INIT;
	size_t i = 0;
	while (i < 3 && !str_eq(type, roots[i].type))
		i++;
	if (i == 3)
		return false;
	s->kind = roots[i].kind;
	s->observed_id = AAS_AT(key, Key, value).str;
	if (!key->next)
		return true;
	bool ok = s->kind == STORE_SUBMODEL && !aas_reference_path(s->observed, &id, &path, NULL) && !path.failed;
	s->observed_path = ok ? arena_strndup(a, path.p ? path.p : "", path.n) : NULL;
	buf_fini(&path);
	return ok && s->observed_path;
}

static int64_t read_interval(const char *text, const char *id, const char *path)
{
	int64_t us;
	if (!text)
		return 0;
	if (duration_parse(text, strlen(text), &us) && us > 0)
		return us;
	log_warn("events", "%s of %s: the interval \"%s\" is not looked at: only days and smaller have one length", path, id, text);
	return 0;
}

/* What a broker would not take, or would take for something else.  Wildcards and NUL cannot be published to (MQTT 5.0, 4.7). */
static bool topic_ok(const char *topic)
{
	return *topic && *topic != '$' && !strpbrk(topic, "+#");
}

static bool is_on(const struct aas_node *n)
{
	const char *direction = aas_enum_text(AAS_ENUM_Direction, AAS_AT(n, BasicEventElement, direction));
	const char *state = aas_enum_text(AAS_ENUM_StateOfEvent, AAS_AT(n, BasicEventElement, state));
	return direction && state && str_eq(direction, "output") && str_eq(state, "on") && AAS_AT(n, BasicEventElement, observed).node;
}

static const char *path_of(struct arena *a, const struct aas_node *n)
{
	struct buf b = BUF_INIT;
	aas_path_write(&b, n);
	const char *path = b.failed ? NULL : arena_strndup(a, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return path;
}

static struct aas_node *copy(struct arena *a, const struct aas_node *n, bool *ok)
{
	struct aas_node *c = n ? aas_copy(a, n) : NULL;
	*ok = *ok && (c || !n);
	return c;
}

static const char *default_topic(struct arena *a, const char *id, const char *path)
{
	const char *b64 = base64url_encode(a, id, strlen(id));
	return b64 ? arena_printf(a, "aas-events/%s/%s", b64, path) : NULL;
}

/* *out is NULL when there is something wrong with the element, which is logged. */
static enum err source_new(struct event_elements *ee, struct group *g, const struct aas_node *n, int64_t now_us, struct event_source **out)
{
	struct arena *a = g->arena;
	struct event_source *s = ARENA_NEW(a, struct event_source);
	const char *topic = AAS_AT(n, BasicEventElement, messageTopic).str;
	bool ok = s != NULL;
	*out = NULL;
	if (!s || !(s->path = path_of(a, n)))
		return ERR_NO_MEMORY;
	s->group = g;
	s->since_us = now_us;
	s->sent_us = TIME_NONE;
	s->topic = topic ? arena_strdup(a, topic) : default_topic(a, g->id, s->path);
	s->reference = aas_path_reference(a, n);
	s->semantic_id = copy(a, AAS_SEMANTIC_ID(n), &ok);
	s->observed = copy(a, AAS_AT(n, BasicEventElement, observed).node, &ok);
	if (!ok || !s->topic || !s->reference)
		return ERR_NO_MEMORY;
	const char *fault = !topic_ok(s->topic) ? "its messageTopic cannot be published to" : !read_observed(s, a) ? "what it observes is no shell, "
			    "submodel, element or concept description" : ee->n >= EVENT_ELEMENTS_MAX ? "there are too many" : NULL;
	if (fault) {
		log_warn("events", "the event element %s of %s stays silent: %s", s->path, g->id, fault);
		return ERR_OK;
	}
	s->min_us = read_interval(AAS_AT(n, BasicEventElement, minInterval).str, g->id, s->path);
	s->max_us = read_interval(AAS_AT(n, BasicEventElement, maxInterval).str, g->id, s->path);
	if (!observe(ee, s))
		return ERR_NO_MEMORY;
	ee->n++;
	*out = s;
	return ERR_OK;
}

/* Bounded by AAS_DEPTH_MAX, as every tree is. */
static enum err collect(struct event_elements *ee, struct group *g, const struct aas_node *n, int64_t now_us)
{
	enum err err = ERR_OK;
	for (const struct aas_node *c = aas_first_child(n); c && !err; c = c->next) {
		struct event_source *s = NULL;
		if (!aas_is(c, AAS_BasicEventElement)) {
			err = collect(ee, g, c, now_us);
		} else if (is_on(c) && !(err = source_new(ee, g, c, now_us, &s)) && s) {
			s->next = g->first;
			g->first = s;
		}
	}
	return err;
}

static bool has_source(const struct aas_node *n)
{
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next)
		if (aas_is(c, AAS_BasicEventElement) ? is_on(c) : has_source(c))
			return true;
	return false;
}

static void inherit(struct event_source *to, struct event_source *from)
{
	to->since_us = from->since_us;
	to->sent_us = from->sent_us;
	to->waits = from->waits;
	to->news = from->news;
	from->news = NULL;
}

static int64_t due_of(const struct event_source *s)
{
	int64_t due = INT64_MAX, last = s->sent_us == TIME_NONE ? s->since_us : s->sent_us;
	if (s->max_us)
		due = last + s->max_us;
	if (s->waits && last + s->min_us < due)
		due = last + s->min_us;
	return due;
}

static void look_at_due(struct event_elements *ee, const struct event_source *s)
{
	int64_t due = due_of(s);
	if (due < ee->due)
		ee->due = due;
}

static void replace(struct event_elements *ee, struct group *old, struct group *fresh)
{
	for (struct event_source *o = old ? old->first : NULL; o; o = o->next) {
		for (struct event_source *s = fresh ? fresh->first : NULL; s; s = s->next)
			if (str_eq(o->path, s->path))
				inherit(s, o);
		forget(ee, o);
		ee->n--;
	}
	group_free(old);
	for (struct event_source *s = fresh ? fresh->first : NULL; s; s = s->next)
		look_at_due(ee, s);
}

enum err event_elements_submodel(struct event_elements *ee, int64_t now_us, const char *id, const struct aas_node *node)
{
	struct group *old = map_get(&ee->groups, id, strlen(id)), *g = NULL;
	enum err err = ERR_OK;
	if (!node || !has_source(node)) {
		map_del(&ee->groups, id, strlen(id));
		replace(ee, old, NULL);
		return ERR_OK;
	}
	if (!(g = calloc(1, sizeof *g)) || !(g->arena = arena_new(0)) || !(g->id = arena_strdup(g->arena, id)))
		err = ERR_NO_MEMORY;
	else
		err = collect(ee, g, node, now_us);
	if (!err && !map_put(&ee->groups, id, strlen(id), g, NULL))
		err = ERR_NO_MEMORY;
	if (!err) {
		replace(ee, old, g);
		return ERR_OK;
	}
	for (struct event_source *s = g ? g->first : NULL; s; s = s->next, ee->n--)
		forget(ee, s);
	group_free(g);
	return err;
}

static enum err load_document(struct event_elements *ee, int64_t now_us, const struct store_doc *doc)
{
	struct aas_node *node;
	struct arena *a = arena_new(0);
	enum err err = a ? ERR_OK : ERR_NO_MEMORY;
	if (a && !aas_json_read(a, AAS_Submodel, doc->json.p, doc->json.n, AAS_JSON_DEFAULT, &node, NULL))
		err = event_elements_submodel(ee, now_us, doc->id, node);
	arena_free(a);
	return err;
}

enum err event_elements_load(struct event_elements *ee, int64_t now_us, struct store *store, bool (*stop)(void *ctx), void *ctx)
{
	char *after = NULL;
	struct arena *a = arena_new(0);
	enum err err = a ? ERR_OK : ERR_NO_MEMORY;
	do {
		struct store_txn *txn;
		struct store_page page = { 0 };
		if (err || (err = store->ops->begin(store, false, &txn)))
			break;
		arena_reset(a);
		err = store->ops->list(txn, STORE_SUBMODEL, &(struct store_filter){ .events = true }, after, LOAD_PAGE, a, &page);
		store->ops->abort(txn);
		for (size_t i = 0; i < page.n && !err; i++)
			err = load_document(ee, now_us, &page.item[i]);
		free(after);
		after = page.next && !err ? strdup(page.next) : NULL;
		if (page.next && !err && !after)
			err = ERR_NO_MEMORY;
	} while (after && !stop(ctx));
	free(after);
	arena_free(a);
	return err;
}

/* -- sending --------------------------------------------------------------------------------------------------------------------- */

/* Who did it: a name, not one of this server's objects. */
static struct aas_node *subject(struct arena *a, const char *actor)
{
	struct aas_node *ref = actor ? aas_node_new(a, AAS_Reference) : NULL, *key = ref ? aas_node_new(a, AAS_Key) : NULL;
	if (!key)
		return NULL;
	AAS_AT(ref, Reference, type).ord = 1 + (uintptr_t)aas_enum_find(AAS_ENUM_ReferenceTypes, "ExternalReference", 17);
	AAS_AT(key, Key, type).ord = 1 + (uintptr_t)aas_enum_find(AAS_ENUM_KeyTypes, "GlobalReference", 15);
	AAS_AT(key, Key, value).str = actor;
	aas_list_append(ref, &AAS_AT(ref, Reference, keys), key);
	return ref;
}

static bool send_payload(struct event_elements *ee, const struct event_source *s, int64_t time_us, struct arena *a)
{
	struct aas_node *p = aas_node_new(a, AAS_EventPayload);
	char when[TIME_TEXT_MAX];
	struct buf b = BUF_INIT;
	if (!p)
		return false;
	time_format(when, time_us);
	AAS_AT(p, EventPayload, source).node = s->reference;
	AAS_AT(p, EventPayload, sourceSemanticId).node = s->semantic_id;
	AAS_AT(p, EventPayload, observableReference).node = s->observed;
	AAS_AT(p, EventPayload, topic).str = s->topic;
	AAS_AT(p, EventPayload, timeStamp).str = when;
	if (s->news) {
		AAS_AT(p, EventPayload, observableSemanticId).node = s->news->semantic_id;
		AAS_AT(p, EventPayload, subjectId).node = subject(a, s->news->actor);
		AAS_AT(p, EventPayload, payload).str = s->news->cloud;
	}
	aas_json_write(&b, p);
	bool ok = !b.failed && ee->ports.send(ee->ports.ctx, &(struct event_message){ s->topic, "application/json", buf_view(&b) });
	buf_fini(&b);
	return ok;
}

/* `repeated`: nothing has changed since. */
static enum err say(struct event_elements *ee, struct event_source *s, int64_t now_us, bool repeated)
{
	struct arena *a = arena_new(0);
	int64_t time_us = s->news && !repeated ? s->news->time_us : now_us;
	bool ok = a && send_payload(ee, s, time_us, a);
	arena_free(a);
	if (!ok)
		return ERR_NO_MEMORY;
	s->sent_us = now_us;
	s->waits = false;
	ee->ports.sent(ee->ports.ctx, s->group->id, s->path, time_us);
	look_at_due(ee, s);
	return ERR_OK;
}

enum err event_elements_tick(struct event_elements *ee, int64_t now_us)
{
	struct map_item *it;
	enum err err = ERR_OK;
	if (now_us < ee->due)
		return ERR_OK;
	ee->due = INT64_MAX;
	for (size_t i = 0; (it = map_next(&ee->groups, &i)); )
		for (struct event_source *s = ((struct group *)it->value)->first; s; s = s->next) {
			enum err e = due_of(s) <= now_us ? say(ee, s, now_us, !s->waits) : ERR_OK;
			err = err ? err : e;
			look_at_due(ee, s);
		}
	return err;
}

size_t event_elements_flush(struct event_elements *ee, int64_t now_us, size_t most)
{
	struct map_item *it;
	size_t n = 0;
	for (size_t i = 0; n < most && (it = map_next(&ee->groups, &i)); )
		for (struct event_source *s = ((struct group *)it->value)->first; s && n < most; s = s->next)
			n += s->waits && !say(ee, s, now_us, false);
	return n;
}

/* -- changes --------------------------------------------------------------------------------------------------------------------- */

/* `path` is `above` or below it. */
static bool is_below(const char *path, const char *above)
{
	size_t n = strlen(above);
	return !strncmp(path, above, n) && (!path[n] || path[n] == '.' || path[n] == '[');
}

static struct aas_node *element(const struct aas_node *root, const char *path)
{
	struct aas_node *n = NULL;
	return root && !aas_path_find(root, path, strlen(path), &n, NULL) ? n : NULL;
}

/* The change is below what is observed, or above it and went through it. */
static enum err concerns(struct event_trees *t, const struct event *e, const struct event_source *s, bool *yes)
{
	const struct aas_node *root;
	enum err err;
	*yes = !s->observed_path || (e->path && is_below(e->path, s->observed_path));
	if (*yes || (e->path && !is_below(s->observed_path, e->path)))
		return ERR_OK;
	if ((err = event_tree(t, e->line, true, &root)))
		return err;
	struct aas_node *was = element(root, s->observed_path);
	const struct aas_node *top = e->place;
	while (top && top->parent)
		top = top->parent;
	struct aas_node *now = e->type == EVENT_DELETED ? NULL : element(top, s->observed_path);
	*yes = was && now ? !aas_equal(was, now) : was || now;
	return ERR_OK;
}

static const struct aas_node *observed_semantics(const struct event *e, const struct event_source *s)
{
	const struct aas_node *top = e->place;
	while (top && top->parent)
		top = top->parent;
	const struct aas_node *n = s->observed_path && top ? element(top, s->observed_path) : top;
	return !n ? NULL : aas_is(n, AAS_Submodel) ? AAS_AT(n, Submodel, semanticId).node : aas_is_sme(n) ? AAS_SEMANTIC_ID(n) : NULL;
}

static enum err take_news(struct event_elements *ee, struct event_source *s, const struct event *e)
{
	struct news *n = s->news;
	struct buf b = BUF_INIT;
	bool ok = true;
	if (!n) {
		if (!(n = calloc(1, sizeof *n)) || !(n->arena = arena_new(0))) {
			free(n);
			return ERR_NO_MEMORY;
		}
		s->news = n;
	}
	struct arena *a = n->arena;
	arena_reset(a);
	*n = (struct news){ .arena = a, .time_us = e->line->recorded_us };
	if (!event_cloud(&b, ee->conf, e, a))
		n->cloud = base64_encode(a, b.p, b.n);
	buf_fini(&b);
	n->actor = e->line->actor ? arena_strdup(a, e->line->actor) : NULL;
	n->semantic_id = copy(a, observed_semantics(e, s), &ok);
	return ok && n->cloud && (n->actor || !e->line->actor) ? ERR_OK : ERR_NO_MEMORY;
}

static enum err change(struct event_elements *ee, int64_t now_us, struct event_source *s, const struct event *e)
{
	enum err err = take_news(ee, s, e);
	if (err)
		return err;
	s->waits = true;
	if (s->sent_us == TIME_NONE || now_us - s->sent_us >= s->min_us)
		return say(ee, s, now_us, false);
	look_at_due(ee, s);
	return ERR_OK;
}

enum err event_elements_change(struct event_elements *ee, int64_t now_us, struct event_trees *t, const struct event *e)
{
	struct arena *a = arena_new(0);
	const char *key = a ? observer_key(a, e->line->kind, e->line->id) : NULL;
	struct observers *o = key ? map_get(&ee->observers, key, strlen(key)) : NULL;
	struct event_source *s = o ? o->first : NULL;
	enum err err = key ? ERR_OK : ERR_NO_MEMORY;
	arena_free(a);
	for (; s && !err; s = s->next_observer) {
		bool yes;
		if (!(err = concerns(t, e, s, &yes)) && yes)
			err = change(ee, now_us, s, e);
	}
	return err;
}
