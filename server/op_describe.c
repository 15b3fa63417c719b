/* SPDX-License-Identifier: Apache-2.0
 * op_describe.c - which service profiles are offered (IDTA-01002, "Self-Description"): those of which every operation is served.
 */
#include "server/call.h"
#include "server/op.h"
#include "server/profile.h"

#define URI "\"https://admin-shell.io/aas/API/3/"

/* Each in both versions, if it was there in V3.0: its operations of that version are served alike. */
enum err op_describe(struct call *c)
{
	struct buf *b = &c->reply.body;
	const char *comma = "";
	buf_puts(b, "{\"profiles\":[");
	for (size_t i = 0; i < n_profiles; i++) {
		if (!profile_offered(&profiles[i]))
			continue;
		if (profiles[i].name_30)
			buf_printf(b, "%s" URI "0/%s\"", comma, profiles[i].name_30);
		buf_printf(b, "%s" URI "1/%s\"", profiles[i].name_30 ? "," : comma, profiles[i].name);
		comma = ",";
	}
	buf_puts(b, "]}");
	return ERR_OK;
}
