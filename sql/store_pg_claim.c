/* SPDX-License-Identifier: Apache-2.0
 * store_pg_claim.c - a name that only one process at a time has on a database: a session lock on a connection of its own, which does nothing else.
 *
 * A lock and not a row: it ends with its process, however that ends, so the next one need not wait nor guess whether the other is alive.  The
 * thread of the feed looks after it; when the connection is lost the lock is taken again on the next one.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "sql/store_pg_priv.h"

#define LOOK_US US_PER_S
#define PATIENCE_US (5 * US_PER_S)	/* the session of a process that was killed just now ends by itself */
#define PAUSE_US 50000

struct pg_claim {
	struct pg_store *store;
	char *name;
	struct pg *pg;			/* NULL: lost */
	int64_t looked_at;
	bool refused;			/* and said so */
};

/* A machine that is gone is missed after half a minute, not after the two hours that are usual. */
static enum err connect_claim(struct pg_claim *c)
{
	static const struct pg_setting setting[] = {
		{ "application_name", "twinshell name" }, { "tcp_keepalives_idle", "10" }, { "tcp_keepalives_interval", "5" },
		{ "tcp_keepalives_count", "4" },
	};
	return pg_open_set(c->store->conninfo, setting, sizeof setting / sizeof *setting, &c->pg);
}

static void lose(struct pg_claim *c)
{
	pg_close(c->pg);
	c->pg = NULL;
}

/* ERR_CONFLICT: somebody else has it. */
static enum err take(struct pg_claim *c)
{
	const char *param = c->name, *answer = NULL;
	struct arena *a = arena_new(0);
	enum err e = a ? connect_claim(c) : ERR_NO_MEMORY;
	if (!e)
		e = pg_ask(c->pg, a, "SELECT pg_try_advisory_lock(hashtextextended('twinshell client ' || $1, 0))::text", &param, 1, &answer, NULL);
	if (!e && (!answer || strcmp(answer, "true")))
		e = ERR_CONFLICT;
	if (e)
		lose(c);
	arena_free(a);
	return e;
}

enum err store_pg_claim(struct store *st, const char *name, struct diag *d)
{
	struct pg_store *s = (struct pg_store *)st;
	struct pg_claim *c = pg_pooled() ? NULL : calloc(1, sizeof *c);
	if (pg_pooled())
		return ERR_OK;
	enum err e = c && (c->name = strdup(name)) ? ERR_CONFLICT : ERR_NO_MEMORY;
	if (c)
		c->store = s;
	for (int64_t until = clock_mono_us() + PATIENCE_US; e == ERR_CONFLICT; clock_sleep_us(PAUSE_US))
		if ((e = take(c)) == ERR_CONFLICT && clock_mono_us() >= until)
			break;
	if (!e)
		atomic_store(&s->claim, c);
	else
		store_pg_claim_free(c);
	if (e == ERR_CONFLICT)
		return diag_add(d, e, "another server runs on this database as \"%s\": each needs a --client-id of its own", name);
	return !e ? ERR_OK : diag_add(d, e, "the name \"%s\" cannot be claimed in the database: %s", name, err_info[e].text);
}

void store_pg_claim_keep(struct pg_store *s)
{
	struct pg_claim *c = atomic_load(&s->claim);
	int64_t now = clock_mono_us();
	if (!c || now - c->looked_at < LOOK_US)
		return;
	c->looked_at = now;
	if (c->pg && pg_script(c->pg, "SELECT 1", NULL))
		lose(c);
	enum err e = c->pg ? ERR_OK : take(c);
	if (e == ERR_CONFLICT && !c->refused)
		log_error("sql", "another server has begun on this database as \"%s\" while it could not be reached: stop one of them, or telemetry"
			  " is lost", c->name);
	else if (!e && c->refused)
		log_info("sql", "no other server is on this database as \"%s\" any more", c->name);
	c->refused = e == ERR_CONFLICT || (e && c->refused);
}

void store_pg_claim_free(struct pg_claim *c)
{
	if (!c)
		return;
	lose(c);
	free(c->name);
	free(c);
}
