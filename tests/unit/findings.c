/* SPDX-License-Identifier: Apache-2.0 - findings: kept with their part, counted beyond the bound. */
#include "base/findings.h"

#include <string.h>

#include "tests/tap.h"

static void test_places(struct arena *a)
{
	struct diag d = DIAG_INIT;
	struct diag_frame outer, part, list, index;
	struct findings *f = findings_of(a, &d);
	diag_add(&d, ERR_CONFLICT, "first");
	check_int(f->err, ERR_CONFLICT, "a conflict alone is one");
	diag_push(&d, &outer, "file");
	diag_push_part(&d, &part, "aasx/data.json");
	diag_push(&d, &list, "submodels");
	diag_push_index(&d, &index, 3);
	d.line = 7;
	diag_rule(&d, ERR_BAD_REQUEST, "AASd-002", "second");
	d.line = 0;
	diag_add(&d, ERR_OK, "third");
	diag_pop(&d);
	diag_pop(&d);
	diag_add(&d, ERR_OK, "of the part");
	check_int(f->n, 4, "all are there");
	check_int(f->faults, 2, "two are faults");
	check_int(f->err, ERR_BAD_REQUEST, "another fault counts more than a conflict");
	const struct finding *one = f->first, *two = one->next, *three = two->next, *four = three->next;
	check(!one->part && !*one->path && !one->line && !one->rule && !strcmp(one->text, "first"), "one without a place");
	check_str(two->part, "aasx/data.json", "one of a part");
	check_str(two->path, "submodels[3]", "with the path in it");
	check_int(two->line, 7, "its line");
	check_str(two->rule, "AASd-002", "and its rule");
	check(three->err == ERR_OK && !three->line && !four->next && !*four->path && four->part, "and warnings");
	diag_add(&d, ERR_IO, "away");
	check_int(f->err, ERR_IO, "what is no fault of the input is told alone");
	diag_add(&d, ERR_BAD_REQUEST, "more");
	check_int(f->err, ERR_IO, "also when another comes");
	findings_end(f);
	diag_add(&d, ERR_BAD_REQUEST, "after");
	check_int(f->n, 6, "the end is the end");
	diag_fini(&d);
}

static void test_bound(struct arena *a)
{
	struct diag d = DIAG_INIT;
	struct findings *f = findings_of(a, &d);
	for (int i = 0; i < FINDINGS_MAX + 5; i++)
		diag_add(&d, ERR_BAD_REQUEST, "%d", i);
	check_int(f->n, FINDINGS_MAX, "so many are kept");
	check_int(f->lost, 5, "the others counted");
	check_int(f->faults, FINDINGS_MAX + 5, "and all of them are faults");
	check_str(f->last->text, "999", "the first ones are kept");
	diag_fini(&d);
}

int main(void)
{
	struct arena *a = arena_new(0);
	test_places(a);
	test_bound(a);
	arena_free(a);
	return done();
}
