/* SPDX-License-Identifier: Apache-2.0
 * store_pg_care.c - statistics of tables that nobody else keeps: of those that are divided, and of those that have grown by half in one go. */
#include "base/log.h"
#include "sql/store_pg_priv.h"

#define AHEAD_DAYS 8
#define AT_ONCE 20		/* tables; more have to wait for the next time */

/* One table, in its own transaction: whoever analyses keeps others from changing it by ALTER TABLE until the end. */
static enum err care_for_one(struct pg *pg, bool *done)
{
	struct pg_call call = { .st = PG_care };
	enum err e = pg_once(pg, &call);
	*done = !e && call.n && !pg_null(&call, 0, 0);
	if (*done)
		log_debug("sql", "%s is analysed", pg_str(&call, 0, 0));
	pg_clear(&call, 1);
	return e;
}

enum err store_pg_care(struct pg *pg)
{
	bool more = true;
	enum err e = ERR_OK;
	for (int i = 0; i < AT_ONCE && more && !e; i++)
		e = care_for_one(pg, &more);
	return e;
}

enum err store_pg_stretch(struct pg *pg, enum pg_statement st, const char *parent, int64_t day)
{
	struct pg_args a;
	pg_args_init(&a);
	pg_arg_text(&a, parent);
	pg_arg_int4(&a, (int32_t)day);
	struct pg_call call = { .st = st, .args = &a };
	enum err e = pg_once(pg, &call);
	pg_clear(&call, 1);
	pg_args_fini(&a);
	return e;
}

void store_pg_care_calls(struct pg *pg, int64_t day)
{
	static const char calls[] = "operation_call";
	struct pg_call cut = { .st = PG_calls_cut };
	enum err e = store_pg_stretch(pg, PG_stretch_make, calls, day);
	e = e ? e : store_pg_stretch(pg, PG_stretch_make, calls, day + AHEAD_DAYS);
	e = e ? e : pg_once(pg, &cut);
	pg_clear(&cut, 1);
	if (e)
		log_warn("sql", "the partitions of %s are not what they should be: %s", calls, err_info[e].text);
}
