/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap.h"

static char root[] = "/tmp/twinshell-memory-XXXXXX";

static const char *in_root(const char *name)
{
	static char path[200];
	snprintf(path, sizeof path, "%s%s", root, name);
	return path;
}

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(in_root(name), "w");
	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

int main(void)
{
	static const char *const dirs[] = { "/a", "/a/b", "/a/b/c", "/memory" };
	static const char *const files[] = { "/a/memory.max", "/a/b/memory.max", "/memory.max", "/memory/memory.limit_in_bytes" };
	uint64_t here = memory_there();
	check(here > (1u << 20) && here <= (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE), "a machine has memory");
	if (!mkdtemp(root))
		return 1;
	for (int i = 0; i < 4; i++)
		mkdir(in_root(dirs[i]), 0700);
	check(memory_limit(root, "0::/a/b/c") == UINT64_MAX, "no limit is written down");
	write_text("/a/b/memory.max", "max\n");
	check(memory_limit(root, "0::/a/b/c") == UINT64_MAX, "it says that there is none");
	write_text("/a/memory.max", "3000000\n");
	check(memory_limit(root, "0::/a/b/c") == 3000000, "that of a group above");
	write_text("/a/b/memory.max", "2000000\n");
	check(memory_limit(root, "0::/a/b/c") == 2000000, "the least of them");
	check(memory_limit(root, "0::/a") == 3000000 && memory_limit(root, "0::/") == UINT64_MAX, "those of groups below are of no matter");
	write_text("/memory.max", "1000000\n");
	check(memory_limit(root, "0::/a/b/c") == 1000000 && memory_limit(root, "0::/") == 1000000, "that of all");
	check(memory_limit(root, "3:cpu:/a") == 1000000 && memory_limit(root, "") == 1000000, "who is in no group has that, too");
	write_text("/memory/memory.limit_in_bytes", "9223372036854771712\n");
	check(memory_limit(root, "0::/a") == 1000000, "more than another one says");
	write_text("/memory/memory.limit_in_bytes", "500000\n");
	check(memory_limit(root, "0::/a") == 500000, "less");
	for (int i = 0; i < 4; i++)
		unlink(in_root(files[i]));
	for (int i = 3; i >= 0; i--)
		rmdir(in_root(i == 3 ? "/memory" : dirs[i]));
	check(!rmdir(root), "everything is gone");
	return done();
}
