/* SPDX-License-Identifier: Apache-2.0
 * Parameters and COPY fields in PostgreSQL's binary formats: network byte order, times in microseconds since 2000-01-01. */
#include <math.h>

#include "base/clock.h"
#include "sql/pg_wire.h"

#define PG_EPOCH_US INT64_C(946684800000000)
#define PG_DAY_US INT64_C(86400000000)
#define PG_TIME_MIN (INT64_C(-211813488000000000) + PG_EPOCH_US)	/* 4714-11-24 BC: the first instant it knows; the last is beyond ours */

static const uint32_t type_oid[] = { [PG_BOOL] = 16, [PG_INT2] = 21, [PG_INT4] = 23, [PG_INT8] = 20, [PG_FLOAT8] = 701, [PG_TEXT] = 25,
				     [PG_TIMESTAMPTZ] = 1184, [PG_BYTEA] = 17 };
#define TEXTS_OID 1009u

static void put(char *p, uint64_t v, unsigned n)
{
	while (n--) {
		p[n] = (char)(v & 0xFF);
		v >>= 8;
	}
}

static void append(struct buf *b, uint64_t v, unsigned n)
{
	char tmp[8];
	put(tmp, v, n);
	buf_put(b, tmp, n);
}

static int64_t time_out(int64_t us)
{
	return (us < PG_TIME_MIN ? PG_TIME_MIN : us) - PG_EPOCH_US;
}

void pg_args_init(struct pg_args *a)
{
	a->n = a->n_arrays = 0;
	a->failed = false;
}

void pg_args_fini(struct pg_args *a)
{
	for (int i = 0; i < a->n_arrays; i++)
		buf_fini(&a->array[i]);
	a->n_arrays = a->n = 0;
}

static void add(struct pg_args *a, const char *p, size_t n)
{
	if (a->n == PG_ARGS_MAX || n > INT32_MAX) {
		a->failed = true;
		return;
	}
	a->value[a->n] = p;
	a->length[a->n++] = (int)n;
}

static void add_scalar(struct pg_args *a, uint64_t v, unsigned n)
{
	if (a->n == PG_ARGS_MAX) {
		a->failed = true;
		return;
	}
	put(a->scalar[a->n], v, n);
	add(a, a->scalar[a->n], n);
}

void pg_arg_text(struct pg_args *a, const char *s)
{
	add(a, s, s ? strlen(s) : 0);
}

void pg_arg_bytes(struct pg_args *a, struct slice s)
{
	add(a, s.p ? s.p : "", s.n);
}

void pg_arg_int8(struct pg_args *a, int64_t v)
{
	add_scalar(a, (uint64_t)v, 8);
}

void pg_arg_int4(struct pg_args *a, int32_t v)
{
	add_scalar(a, (uint32_t)v, 4);
}

void pg_arg_int2(struct pg_args *a, int16_t v)
{
	add_scalar(a, (uint16_t)v, 2);
}

void pg_arg_time(struct pg_args *a, int64_t us)
{
	if (us == TIME_NONE)
		add(a, NULL, 0);
	else
		add_scalar(a, (uint64_t)time_out(us), 8);
}

/* Header of a one-dimensional array: dimensions, flags, element type, length (filled in by the sender), lower bound. */
struct buf *pg_arg_array(struct pg_args *a, enum pg_type type)
{
	if (a->n == PG_ARGS_MAX) {
		a->failed = true;
		return NULL;
	}
	struct buf *b = &a->array[a->n_arrays];
	buf_init(b, 0);
	append(b, 1, 4);
	append(b, 0, 4);
	append(b, type_oid[type], 4);
	append(b, 0, 4);
	append(b, 1, 4);
	a->value[a->n] = NULL;			/* the sender takes the bytes from the buffer: it still grows */
	a->length[a->n++] = -1 - a->n_arrays++;
	return b->failed ? NULL : b;
}

void pg_item_null(struct buf *b)
{
	if (b)
		append(b, UINT32_MAX, 4);
}

static void item(struct buf *b, uint64_t v, unsigned n)
{
	if (!b)
		return;
	append(b, n, 4);
	append(b, v, n);
}

void pg_item_slice(struct buf *b, struct slice s)
{
	if (!b)
		return;
	if (!s.p || s.n > INT32_MAX) {
		b->failed |= s.n > INT32_MAX;
		pg_item_null(b);
		return;
	}
	append(b, s.n, 4);
	buf_put(b, s.p, s.n);
}

