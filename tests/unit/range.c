/* SPDX-License-Identifier: Apache-2.0
 * Ranges of bytes as clients ask for them, and the bytes on their way (base/scratch.h).
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/scratch.h"
#include "server/range.h"
#include "tests/tap.h"

/* "all", "none" or "from+length" of 10 bytes. */
static const char *of_ten(const char *header)
{
	static char text[64];
	int64_t from = 0, length = 0;
	enum range r = range_read(header, 10, &from, &length);
	snprintf(text, sizeof text, r == RANGE_ALL ? "all" : r == RANGE_NONE ? "none" : "%lld+%lld", (long long)from, (long long)length);
	return text;
}

static void ranges(void)
{
	static const struct { const char *header, *want; } rows[] = {
		{ "bytes=0-0", "0+1" }, { "bytes=0-9", "0+10" }, { "bytes=3-", "3+7" }, { "BYTES=3-5", "3+3" }, { "bytes=5-100", "5+5" },
		{ "bytes=-1", "9+1" }, { "bytes=-100", "0+10" }, { "bytes=-0", "none" }, { "bytes=10-", "none" }, { "bytes=99-100", "none" },
		{ "bytes= 1-2 ", "1+2" }, { "bytes=,1-2,", "1+2" }, { "bytes=1-2,4-5", "all" }, { "bytes=1-2,10-", "1+2" },
		{ "bytes=10-,11-", "none" }, { "bytes=5-4", "all" }, { "bytes=-", "all" }, { "bytes=", "all" }, { "bytes", "all" }, { "", "all" },
		{ "bytes=1", "all" }, { "bytes=a-b", "all" }, { "bytes=1-2x", "all" }, { "bytes=1--2", "all" }, { "lines=1-2", "all" },
		{ "bytes=0-99999999999999999999999", "0+10" }, { "bytes=99999999999999999999999-", "none" },
		{ "bytes=-99999999999999999999999", "0+10" },
	};
	int64_t from, length;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_str(of_ten(rows[i].header), rows[i].want, "%s", rows[i].header);
	check_int(range_read("bytes=0-", 0, &from, &length), RANGE_NONE, "of nothing there is nothing");
	check(range_applies(NULL, "\"a\"") && range_applies("\"a\"", "\"a\"") && !range_applies("\"b\"", "\"a\"") &&
	      !range_applies("W/\"a\"", "\"a\"") && !range_applies("Sat, 01 Jan 2000 00:00:00 GMT", "\"a\"") && !range_applies("\"a\"", NULL),
	      "If-Range takes the strong tag alone");
}

static const char *hex(const unsigned char *hash)
{
	static char text[2 * SHA256_SIZE + 1];
	for (int i = 0; i < SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	return text;
}

static void sums(void)
{
	unsigned char hash[SHA256_SIZE];
	check(sha256_of("", 0, hash), "a sum");
	check_str(hex(hash), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "of nothing");
	check(sha256_of("abc", 3, hash), "a sum");
	check_str(hex(hash), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "FIPS 180-4, abc");
}

/* n bytes in pieces of some size, then read here and there. */
static void carried(size_t n, size_t piece)
{
	struct scratch *s = scratch_new(NULL, (int64_t)n);
	unsigned char want[SHA256_SIZE];
	char *p = malloc(n + 1), *q = malloc(n + 1);
	enum err e = ERR_OK;
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 2654435761u >> 9);
	for (size_t at = 0; at < n && !e; at += piece)
		e = scratch_write(s, p + at, at + piece < n ? piece : n - at, NULL);
	check(!e && !scratch_end(s, NULL) && scratch_size(s) == (int64_t)n, "%zu bytes in pieces of %zu", n, piece);
	sha256_of(p, n, want);
	check(!memcmp(scratch_hash(s), want, sizeof want), "their sum");
	check(!scratch_read(s, 0, q, n, NULL) && !memcmp(p, q, n), "all of them");
	check(!scratch_read(s, (int64_t)n / 2, q, n - n / 2, NULL) && !memcmp(p + n / 2, q, n - n / 2), "the second half");
	check_int(scratch_write(s, "x", 1, NULL), ERR_TOO_LARGE, "one more is too much");
	scratch_free(s);
	free(p);
	free(q);
}

/* What the system refuses to take, as when a disk is full. */
static void no_room(void)
{
	struct rlimit was, small;
	static char bytes[SCRATCH_MEMORY + 1];
	struct diag d = DIAG_INIT;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	small = (struct rlimit){ 100000, was.rlim_max };
	setrlimit(RLIMIT_FSIZE, &small);
	struct scratch *s = scratch_new(NULL, INT64_MAX);
	check(!scratch_write(s, bytes, sizeof bytes, NULL), "some bytes");
	check_int(scratch_write(s, bytes, sizeof bytes, &d), ERR_UNAVAILABLE, "and no room for more");
	check_str(d.list[0].text, "the disk has no room for this file", "as is said");
	setrlimit(RLIMIT_FSIZE, &was);
	scratch_free(s);
	diag_clear(&d);
	s = scratch_new("/nonexistent", INT64_MAX);
	check(!scratch_write(s, bytes, 100, NULL), "few bytes need no file");
	check_int(scratch_write(s, bytes, sizeof bytes, &d), ERR_UNAVAILABLE, "many do, and there is no such directory");
	scratch_free(s);
	diag_fini(&d);
}

int main(void)
{
	ranges();
	sums();
	carried(0, 1);
	carried(SCRATCH_MEMORY, 1000);
	carried(SCRATCH_MEMORY + 1, 1000);
	carried(1000000, 70001);
	no_room();
	return done();
}
