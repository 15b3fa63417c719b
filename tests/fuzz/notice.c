/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as a notification of what another process has committed. */
#include <stdlib.h>

#include "sql/store_pg_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void each(void *ctx, enum store_kind kind, const char *id, int64_t version)
{
	if (kind >= STORE_N_KINDS || version < 0 || strlen(id) > STORE_PG_NOTICE_ID)
		abort();
	store_pg_notice_add(ctx, kind, id, version);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf again = BUF_INIT;
	char *text = malloc(n + 1);
	if (!text)
		return 0;
	memcpy(text, p, n);
	text[n] = 0;
	/* What was understood is written in the same way, up to leading zeros. */
	if (store_pg_notice_read(text, each, &again) && strlen(text) < 8000 && again.n > strlen(text))
		abort();
	buf_fini(&again);
	free(text);
	return 0;
}
