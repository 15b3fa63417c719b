/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/change.h"

#include "tests/tap.h"

static char heard[100];

static void hear(void *ctx, const struct change *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		strncat(heard, ctx, 10);
		strncat(heard, c[i].id, 10);
	}
}

int main(void)
{
	struct changes *c = changes_new();
	struct change two[2] = { { .id = "1" }, { .id = "2" } };
	changes_publish(c, two, 2);
	check(changes_subscribe(c, hear, (void *)"a"), "one subscribes");
	check(changes_subscribe(c, hear, (void *)"b"), "another subscribes");
	changes_publish(c, two, 0);
	check_str(heard, "", "no change, no call");
	changes_publish(c, two, 2);
	check_str(heard, "a1a2b1b2", "all changes, in the order of subscription");
	changes_free(c);
	changes_free(NULL);
	return done();
}
