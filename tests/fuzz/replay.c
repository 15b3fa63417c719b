/* SPDX-License-Identifier: Apache-2.0
 * replay.c - runs a fuzz target over the files of its corpus, for builds without libFuzzer: what was once found stays found.
 *
 * The corpus is tests/fuzz/corpus/NAME, NAME being the program's own; every file is one check.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/'), *top = getenv("srcdir");
	char dir[512], file[1024];
	(void)argc;
	name = name ? name + 1 : argv[0];
	if (!strncmp(name, "lt-", 3))
		name += 3;
	snprintf(dir, sizeof dir, "%s/tests/fuzz/corpus/%s", top ? top : ".", name);
	DIR *d = opendir(dir);
	if (!check(d != NULL, "%s: the corpus is there", dir))
		return done();
	for (struct dirent *e; (e = readdir(d));) {
		struct arena *a = arena_new(0);
		struct slice bytes;
		snprintf(file, sizeof file, "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' && check(a && !file_read(a, file, 1 << 24, &bytes, NULL), "%s is read", e->d_name)) {
			/* a copy of exactly its size, so that a sanitizer sees every byte read too many */
			uint8_t *copy = malloc(bytes.n ? bytes.n : 1);
			memcpy(copy, bytes.p, bytes.n);
			alarm(60);	/* what never ends dies here */
			check(LLVMFuzzerTestOneInput(copy, bytes.n) == 0, "%s is survived", e->d_name);
			free(copy);
		}
		arena_free(a);
	}
	closedir(d);
	return done();
}
