/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/pg_kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool claim(struct pg_kept *k, struct pg_kept_place *p, const char *sql)
{
	char *own = strdup(sql);
	if (!own)
		return false;
	free(p->sql);
	p->sql = own;
	p->good = false;
	snprintf(p->name, sizeof p->name, "kept%d", (int)(p - k->place));
	snprintf(p->drop, sizeof p->drop, "DEALLOCATE kept%d", (int)(p - k->place));
	return true;
}

struct pg_kept_place *pg_kept_find(struct pg_kept *k, const char *sql)
{
	struct pg_kept_place *at = k->place;
	if (strlen(sql) > PG_KEPT_BYTES)
		return NULL;
	for (struct pg_kept_place *p = k->place; p < k->place + PG_KEPT_MAX; p++) {
		if (p->sql && !strcmp(p->sql, sql)) {
			p->used = ++k->clock;
			return p;
		}
		if (p->used < at->used)
			at = p;
	}
	if (!claim(k, at, sql))
		return NULL;
	at->used = ++k->clock;
	return at;
}

void pg_kept_lost(struct pg_kept *k)
{
	for (struct pg_kept_place *p = k->place; p < k->place + PG_KEPT_MAX; p++)
		p->there = p->good = false;
}

void pg_kept_fini(struct pg_kept *k)
{
	for (struct pg_kept_place *p = k->place; p < k->place + PG_KEPT_MAX; p++)
		free(p->sql);
}
