/* SPDX-License-Identifier: Apache-2.0
 * Random steps on the store and on a small model of it: after every step both show the same.  The seed is printed;
 * TWINSHELL_SEED repeats a run. */
#include "tests/store/suite.h"

enum { STEPS = 300, IDS = 7, VALUES = 4, BLOBS = 3 };

struct doc {
	bool there;
	int64_t version;	/* the last one that this id ever had */
	int id_short;		/* 0: none */
	unsigned n;		/* properties P0.. */
	int value[VALUES];	/* 0: absent, 1: empty, else a number */
};
struct model {
	struct doc doc[STORE_N_KINDS][IDS];
	int blob[BLOBS];	/* 0: none */
};

static unsigned long long seed;
static struct model committed, now;
static struct store_txn *txn;
static char what[200];		/* the step, for the report */

static unsigned dice(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static const char *id_of(int i)
{
	static const char *const id[IDS] = { "urn:r:b", "urn:r:B", "urn:r:\xC3\xA4", "it's", "urn:r:", "Z", "a\\b" };
	return id[i];
}

static const char *value_text(int v)
{
	return v == 0 ? NULL : v == 1 ? "" : arena_printf(ar, "%d'\\\"", v);
}

static struct aas_node *render(enum store_kind kind, int i, const struct doc *d)
{
	const char *v[VALUES];
	for (unsigned k = 0; k < d->n; k++)
		v[k] = value_text(d->value[k]);
	return make(kind, id_of(i), d->id_short ? arena_printf(ar, "S%d", d->id_short) : NULL, v, kind == STORE_SUBMODEL ? d->n : 0);
}

/* -- comparing ------------------------------------------------------------------------------------------------------------------------- */
static bool differs(const char *of, const char *got, const char *want)
{
	if (!strcmp(got, want))
		return false;
	printf("# %s\n#   got  %.600s\n#   want %.600s\n", of, got, want);
	return true;
}

static bool differs_doc(struct store_txn *t, const struct model *m, enum store_kind kind, int i)
{
	const struct doc *d = &m->doc[kind][i];
	int64_t v = 0;
	if (differs(id_of(i), get(t, kind, id_of(i)), d->there ? canonical(render(kind, i, d)) : "NOT_FOUND"))
		return true;
	enum err e = st->ops->version(t, kind, id_of(i), &v);
	if (d->there ? e || v != d->version : e != ERR_NOT_FOUND) {
		printf("# %s: version %lld (%s), want %lld\n", id_of(i), (long long)v, say(e), (long long)d->version);
		return true;
	}
	return false;
}

static const char *want_list(const struct model *m, enum store_kind kind, int id_short, const char *after, unsigned limit)
{
	struct buf b = BUF_INIT;
	const char *last = after;
	for (unsigned n = 0;; n++) {
		int best = -1;
		for (int i = 0; i < IDS; i++)
			if (m->doc[kind][i].there && (!id_short || m->doc[kind][i].id_short == id_short) && (!last || strcmp(id_of(i), last) > 0) &&
			    (best < 0 || strcmp(id_of(i), id_of(best)) < 0))
				best = i;
		if (best < 0)
			break;
		if (n == limit) {
			buf_printf(&b, "NEXT %s", last);
			break;
		}
		buf_printf(&b, "%s ", id_of(best));
		last = id_of(best);
	}
	const char *s = arena_strndup(ar, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return s;
}

static bool differs_list(struct store_txn *t, const struct model *m, enum store_kind kind)
{
	unsigned limit = 1 + dice(IDS);
	int id_short = (int)dice(3);
	const char *after = dice(2) ? id_of((int)dice(IDS)) : NULL, *name = id_short ? arena_printf(ar, "S%d", id_short) : NULL;
	return differs(arena_printf(ar, "list of kind %d, idShort %s, after %s, limit %u", kind, name ? name : "-", after ? after : "-", limit),
		       ids(t, kind, &(struct store_filter){ .id_short = name }, after, limit), want_list(m, kind, id_short, after, limit));
}

static bool differs_blob(struct store_txn *t, const struct model *m, int i)
{
	struct store_blob b;
	enum err e = store_blob_get(st, t, arena_printf(ar, "blob%d", i), SIZE_MAX, ar, &b);
	return differs("blob", e ? say(e) : arena_strndup(ar, b.bytes.p, b.bytes.n), m->blob[i] ? arena_printf(ar, "bytes %d", m->blob[i]) : "NOT_FOUND");
}

static bool differs_all(struct store_txn *t, const struct model *m)
{
	bool bad = false;
	for (int k = 0; k < STORE_N_KINDS; k++) {
		for (int i = 0; i < IDS; i++)
			bad |= differs_doc(t, m, (enum store_kind)k, i);
		bad |= differs_list(t, m, (enum store_kind)k);
	}
	for (int i = 0; i < BLOBS; i++)
		bad |= differs_blob(t, m, i);
	return bad;
}

/* -- steps: true when store and model differ.  `now` is what the transaction should see -------------------------------------------- */
static bool differs_err(enum err got, enum err want)
{
	return differs(what, say(got), say(want));
}

static bool step_put(enum store_kind kind, int i)
{
	struct doc fresh = { .there = true, .id_short = (int)dice(3), .n = dice(VALUES + 1) }, *d = &now.doc[kind][i];
	enum store_put how = (enum store_put)(1 + dice(3));
	bool created = false, replaces = d->there;
	int64_t expect = d->there && dice(3) ? d->version : 0, v = 0;
	for (unsigned k = 0; k < VALUES; k++)
		fresh.value[k] = (int)dice(5);
	/* steps that end the transaction are left to other tests */
	how = how == STORE_CREATE && d->there ? STORE_EITHER : how;
	enum err want = how == STORE_REPLACE && !d->there ? ERR_NOT_FOUND : ERR_OK;
	snprintf(what, sizeof what, "put kind %d %s how %d expect %lld", kind, id_of(i), how, (long long)expect);
	enum err e = st->ops->put(txn, kind, render(kind, i, &fresh), how, expect, &created, &v);
	if (differs_err(e, want) || e)
		return e != want;
	if (created == replaces || v <= d->version) {
		printf("# %s: created %d, version %lld after %lld\n", what, created, (long long)v, (long long)d->version);
		return true;
	}
	fresh.version = v;
	*d = fresh;
	return differs_doc(txn, &now, kind, i);
}

static bool step_del(enum store_kind kind, int i)
{
	struct doc *d = &now.doc[kind][i];
	snprintf(what, sizeof what, "del kind %d %s", kind, id_of(i));
	if (differs_err(st->ops->del(txn, kind, id_of(i)), d->there ? ERR_OK : ERR_NOT_FOUND))
		return true;
	d->there = false;
	return differs_doc(txn, &now, kind, i);
}

static bool step_values(enum store_kind kind, int i)
{
	struct doc *d = &now.doc[STORE_SUBMODEL][i], was = *d;
	struct store_value v[3];
	unsigned n = 1 + dice(3), at;
	enum err want = d->there ? ERR_OK : ERR_NOT_FOUND;
	int64_t version = 0;
	(void)kind;
	for (unsigned k = 0; k < n; k++) {
		int to = (int)dice(5);
		at = dice(VALUES);
		v[k] = (struct store_value){ arena_printf(ar, "P%u", at), value_text(to) };
		if (at >= d->n)
			want = ERR_NOT_FOUND;
		else
			d->value[at] = to;
	}
	snprintf(what, sizeof what, "%u values of %s", n, id_of(i));
	enum err e = st->ops->put_values(txn, id_of(i), v, n, &version);
	if (e)
		*d = was;
	else if (version <= was.version)
		printf("# %s: version %lld after %lld\n", what, (long long)version, (long long)was.version);
	if (differs_err(e, want) || (!e && version <= was.version))
		return true;
	if (!e)
		d->version = version;
	return differs_doc(txn, &now, STORE_SUBMODEL, i);
}

static bool step_blob(enum store_kind kind, int i)
{
	int b = i % BLOBS, to = (int)dice(3) ? (int)dice(1000) + 1 : 0;
	const char *key = arena_printf(ar, "blob%d", b), *bytes = arena_printf(ar, "bytes %d", to);
	(void)kind;
	snprintf(what, sizeof what, "blob %d = %d", b, to);
	enum err e = to ? store_blob_put(st, txn, key, &(struct store_blob){ NULL, NULL, slice_of(bytes) }) : st->ops->blob_del(txn, key);
	if (differs_err(e, to || now.blob[b] ? ERR_OK : ERR_NOT_FOUND))
		return true;
	now.blob[b] = to;
	return differs_blob(txn, &now, b);
}

static bool step_list(enum store_kind kind, int i)
{
	(void)i;
	snprintf(what, sizeof what, "list");
	return differs_list(txn, &now, kind);
}

/* The end of a transaction; sometimes by abort.  Then another one must see exactly what was committed. */
static bool step_end(enum store_kind kind, int i)
{
	bool keep = dice(4) > 0;
	(void)kind;
	(void)i;
	snprintf(what, sizeof what, keep ? "commit" : "abort");
	if (keep) {
		if (differs_err(st->ops->commit(txn), ERR_OK))
			return true;
		committed = now;
	} else {
		st->ops->abort(txn);
		now = committed;
	}
	txn = start(false);
	bool bad = differs_all(txn, &committed);
	st->ops->abort(txn);
	txn = start(true);
	return bad;
}

void suite_random(void)
{
	static bool (*const step[])(enum store_kind, int) = {
		step_put, step_put, step_put, step_values, step_values, step_values, step_del, step_blob, step_list, step_end, step_end,
	};
	const char *given = getenv("TWINSHELL_SEED");
	unsigned long long s = given ? strtoull(given, NULL, 10) : 20240229;
	int n = 0;
	bool bad = false;
	printf("# TWINSHELL_SEED=%llu\n", s);
	seed = s * 2654435769u + 1;
	memset(&committed, 0, sizeof committed);
	now = committed;
	txn = start(true);
	for (; n < STEPS && !bad; n++)
		bad = step[dice(sizeof step / sizeof *step)]((enum store_kind)dice(STORE_N_KINDS), (int)dice(IDS));
	if (bad)
		printf("# at step %d: %s\n", n, what);
	st->ops->abort(txn);
	check(!bad, "%d random steps, store and model show the same", n);
}
