/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/audit.h"

#include <stdio.h>

#include "base/sha256.h"
#include "sql/pg.h"

#define PAGE 5000

/* Where the chain begins and where it says it ends. */
static const char ends_sql[] =
	"SELECT coalesce(c.position, 0), coalesce(c.hash, '\\x'), h.position, h.hash, encode(h.hash, 'hex')"
	" FROM twinshell.feed_head h LEFT JOIN twinshell.feed_cut c ON true";
/* $1 position, $2 its hash, $3 limit: what follows, each with what is wrong with it. */
static const char page_sql[] =
	"SELECT p.position, p.hash, p.id, p.version, CASE"
	" WHEN p.position <> p.at + 1 THEN 'the positions after ' || p.at || ' are missing'"
	" WHEN p.id IS NULL THEN 'the change is not in history'"
	" WHEN p.hash IS DISTINCT FROM sha256(p.link || p.change) THEN 'the change, or the feed up to it, is not what was written' END"
	" FROM (SELECT f.position, f.hash, h.id, f.version, lag(f.position, 1, $1::bigint) OVER w AS at, lag(f.hash, 1, $2::bytea) OVER w AS link,"
	" sha256(record_send(ROW(h.key, h.kind, h.version, h.operation, h.recorded_at, h.valid_at, h.actor, h.request, h.id, h.element,"
	" h.element_operation, h.document, h.paths, h.before_values, h.after_values))) AS change"
	" FROM (SELECT * FROM twinshell.feed WHERE position > $1::bigint ORDER BY position LIMIT $3::bigint) AS f"
	" LEFT JOIN twinshell.history h ON h.key = f.key AND h.kind = f.kind AND h.version = f.version AND h.recorded_at = f.recorded_at"
	" WINDOW w AS (ORDER BY f.position)) AS p ORDER BY p.position";
/* Strays are looked for in all rows, and most often there is none.  Hence MATERIALIZED: below a LIMIT 1 the planner expects to find one soon, and
 * compares each row with all others.
 *
 * A change that never went through the outbox. */
static const char stray_sql[] =
	"WITH stray AS MATERIALIZED (SELECT h.id, h.key, h.version, h.recorded_at FROM twinshell.history h"
	" WHERE h.recorded_at >= coalesce((SELECT kept_since FROM twinshell.feed_cut), '-infinity')"
	" AND NOT EXISTS (SELECT FROM twinshell.feed f WHERE f.key = h.key AND f.kind = h.kind AND f.version = h.version"
	" AND f.recorded_at = h.recorded_at)"
	" AND NOT EXISTS (SELECT FROM twinshell.outbox o WHERE o.key = h.key AND o.kind = h.kind AND o.version = h.version"
	" AND o.recorded_at = h.recorded_at)) SELECT id, version FROM stray ORDER BY recorded_at, key, version LIMIT 1";

/* What a file was, and its bytes are not here: whatever history tells of counts, and so does every name. */
static const char missing_sql[] =
	"WITH missing AS MATERIALIZED (SELECT f.id, f.version FROM (SELECT h.id, h.version,"
	" decode(substring(h.document FROM '\"sha256\" : \"([0-9a-f]{64})\"\\}$'), 'hex') AS hash"
	" FROM twinshell.history h WHERE h.kind = 7 AND h.document IS NOT NULL UNION ALL SELECT b.name, b.version, b.hash FROM twinshell.blob b) AS f"
	" WHERE NOT EXISTS (SELECT FROM twinshell.content c WHERE c.hash = f.hash)) SELECT id, version FROM missing ORDER BY id, version LIMIT 1";
/* $1 to $3 hash, copy and part behind which the page begins, $4 limit: the bytes of all contents. */
static const char parts_sql[] =
	"SELECT p.hash, p.copy, p.part, p.bytes, encode(p.hash, 'hex') FROM twinshell.content c"
	" JOIN twinshell.content_part p ON p.hash = c.hash AND p.copy = c.copy"
	" WHERE (p.hash, p.copy, p.part) > ($1::bytea, $2::bigint, $3::integer) ORDER BY p.hash, p.copy, p.part LIMIT $4::bigint";
