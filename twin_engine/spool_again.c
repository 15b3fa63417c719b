/* SPDX-License-Identifier: Apache-2.0
 * spool_again.c - what the broker delivers again.
 *
 * A broker that has not got our PUBACK (this process was killed, the connection broke) delivers the message again, with DUP set and under the
 * same packet identifier (MQTT 3.1.1 and 5.0, 3.3.1.1 and 4.4).  Whether we have it is known here and nowhere else: time stamps do not tell
 * (a message need not have one, and two may share one), the samples in the database do not (a value within the dead band is not kept), and what the
 * engine remembers of a series ends with the process.  What is here is in the database or will be, so the memory can be made of the records
 * themselves: those of the last segment and of the one before it, which therefore stays while there is room (spool_segments_cut).
 * A packet identifier comes back after 65535 messages, or sooner; but without DUP, and so it stands for the new message then.
 *
 * The appender's thread asks and notes (spool_append.c); spool_open recalls.
 */
#include "twin_engine/spool_priv.h"

#include <stdlib.h>

uint32_t *spool_again_new(void)
{
	return calloc((size_t)UINT16_MAX + 1, sizeof(uint32_t));
}

bool spool_again_has(const struct spool *s, const struct engine_message *m, uint32_t check)
{
	return m->again && m->packet && s->packet[m->packet] == check;
}

void spool_again_note(struct spool *s, uint16_t packet, uint32_t check)
{
	if (packet)
		s->packet[packet] = check;
}

size_t spool_again_recall(struct spool *s, const char *p, size_t n, uint64_t base)
{
	struct spool_record r;
	size_t at = 0;
	for (; spool_record_ok(p + at, n - at, base + at, &r); at += r.size) {
		struct iovec content = { (void *)(uintptr_t)(p + at + sizeof r), (size_t)r.topic + 1 + r.correlation + 1 + r.payload };
		spool_again_note(s, r.packet, spool_content_check(&content, 1));
	}
	return at;
}
