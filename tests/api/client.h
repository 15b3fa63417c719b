/* SPDX-License-Identifier: Apache-2.0
 * client.h - one HTTP/1.1 request over a plain socket, one connection each.
 */
#ifndef TESTS_API_CLIENT_H
#define TESTS_API_CLIENT_H

#include "base/buf.h"

struct answer {
	int status;		/* 0: no answer */
	struct buf head, body;
};

/* `url`: "http://127.0.0.1:8080/api/v3.0".  `headers`: complete lines, each with CR LF; may be empty. */
bool client_send(const char *url, const char *method, const char *target, const char *headers, struct slice body, struct answer *);
void answer_fini(struct answer *);
/* The value of a header line, NULL when there is none; valid until the next call. */
const char *answer_header(const struct answer *, const char *name);

#endif