/* Contents without a part: of no bytes. */
static const char empty_sql[] =
	"SELECT encode(c.hash, 'hex') FROM twinshell.content c WHERE c.hash <> sha256('')"
	" AND NOT EXISTS (SELECT FROM twinshell.content_part p WHERE p.hash = c.hash AND p.copy = c.copy) LIMIT 1";
#define PARTS 16

struct audit {
	struct pg *pg;
	struct arena *arena;
	struct pg_audit *out;
	int64_t at, end;
	struct slice hash, end_hash;	/* of `at` and `end` */
};

static struct slice keep(struct audit *a, struct slice s)
{
	return (struct slice){ arena_strndup(a->arena, s.p ? s.p : "", s.n), s.n };
}

static enum err run(struct audit *a, struct pg_call *c)
{
	enum err e = pg_run(a->pg, c, 1);
	return e ? e : arena_failed(a->arena) ? ERR_NO_MEMORY : ERR_OK;
}

static enum err read_ends(struct audit *a)
{
	struct pg_call c = { .sql = ends_sql };
	enum err e = run(a, &c);
	if (!e && !c.n)
		e = ERR_INTERNAL;
	if (!e) {
		a->at = pg_int8(&c, 0, 0);
		a->hash = keep(a, pg_slice(&c, 0, 1));
		a->end = pg_int8(&c, 0, 2);
		a->end_hash = keep(a, pg_slice(&c, 0, 3));
		a->out->hash = arena_strdup(a->arena, pg_str(&c, 0, 4));
	}
	pg_clear(&c, 1);
	return e;
}

static void fault(struct audit *a, const char *what, int64_t position, const char *id, int64_t version)
{
	struct pg_audit *out = a->out;
	out->fault = arena_strdup(a->arena, what);
	out->position = position;
	out->id = id ? arena_strdup(a->arena, id) : NULL;
	out->version = version;
}

/* *n: positions in the page. */
static enum err read_page(struct audit *a, int *n)
{
	struct pg_args args;
	struct pg_call c = { .sql = page_sql, .args = &args };
	pg_args_init(&args);
	pg_arg_int8(&args, a->at);
	pg_arg_bytes(&args, a->hash);
	pg_arg_int8(&args, PAGE);
	enum err e = run(a, &c);
	*n = e ? 0 : c.n;
	for (int i = 0; i < *n && !a->out->fault; i++) {
		if (!pg_null(&c, i, 4)) {
			fault(a, pg_str(&c, i, 4), pg_int8(&c, i, 0), pg_str(&c, i, 2), pg_int8(&c, i, 3));
			continue;
		}
		a->out->first = a->out->first ? a->out->first : pg_int8(&c, i, 0);
		a->out->last = a->at = pg_int8(&c, i, 0);
		a->out->n++;
	}
	if (*n && !a->out->fault)
		a->hash = keep(a, pg_slice(&c, *n - 1, 1));
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return e;
}

static enum err look_for_strays(struct audit *a)
{
	struct pg_call c = { .sql = stray_sql };
	enum err e = run(a, &c);
	if (!e && c.n)
		fault(a, "a change in history has no place in the feed", 0, pg_str(&c, 0, 0), pg_int8(&c, 0, 1));
	pg_clear(&c, 1);
	return e;
}

/* -- contents: are the bytes those of their hash? ------------------------------------------------------------------------------------------ */
struct content_walk {
	unsigned char hash[SHA256_SIZE];	/* of the content that is being read, and the same in hexadecimal */
	char name[2 * SHA256_SIZE + 1];
	size_t n_hash;				/* 0: none yet */
	int64_t copy;
	int32_t part;
	struct sha256 *sum;
};

static void damaged(struct audit *a, const char *name)
{
	fault(a, arena_printf(a->arena, "the content %s is not what its hash says", name), 0, NULL, 0);
}

/* The content that was read up to here is whole. */
static enum err content_end(struct audit *a, struct content_walk *w)
{
	unsigned char hash[SHA256_SIZE];
	if (!w->sum)
		return ERR_OK;
	if (!sha256_end(w->sum, hash))
		return ERR_NO_MEMORY;
	sha256_free(w->sum);
	w->sum = NULL;
	if (w->n_hash != sizeof hash || memcmp(hash, w->hash, sizeof hash) != 0)
		damaged(a, w->name);
	else
		a->out->contents++;
	return ERR_OK;
}

