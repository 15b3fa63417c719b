/* SPDX-License-Identifier: Apache-2.0
 * service_read.c - documents as the transaction of a session sees them, for who reads more of them than memory holds: nothing is kept, neither in the
 * session nor in the cache, which others use meanwhile.
 */
#include "base/clock.h"
#include "submodels/session.h"

enum err sm_read(struct sm_session *s, enum store_kind kind, const char *id, struct arena *a, struct store_doc *out)
{
	const struct store_ops *ops = s->service->conf.store->ops;
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);
	if (err)
		return err;
	err = s->at_us == TIME_NONE ? ops->get(txn, kind, id, a, out) : ops->get_at(txn, kind, id, s->at_us, a, out);
	if (err == ERR_GONE)
		return diag_add(s->diag, err, "history is not kept that far back");
	return err && err != ERR_NOT_FOUND && err != ERR_AGAIN ? diag_add(s->diag, err, "%s", err_info[err].text) : err;
}

enum err sm_read_list(struct sm_session *s, enum store_kind kind, const char *after, size_t limit, struct arena *a, struct store_page *out)
{
	struct arena *own = s->arena;
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);		/* what it may need has to last */
	if (err)
		return err;
	s->arena = a;
	err = sm_list(s, kind, NULL, after, limit, out);
	s->arena = own;
	return err;
}
