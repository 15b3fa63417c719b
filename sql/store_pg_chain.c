/* SPDX-License-Identifier: Apache-2.0
 * store_pg_chain.c - the chain of hashes of the feed, made here as twinshell.change_hash and twinshell.chain make it in the database: the hash of
 * a position is that of the position before it and of the change, which is its row of history as record_send writes it.
 */
#include "base/clock.h"
#include "sql/store_pg_priv.h"

#define COLUMNS 15

bool store_pg_chain_begin(struct pg_chain *c, int64_t position, struct slice hash)
{
	c->position = position;
	c->n = hash.n;
	if (hash.n > sizeof c->hash)
		return false;
	memcpy(c->hash, hash.p, hash.n);
	return true;
}

struct slice store_pg_chain_hash(const struct pg_chain *c)
{
	return (struct slice){ (const char *)c->hash, c->n };
}

static void text(struct buf *b, const char *s)
{
	pg_field(b, PG_TEXT);
	pg_item_text(b, s);
}

static void time_of(struct buf *b, int64_t us)
{
	pg_field(b, PG_TIMESTAMPTZ);
	pg_item_time(b, us);
}

/* The columns that twinshell.change_hash names, in its order, of a change of values. */
static void write_row(struct buf *b, const struct pg_change *c)
{
	pg_record(b, COLUMNS);
	pg_field(b, PG_INT8);
	pg_item_int8(b, c->key);
	pg_field(b, PG_INT2);
	pg_item_int2(b, STORE_SUBMODEL);
	pg_field(b, PG_INT8);
	pg_item_int8(b, c->version);
	text(b, "value");
	time_of(b, c->recorded_us);
	time_of(b, c->cause ? c->cause->valid_us : TIME_NONE);
	text(b, c->cause ? c->cause->actor : NULL);
	text(b, c->cause ? c->cause->request : NULL);
	text(b, c->id);
	text(b, NULL);		/* element */
	text(b, NULL);		/* element_operation */
	text(b, NULL);		/* document */
	pg_field_texts(b, c->path, c->n);
	pg_field_texts(b, c->before, c->n);
	pg_field_texts(b, c->after, c->n);
}

bool store_pg_chain_add(struct pg_chain *c, const struct pg_change *change, struct buf *row)
{
	unsigned char link[2 * SHA256_SIZE];
	buf_reset(row);
	write_row(row, change);
	memcpy(link, c->hash, c->n);
	if (row->failed || !sha256_of(row->p, row->n, link + c->n) || !sha256_of(link, c->n + SHA256_SIZE, c->hash))
		return false;
	c->n = SHA256_SIZE;
	c->position++;
	return true;
}
