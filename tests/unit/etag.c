/* SPDX-License-Identifier: Apache-2.0
 * Entity tags and the lists of them that clients send.
 */
#include "server/etag.h"

#include "tests/tap.h"

static const struct { const char *header, *tag; bool known, current; } lists[] = {
	{ "\"v1\"", "\"v1\"", true, true },
	{ "*", "\"v1\"", true, true },
	{ " * ", "\"v1\"", true, true },
	{ "**", "\"v1\"", false, false },
	{ "", "\"v1\"", false, false },
	{ "v1", "\"v1\"", false, false },
	{ "\"v1", "\"v1\"", false, false },
	{ "W/\"v1\"", "\"v1\"", true, false },
	{ "w/\"v1\"", "\"v1\"", false, false },
	{ "\"v10\", \"v12\" ,\t\"v1\"", "\"v1\"", true, true },
	{ "\"a,b\",\"v1\"", "\"v1\"", true, true },
	{ "\"v2\", x, \"v1\"", "\"v1\"", false, false },
	{ "\"v1+gzip\"", "\"v1\"", true, true },
	{ "\"v1\"", "\"v1+gzip\"", true, true },
	{ "\"v1-value\"", "\"v1\"", false, true },
	{ "\"v1\"", "\"v1-live-00ff\"", false, true },
	{ "\"v1-live-00fe\"", "\"v1-live-00ff\"", false, true },
	{ "\"v1x\"", "\"v1\"", false, false },
	{ "\"v\"", "\"v1\"", false, false },
	{ "\"00ff\"", "\"00ff\"", true, true },
	{ "\"00ff-value\"", "\"00ff\"", false, false },
	{ "\"\"", "\"\"", true, true },
};

int main(void)
{
	char a[ETAG_MAX], b[ETAG_MAX];
	struct aas_view plain = { .modifier = AAS_NORMAL }, rich = { .modifier = AAS_VALUE, .core = true, .blobs = true };
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		check(etag_known(lists[i].header, lists[i].tag) == lists[i].known, "If-None-Match: %s, and it is %s", lists[i].header, lists[i].tag);
		check(etag_current(lists[i].header, lists[i].tag) == lists[i].current, "If-Match: %s, and it is %s", lists[i].header, lists[i].tag);
	}
	etag_of_version(a, INT64_MAX, &rich);
	check_str(a, "\"v9223372036854775807-value-core-blobs\"", "every part of a form is told");
	etag_of_live(a, INT64_MAX, &rich, SLICE("x"));
	etag_compressed(a);
	check(strlen(a) == strlen("\"v9223372036854775807-value-core-blobs-live-0123456789abcdef+gzip\""), "the longest there is fits");
	etag_of_version(a, 3, &plain);
	etag_compressed(a);
	check_str(a, "\"v3+gzip\"", "compressed");

	/* Every byte counts, also the last few and the length. */
	char bytes[40];
	for (size_t n = 0; n < sizeof bytes; n++) {
		memset(bytes, 0, sizeof bytes);
		etag_of_bytes(a, (struct slice){ bytes, n });
		etag_of_bytes(b, (struct slice){ bytes, n + 1 });
		bool differs = strcmp(a, b) != 0;
		for (size_t i = 0; i < n; i++) {
			bytes[i] = 1;
			etag_of_bytes(b, (struct slice){ bytes, n });
			differs &= strcmp(a, b) != 0;
			bytes[i] = 0;
		}
		etag_of_bytes(b, (struct slice){ bytes, n });
		check(differs && !strcmp(a, b), "%zu bytes have a tag of their own", n);
	}
	/* A page is summed up piece by piece: the pieces and their order count. */
	uint64_t one = etag_sum(etag_sum(0, SLICE("ab")), SLICE("c")), other = etag_sum(etag_sum(0, SLICE("a")), SLICE("bc"));
	check(one != other && one != etag_sum(etag_sum(0, SLICE("c")), SLICE("ab")), "pieces have a sum of their own");
	etag_of_sum(a, 0x1f);
	check_str(a, "\"000000000000001f\"", "a sum as a tag");
	return done();
}
