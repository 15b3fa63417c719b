/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define ROOT "/sys/fs/cgroup"
#define LINE_MAX_BYTES 4096

/* The first line of a file, without its end; false: there is none. */
static bool first_line(const char *path, const char *begins, char line[LINE_MAX_BYTES])
{
	FILE *f = fopen(path, "re");
	bool found = false;
	while (f && !found && fgets(line, LINE_MAX_BYTES, f))
		found = !strncmp(line, begins, strlen(begins));
	if (f)
		fclose(f);
	if (found)
		line[strcspn(line, "\n")] = 0;
	return found;
}

static uint64_t least(uint64_t limit, const char *path)
{
	char line[LINE_MAX_BYTES];
	size_t n;
	if (first_line(path, "", line) && str_size(line, strlen(line), &n) && n < limit)	/* else it is "max" */
		return n;
	return limit;
}

/* Version 2 has one tree, whose line is "0::/path"; version 1 one for each resource, and in a container the limit is at its top. */
uint64_t memory_limit(const char *root, const char *own)
{
	char path[2 * LINE_MAX_BYTES];
	uint64_t limit = UINT64_MAX;
	size_t n = strncmp(own, "0::/", 4) ? 0 : strlen(own + 3);
	snprintf(path, sizeof path, "%s/memory/memory.limit_in_bytes", root);
	limit = least(limit, path);
	for (;;) {
		snprintf(path, sizeof path, "%s%.*s/memory.max", root, (int)n, own + 3);
		limit = least(limit, path);
		if (!n)
			return limit;
		while (--n && own[3 + n] != '/')
			;
	}
}

uint64_t memory_there(void)
{
	char own[LINE_MAX_BYTES];
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	uint64_t bytes = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
	uint64_t limit = memory_limit(ROOT, first_line("/proc/self/cgroup", "0::", own) ? own : "0::/");
	return limit < bytes ? limit : bytes;
}
