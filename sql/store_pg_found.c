/* SPDX-License-Identifier: Apache-2.0
 * store_pg_found.c - what elements are found by (0022-found.sql): made here for who sends rows by COPY, and brought up to date where values were
 * written since.
 */
#include <math.h>
#include <stdlib.h>

#include "sql/store_pg_priv.h"

/* -- hashtextextended(text, 0) without its sign: Bob Jenkins' lookup3, as PostgreSQL has it where the lowest byte comes first ------------------ */
#define START (0x9e3779b9u + 3923095u)

struct mix {
	uint32_t a, b, c;
};

static uint32_t turned(uint32_t v, unsigned by)
{
	return v << by | v >> (32 - by);
}

static uint32_t word(const unsigned char *p, size_t n)
{
	uint32_t v = 0;
	for (size_t i = 0; i < n && i < 4; i++)
		v |= (uint32_t)p[i] << 8 * i;
	return v;
}

static void stir(uint32_t *x, uint32_t y, uint32_t *z, unsigned by)
{
	*x = (*x - *z) ^ turned(*z, by);
	*z += y;
}

static void stir_all(struct mix *m)
{
	stir(&m->a, m->b, &m->c, 4);
	stir(&m->b, m->c, &m->a, 6);
	stir(&m->c, m->a, &m->b, 8);
	stir(&m->a, m->b, &m->c, 16);
	stir(&m->b, m->c, &m->a, 19);
	stir(&m->c, m->a, &m->b, 4);
}

static void settle(uint32_t *x, uint32_t y, unsigned by)
{
	*x = (*x ^ y) - turned(y, by);
}

static void settle_all(struct mix *m)
{
	settle(&m->c, m->b, 14);
	settle(&m->a, m->c, 11);
	settle(&m->b, m->a, 25);
	settle(&m->c, m->b, 16);
	settle(&m->a, m->c, 4);
	settle(&m->b, m->a, 14);
	settle(&m->c, m->b, 24);
}

int64_t store_pg_key_of(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t first = START + (uint32_t)n;
	struct mix m = { first, first, first };
	for (; n >= 12; n -= 12, p += 12) {
		m.a += word(p, 4);
		m.b += word(p + 4, 4);
		m.c += word(p + 8, 4);
		stir_all(&m);
	}
	m.a += word(p, n);
	m.b += n > 4 ? word(p + 4, n - 4) : 0;
	m.c += n > 8 ? word(p + 8, n - 8) << 8 : 0;	/* the lowest byte is the length's */
	settle_all(&m);
	return (int64_t)(((uint64_t)m.b << 32 | m.c) & INT64_MAX);
}

/* -- twinshell.number_of (0020-ranges.sql) ------------------------------------------------------------------------------------------------------ */
#define EXACT 15	/* digits, before the point and behind it, that both sides read alike */

/* [-+]?[0-9]{1,15}([.][0-9]{1,15})? */
static bool is_plain(const char *text)
{
	static const char digits[] = "0123456789";
	const char *p = text + (*text == '-' || *text == '+');
	size_t n = strspn(p, digits), more = p[n] == '.' ? strspn(p + n + 1, digits) : 0;
	p += n + (more ? more + 1 : 0);
	return n && n <= EXACT && more <= EXACT && !*p;
}

bool store_pg_number_of(const char *cls, int group, double num, const char *value, double *out)
{
	*out = NAN;
	if (!strcmp(cls, "MultiLanguageProperty"))
		return true;
	if (group == 1) {
		*out = isfinite(num) ? num : NAN;
		return true;
	}
	if (!value || !*value || !strchr("-+.0123456789IN", *value) || value[strspn(value, "-+.0123456789eEINFa")])
		return false;
	if (is_plain(value))
		*out = strtod(value, NULL);
	return true;
}

/* -- bringing up to date ------------------------------------------------------------------------------------------------------------------------ */
enum err store_pg_found_again(struct pg *pg, size_t most, size_t *n)
{
	struct pg_args args;
	struct pg_call c[2] = { { .st = PG_found_gone }, { .st = PG_found_again, .args = &args } };
	*n = 0;
	pg_args_init(&args);
	pg_arg_int8(&args, (int64_t)most);
	enum err e = pg_begin(pg, PG_WRITE);
	if (!e)
		e = pg_run(pg, c, 2);
	if (!e)
		*n = (size_t)pg_int8(&c[1], 0, 0);
	if (!e)
		e = pg_commit(pg);
	pg_rollback(pg);
	pg_clear(c, 2);
	pg_args_fini(&args);
	return e;
}
