/* SPDX-License-Identifier: Apache-2.0 - sources and sinks: descriptors and slices. */
#include "base/stream.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/tap.h"

static void slices(void)
{
	struct slice rest = SLICE("abcde");
	struct source s = source_slice(&rest);
	char out[8];
	size_t got;
	check(!s.read(s.ctx, out, 3, &got, NULL) && got == 3 && !memcmp(out, "abc", 3), "three bytes of five");
	check(!s.read(s.ctx, out, 8, &got, NULL) && got == 2 && !memcmp(out, "de", 2), "the other two");
	check(!s.read(s.ctx, out, 8, &got, NULL) && got == 0, "the end");
}

static void descriptors(void)
{
	struct diag d = DIAG_INIT;
	int pair[2];
	char out[8];
	size_t got = 9;
	if (pipe(pair))
		abort();
	struct source in = source_fd(&pair[0]);
	struct sink to = sink_fd(&pair[1]);
	check_int(to.write(to.ctx, "hello", 5, &d), ERR_OK, "a write");
	check(!in.read(in.ctx, out, sizeof out, &got, &d) && got == 5 && !memcmp(out, "hello", 5), "arrives");
	close(pair[1]);
	check(!in.read(in.ctx, out, sizeof out, &got, &d) && got == 0, "then the end");
	close(pair[0]);
	pair[0] = pair[1] = -1;
	check_int(in.read(in.ctx, out, sizeof out, &got, &d), ERR_IO, "a descriptor that is none cannot be read");
	check_int(to.write(to.ctx, "x", 1, &d), ERR_IO, "or written");
	check(d.n == 2 && strstr(d.list[0].text, "reading failed: ") && strstr(d.list[1].text, "writing failed: "), "with the system's reason");
	diag_fini(&d);
}

int main(void)
{
	slices();
	descriptors();
	return done();
}
