/* SPDX-License-Identifier: Apache-2.0
 * spool_record.c - the form of one record: how a message is laid out, and how whole and true ones are told from what a crash or a disk has left.
 * It knows bytes alone; where they lie is known to spool_segment.c.
 */
#include "twin_engine/spool_priv.h"

enum { FLAG_RETAINED = 1, FLAG_CORRELATION = 2 };

/* -- CRC-32C (Castagnoli), eight bytes at a time --------------------------------------------------------------------------- */

static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void crc_make(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
		crc_table[0][i] = c;
	}
	for (unsigned i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++)
			crc_table[t][i] = crc_table[t - 1][i] >> 8 ^ crc_table[0][crc_table[t - 1][i] & 255];
}

static uint32_t crc_add(uint32_t c, const void *data, size_t n)
{
	const unsigned char *p = data;
	for (; n >= 8; n -= 8, p += 8) {
		c ^= p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		c = crc_table[7][c & 255] ^ crc_table[6][c >> 8 & 255] ^ crc_table[5][c >> 16 & 255] ^ crc_table[4][c >> 24] ^
		    crc_table[3][p[4]] ^ crc_table[2][p[5]] ^ crc_table[1][p[6]] ^ crc_table[0][p[7]];
	}
	for (; n; n--)
		c = c >> 8 ^ crc_table[0][(c ^ *p++) & 255];
	return c;
}

static uint32_t crc_parts(uint32_t c, const struct iovec *part, int n)
{
	for (int i = 0; i < n; i++)
		c = crc_add(c, part[i].iov_base, part[i].iov_len);
	return c;
}

void spool_record_init(void)
{
	pthread_once(&crc_once, crc_make);
}

/* -- records ----------------------------------------------------------------------------------------------------------------- */

#define CRC_SKIP offsetof(struct spool_record, position)

static size_t record_size(size_t topic, size_t correlation, size_t payload)
{
	return (sizeof(struct spool_record) + topic + correlation + payload + 3 + 7) & ~(size_t)7;
}

/* None of them is written to. */
static struct iovec part_of(const void *p, size_t n)
{
	return (struct iovec){ (void *)(uintptr_t)p, n };
}

bool spool_record_make(struct spool_record *r, struct iovec part[SPOOL_RECORD_PARTS], int64_t recv_us, const struct engine_message *m)
{
	static const char zeros[16];
	size_t topic = strlen(m->topic), correlation = m->correlation ? strlen(m->correlation) : 0;
	if (topic > UINT16_MAX || correlation > UINT16_MAX || m->n > SPOOL_SEGMENT_MAX)
		return false;
	size_t size = record_size(topic, correlation, m->n);
	*r = (struct spool_record){
		.size = (uint32_t)size, .recv_us = recv_us, .payload = (uint32_t)m->n,
		.topic = (uint16_t)topic, .correlation = (uint16_t)correlation, .packet = m->packet,
		.flags = (m->retained ? FLAG_RETAINED : 0) | (m->correlation ? FLAG_CORRELATION : 0),
	};
	part[0] = part_of(r, sizeof *r);
	part[1] = part_of(m->topic, topic);
	part[2] = part_of(zeros, 1);
	part[3] = part_of(correlation ? m->correlation : zeros, correlation);
	part[4] = part_of(zeros, 1);
	part[5] = part_of(m->n ? m->payload : zeros, m->n);
	part[6] = part_of(zeros, size - sizeof *r - topic - correlation - m->n - 2);
	return true;
}

void spool_record_seal(struct spool_record *r, const struct iovec part[SPOOL_RECORD_PARTS], uint64_t position)
{
	r->position = position;
	r->crc = crc_parts(crc_add(~0u, (const char *)r + CRC_SKIP, sizeof *r - CRC_SKIP), part + 1, SPOOL_RECORD_PARTS - 1);
}

bool spool_record_ok(const char *p, size_t n, uint64_t position, struct spool_record *r)
{
	if (n < sizeof *r)
		return false;
	memcpy(r, p, sizeof *r);
	return r->size && r->size <= n && r->position == position &&
	       r->size == record_size(r->topic, r->correlation, r->payload) &&
	       p[sizeof *r + r->topic] == 0 &&
	       r->crc == crc_add(~0u, p + CRC_SKIP, r->size - CRC_SKIP);
}

void spool_record_open(const char *p, const struct spool_record *r, struct engine_message *m)
{
	const char *topic = p + sizeof *r, *correlation = topic + r->topic + 1;
	*m = (struct engine_message){
		.topic = topic,
		.correlation = r->flags & FLAG_CORRELATION ? correlation : NULL,
		.payload = correlation + r->correlation + 1,
		.n = r->payload,
		.retained = r->flags & FLAG_RETAINED,
		.position = r->position,
	};
}

uint32_t spool_content_check(const struct iovec *part, int n)
{
	uint32_t c = crc_parts(~0u, part, n);
	return c ? c : 1;
}
