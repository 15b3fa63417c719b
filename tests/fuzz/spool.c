/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as the last segment of a spool. */
#include <stdlib.h>
#include <unistd.h>
#include <stdio.h>

#include "twin_engine/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char dir[] = "/tmp/spool-fuzz-XXXXXX", path[64], lock[64];
	struct spool *s = NULL;
	struct engine_message m;
	int64_t recv;
	if (!path[0] && mkdtemp(dir) && snprintf(lock, sizeof lock, "%s/lock", dir))
		snprintf(path, sizeof path, "%s/0000000000000000.spool", dir);
	FILE *f = fopen(path, "w");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f))
		abort();
	if (n && !spool_open(&(struct spool_config){ .dir = dir, .segment_bytes = 4096 }, &s, NULL)) {
		while (spool_read(s, 0, &recv, &m))
			if (strlen(m.topic) > n || m.payload[m.n])
				abort();
		if (spool_append(s, 1, &(struct engine_message){ .topic = "t", .payload = "1", .n = 1 }, NULL) ||
		    !spool_read(s, 0, &recv, &m))
			abort();
		spool_close(s);
	}
	char other[64];		/* the append may have made a second segment behind an odd-sized one */
	snprintf(other, sizeof other, "%s/%016zx.spool", dir, n);
	unlink(other);
	unlink(path);
	unlink(lock);
	return 0;
}
