/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/intake.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

static void begin(struct intake *in, enum err e)
{
	char text[160];
	if (e == ERR_TOO_LARGE)
		snprintf(text, sizeof text, "the spool is full (%llu bytes are not in the database yet): the broker has to wait",
			 (unsigned long long)spool_backlog(in->spool));
	else
		snprintf(text, sizeof text, "the spool cannot be written (%s): the broker has to wait", err_info[e].text);
	log_error("spool", "%s", text);
	in->waits(in->ctx, text);
}

bool intake_take(struct intake *in, int64_t recv_us, const struct engine_message *m)
{
	int64_t since = 0;
	for (enum err e; (e = spool_append(in->spool, recv_us, m, NULL)); ) {
		int64_t closing = atomic_load(&in->closing);
		if (e == ERR_BAD_REQUEST) {
			log_error("spool", "a message of %zu bytes on %s is larger than the spool takes: dropped", m->n, m->topic);
			return true;
		}
		if (closing && clock_mono_us() - closing > INTAKE_STOP_US)
			return false;
		if (!since) {
			since = clock_mono_us();
			begin(in, e);
		}
		if (!spool_wait_space(in->spool, US_PER_S / 5) || e != ERR_TOO_LARGE)
			clock_sleep_us(US_PER_S / 20);
	}
	if (since) {
		log_info("spool", "there is room again, after %.1f s", (double)(clock_mono_us() - since) / 1e6);
		in->waits(in->ctx, NULL);
	}
	return true;
}
