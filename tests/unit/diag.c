/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include "base/str.h"
#include "tests/tap.h"

/* Counts what comes, and keeps the last. */
static void keep(void *ctx, const struct diag_message *m)
{
	struct diag_message *last = ctx;
	int n = last->err + 1;
	*last = *m;
	last->err = n;
}

static void sink(void)
{
	struct diag_message last = { .err = 0 };
	struct diag d = DIAG_INIT;
	struct diag_frame f;
	d.sink = keep;
	d.ctx = &last;
	diag_push(&d, &f, "keys");
	for (int i = 0; i < 100; i++)
		diag_rule(&d, ERR_BAD_REQUEST, "AASd-121", "%d", i);
	check_int(last.err, 100, "a sink gets every message");
	check(str_eq(last.text, "99") && str_eq(last.path, "keys") && str_eq(last.rule, "AASd-121"), "the last one whole");
	check(d.n == DIAG_MAX && d.lost == 100 - DIAG_MAX && str_eq(d.list[63].text, "63"), "beside the list, which stays bounded");
	diag_fini(&d);
	check(!d.sink, "it is gone with the diag");
}

int main(void)
{
	struct diag d = DIAG_INIT;
	struct diag_frame a, b, c, deep[200];
	char text[DIAG_PATH_MAX + DIAG_TEXT_MAX + 8];
	check_str(diag_first(&d, text, sizeof text), "", "nothing is wrong at first");
	check_int(diag_add(NULL, ERR_CONFLICT, "nobody listens"), ERR_CONFLICT, "without a diag the error comes back");
	check_int(diag_add(&d, ERR_BAD_REQUEST, "at %s", "the root"), ERR_BAD_REQUEST, "and with one");
	check_str(diag_first(&d, text, sizeof text), "at the root", "the root has no path");
	diag_push(&d, &a, "submodelElements");
	diag_push_index(&d, &b, 3);
	diag_push(&d, &c, "value");
	diag_rule(&d, ERR_BAD_REQUEST, "AASd-117", "missing");
	check_str(d.list[1].path, "submodelElements[3].value", "a path is rendered");
	check_str(d.list[1].rule, "AASd-117", "a rule is kept");
	diag_pop(&d);
	diag_pop(&d);
	diag_pop(&d);
	check(!d.top, "frames are popped");
	for (int i = 0; i < 200; i++)
		diag_push(&d, &deep[i], "submodelElements");
	diag_add(&d, ERR_BAD_REQUEST, "%0600d", 1);
	check(strlen(d.list[2].path) < DIAG_PATH_MAX && strlen(d.list[2].path) > DIAG_PATH_MAX - 30, "a long path loses its beginning");
	check(strlen(d.list[2].text) == DIAG_TEXT_MAX - 1, "a long text its end");
	d.top = NULL;
	diag_add(&d, ERR_BAD_REQUEST, "%.*s", 4, "abc\xC3\xA4");
	check_str(d.list[3].text, "abc?", "half a character is not passed on");
	while (d.n + d.lost < 100)
		diag_add(&d, ERR_INTERNAL, "more");
	check(d.n == DIAG_MAX && d.lost == 100 - DIAG_MAX, "messages are bounded, the lost ones counted");
	diag_clear(&d);
	check(!d.n && !d.lost, "cleared");
	diag_add(&d, ERR_NOT_FOUND, "after");
	diag_add(&d, ERR_NOT_FOUND, "after");
	diag_add(&d, ERR_NOT_FOUND, "after");
	check(d.n == 3 && d.list[2].err == ERR_NOT_FOUND, "and used again");
	diag_fini(&d);
	sink();
	int ok = 1;
	for (int i = 0; i < N_ERRS; i++)
		ok = ok && err_info[i].name && err_info[i].text && err_info[i].type && err_info[i].status >= 200 && err_info[i].status < 600;
	check(ok, "every error has its row");
	return done();
}