void pg_item_text(struct buf *b, const char *s)
{
	pg_item_slice(b, slice_of(s));
}

void pg_item_int8(struct buf *b, int64_t v)
{
	item(b, (uint64_t)v, 8);
}

void pg_item_int4(struct buf *b, int32_t v)
{
	item(b, (uint32_t)v, 4);
}

void pg_item_int2(struct buf *b, int16_t v)
{
	item(b, (uint16_t)v, 2);
}

void pg_item_bool(struct buf *b, bool v)
{
	item(b, v, 1);
}

void pg_item_num(struct buf *b, double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	if (isfinite(v))
		item(b, bits, 8);
	else
		pg_item_null(b);
}

void pg_item_time(struct buf *b, int64_t us)
{
	if (us == TIME_NONE)
		pg_item_null(b);
	else
		item(b, (uint64_t)time_out(us), 8);
}

void pg_item_date(struct buf *b, int64_t us)
{
	int64_t at = time_out(us), day = at / PG_DAY_US - (at % PG_DAY_US < 0);
	item(b, (uint32_t)day, 4);
}

void pg_item_bits(struct buf *b, uint64_t bits)
{
	item(b, bits, 8);
}

size_t pg_item_array(struct buf *b, enum pg_type type, size_t n)
{
	size_t at = b->n;
	append(b, 0, 4);
	append(b, 1, 4);
	append(b, 0, 4);	/* whether one is NULL: the receiver looks for itself */
	append(b, type_oid[type], 4);
	append(b, n, 4);
	append(b, 1, 4);
	return at;
}

void pg_item_array_end(struct buf *b, size_t at)
{
	if (!b->failed)
		put(b->p + at, b->n - at - 4, 4);
}

void pg_record(struct buf *b, int32_t n_fields)
{
	append(b, (uint32_t)n_fields, 4);
}

void pg_field(struct buf *b, enum pg_type type)
{
	append(b, type_oid[type], 4);
}

void pg_field_texts(struct buf *b, const char *const *text, size_t n)
{
	bool nulls = false;
	for (size_t i = 0; i < n; i++)
		nulls |= !text[i];
	append(b, TEXTS_OID, 4);
	size_t at = pg_item_array(b, PG_TEXT, n);
	if (!b->failed)
		put(b->p + at + 8, nulls, 4);
	for (size_t i = 0; i < n; i++)
		pg_item_text(b, text[i]);
	pg_item_array_end(b, at);
}

void pg_field_no_texts(struct buf *b)
{
	append(b, TEXTS_OID, 4);
	pg_item_null(b);
}

void pg_copy_row(struct buf *b, int16_t n_fields)
{
	append(b, (uint16_t)n_fields, 2);
}

/* Items are counted here, once, instead of at every item. */
void pg_wire_arg(struct pg_args *a, int i, const char **value, int *length)
{
	*value = a->value[i];
	*length = a->length[i];
	if (*length >= 0)
		return;
	struct buf *b = &a->array[-1 - *length];
	uint32_t count = 0;
	for (size_t at = 20; at + 4 <= b->n; count++) {
		const unsigned char *p = (const unsigned char *)b->p + at;
		uint32_t n = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
		at += 4 + (n == UINT32_MAX ? 0 : n);
	}
	put(b->p + 12, count, 4);
	*value = b->p;
	*length = (int)b->n;
}

int64_t pg_wire_time(int64_t v)
{
	return v > INT64_MAX - PG_EPOCH_US ? INT64_MAX : v + PG_EPOCH_US;
}

static uint32_t get4(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

/* Header: dimensions, flags, element type, then length and lower bound of the one dimension; an empty array has none. */
struct pg_items pg_items(const struct pg_call *k, int row, int col)
{
	struct slice s = pg_slice(k, row, col);
	if (!s.p || s.n < 20 || get4(s.p) != 1)
		return (struct pg_items){ NULL, NULL };
	return (struct pg_items){ s.p + 20, s.p + s.n };
}

bool pg_items_next(struct pg_items *i, struct slice *item)
{
	if (i->end - i->p < 4)
		return false;
	uint32_t n = get4(i->p);
	i->p += 4;
	*item = (struct slice){ n == UINT32_MAX ? NULL : i->p, n == UINT32_MAX ? 0 : n };
	i->p += item->n;
	return i->p <= i->end;
}
