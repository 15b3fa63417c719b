/* SPDX-License-Identifier: Apache-2.0
 * store_pg_notice.c - the text of a notification: changes, each as "KIND VERSION BYTES ID", one behind the other.
 *
 * Whoever may connect to the database may send one, so nothing in it is believed that does not have this form. */
#include "sql/store_pg_priv.h"

#define NOTICE_MAX 7999		/* NOTIFY takes payloads shorter than 8000 bytes */

bool store_pg_notice_add(struct buf *b, enum store_kind kind, const char *id, int64_t version)
{
	size_t n = strlen(id), was = b->n;
	if (n > STORE_PG_NOTICE_ID)
		return false;
	buf_printf(b, "%d %lld %zu %s", (int)kind, (long long)version, n, id);
	if (b->failed || b->n <= NOTICE_MAX)
		return !b->failed;
	b->n = was;
	b->p[was] = 0;
	return false;
}

/* Digits and the blank behind them. */
static bool number(const char **p, uint64_t max, uint64_t *out)
{
	const char *s = *p;
	*out = 0;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (*out > max / 10)
			return false;
		*out = *out * 10 + (uint64_t)(*s - '0');
	}
	if (s == *p || *s != ' ' || *out > max)
		return false;
	*p = s + 1;
	return true;
}

bool store_pg_notice_read(const char *text, void (*each)(void *ctx, enum store_kind, const char *id, int64_t version), void *ctx)
{
	char id[STORE_PG_NOTICE_ID + 1];
	uint64_t kind, version, n;
	if (!*text)
		return false;
	while (*text) {
		if (!number(&text, STORE_N_KINDS - 1, &kind) || !number(&text, INT64_MAX - 1, &version) || !number(&text, STORE_PG_NOTICE_ID, &n) ||
		    strnlen(text, n) < n)
			return false;
		memcpy(id, text, n);
		id[n] = 0;
		each(ctx, (enum store_kind)kind, id, (int64_t)version);
		text += n;
	}
	return true;
}
