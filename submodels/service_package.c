/* SPDX-License-Identifier: Apache-2.0
 * service_package.c - the packages of the file server: bytes as a blob, and an entry in the index, both in one transaction.
 */
#include "submodels/session.h"

static const char *key_of(struct sm_session *s, const char *id)
{
	return arena_printf(s->arena, "package/%s", id);
}

static enum err missing(struct sm_session *s, const char *id)
{
	return diag_add(s->diag, ERR_NOT_FOUND, "there is no package with the id \"%s\"", id);
}

static enum err failed(struct sm_session *s, enum err err)
{
	return err == ERR_AGAIN ? err : diag_add(s->diag, err, "%s", err_info[err].text);
}

enum err sm_package_put(struct sm_session *s, const struct store_package *p, const struct sm_upload *u, enum store_put how, bool *created)
{
	const struct store_ops *ops = s->service->conf.store->ops;
	const char *key = key_of(s, p->id);
	struct content_at from = { &u->content, 0 };
	struct store_txn *txn;
	enum err err;
	if (!key)
		return failed(s, ERR_NO_MEMORY);
	if (utf8_length(p->id, strlen(p->id)) > SM_PACKAGE_ID_MAX)
		return diag_add(s->diag, ERR_BAD_REQUEST, "a packageId has at most %d characters", SM_PACKAGE_ID_MAX);
	if ((err = sm_txn(s, &txn)))
		return err;
	if ((err = ops->package_put(txn, p, how, created)) == ERR_CONFLICT)
		return diag_add(s->diag, err, "a package with the id \"%s\" exists already", p->id);
	if (!err)
		err = ops->blob_put(txn, key, &u->info, source_content(&from), s->diag);
	return err ? failed(s, err) : ERR_OK;
}

enum err sm_package_get(struct sm_session *s, const char *id, struct store_blob_info *out)
{
	const char *key = key_of(s, id);
	struct store_txn *txn;
	enum err err = key ? sm_txn(s, &txn) : failed(s, ERR_NO_MEMORY);
	if (err)
		return err;
	err = s->service->conf.store->ops->blob_find(txn, key, s->arena, out);
	return err == ERR_NOT_FOUND ? missing(s, id) : err ? failed(s, err) : ERR_OK;
}

enum err sm_package_delete(struct sm_session *s, const char *id)
{
	const struct store_ops *ops = s->service->conf.store->ops;
	const char *key = key_of(s, id);
	struct store_txn *txn;
	enum err err = key ? sm_txn(s, &txn) : failed(s, ERR_NO_MEMORY);
	if (err)
		return err;
	if ((err = ops->package_del(txn, id)) == ERR_NOT_FOUND)
		return missing(s, id);
	if (!err && (err = ops->blob_del(txn, key)) == ERR_NOT_FOUND)
		err = ERR_OK;
	return err ? failed(s, err) : ERR_OK;
}

enum err sm_package_list(struct sm_session *s, const char *aas_id, const char *after, size_t limit, struct store_package_page *out)
{
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);
	if (!err)
		err = s->service->conf.store->ops->package_list(txn, aas_id, after, limit, s->arena, out);
	return err ? failed(s, err) : ERR_OK;
}