static enum err content_part(struct audit *a, struct content_walk *w, const struct pg_call *c, int row)
{
	struct slice hash = pg_slice(c, row, 0), bytes = pg_slice(c, row, 3);
	if (!w->sum || hash.n != w->n_hash || memcmp(hash.p, w->hash, hash.n) != 0 || pg_int8(c, row, 1) != w->copy) {
		enum err e = content_end(a, w);
		if (e || a->out->fault)
			return e;
		snprintf(w->name, sizeof w->name, "%s", pg_str(c, row, 4));
		if (hash.n != sizeof w->hash) {
			damaged(a, w->name);
			return ERR_OK;
		}
		memcpy(w->hash, hash.p, w->n_hash = hash.n);
		w->copy = pg_int8(c, row, 1);
		if (!(w->sum = sha256_new()))
			return ERR_NO_MEMORY;
	}
	w->part = pg_int4(c, row, 2);
	sha256_add(w->sum, bytes.p ? bytes.p : "", bytes.n);
	return ERR_OK;
}

static enum err content_page(struct audit *a, struct content_walk *w, int *n)
{
	struct pg_args args;
	struct pg_call c = { .sql = parts_sql, .args = &args };
	pg_args_init(&args);
	pg_arg_bytes(&args, (struct slice){ (const char *)w->hash, w->n_hash });
	pg_arg_int8(&args, w->copy);
	pg_arg_int4(&args, w->part);
	pg_arg_int8(&args, PARTS);
	enum err e = run(a, &c);
	*n = e ? 0 : c.n;
	for (int i = 0; i < *n && !e && !a->out->fault; i++)
		e = content_part(a, w, &c, i);
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return e;
}

static enum err look_at_contents(struct audit *a)
{
	struct pg_call missing = { .sql = missing_sql }, empty = { .sql = empty_sql };
	struct content_walk w = { .copy = INT64_MIN, .part = -1 };
	int n = 1;
	enum err e = run(a, &missing);
	if (!e && missing.n)
		fault(a, "the bytes of a file are not here", 0, pg_str(&missing, 0, 0), pg_int8(&missing, 0, 1));
	pg_clear(&missing, 1);
	if (!e && !a->out->fault && !(e = run(a, &empty)) && empty.n)
		damaged(a, pg_str(&empty, 0, 0));
	pg_clear(&empty, 1);
	while (!e && n && !a->out->fault)
		e = content_page(a, &w, &n);
	if (!e && !a->out->fault)
		e = content_end(a, &w);
	sha256_free(w.sum);
	return e;
}

static enum err walk(struct audit *a)
{
	int n = 1;
	enum err e = read_ends(a);
	while (!e && n && !a->out->fault)
		e = read_page(a, &n);
	if (e || a->out->fault)
		return e;
	if (a->at != a->end)
		fault(a, "the feed ends too early or too late", a->end, NULL, 0);
	else if (a->hash.n != a->end_hash.n || memcmp(a->hash.p, a->end_hash.p, a->hash.n))
		fault(a, "the last hash is not the one that was noted", a->end, NULL, 0);
	else
		e = look_for_strays(a);
	return e || a->out->fault ? e : look_at_contents(a);
}

enum err pg_audit(const char *conninfo, struct arena *arena, struct pg_audit *out, struct diag *d)
{
	struct audit a = { .arena = arena, .out = out };
	*out = (struct pg_audit){ 0 };
	enum err e = pg_open(conninfo, &a.pg, d);
	if (e)
		return e;
	e = pg_script(a.pg, "SET statement_timeout = 0", d);
	if (!e)
		e = pg_begin(a.pg, PG_READ);	/* one moment: what is deleted meanwhile is still read */
	if (!e && (e = walk(&a)))
		diag_add(d, e, "the feed cannot be read: %s", err_info[e].text);
	out->sound = !e && !out->fault;
	pg_close(a.pg);
	return e;
}
