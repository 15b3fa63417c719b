/* SPDX-License-Identifier: Apache-2.0
 * service_package.c - the packages of the file server: bytes as a blob, and an entry in the index, both in one transaction.
 *
 * The bytes are written, and deleted, before the entry: whoever asks for the time at which history says that a package was changed finds both
 * as they were then.
 */
#include "base/clock.h"
#include "submodels/session.h"

#define IDS 64			/* looked at in one go */
#define LOOKS_MAX 2000		/* packages of the past that one page looks at: it can end early */

static const char *key_of(struct sm_session *s, const char *id)
{
	return arena_printf(s->arena, "package/%s", id);
}

static enum err missing(struct sm_session *s, const char *id)
{
	if (s->at_us != TIME_NONE)
		return diag_add(s->diag, ERR_NOT_FOUND, "there was no package with the id \"%s\" at that time", id);
	return diag_add(s->diag, ERR_NOT_FOUND, "there is no package with the id \"%s\"", id);
}

static enum err exists(struct sm_session *s, const char *id)
{
	return diag_add(s->diag, ERR_CONFLICT, "a package with the id \"%s\" exists already", id);
}

static enum err failed(struct sm_session *s, enum err err)
{
	if (err == ERR_GONE)
		return diag_add(s->diag, err, "history is not kept that far back");
	return err == ERR_AGAIN ? err : diag_add(s->diag, err, "%s", err_info[err].text);
}

enum err sm_package_put(struct sm_session *s, const struct store_package *p, const struct sm_upload *u, enum store_put how, bool *created)
{
	const struct store_ops *ops = s->service->conf.store->ops;
	const char *key = key_of(s, p->id);
	struct content_at from = { &u->content, 0 };
	struct store_txn *txn;
	int64_t version;
	enum err err;
	if (!key)
		return failed(s, ERR_NO_MEMORY);
	if (utf8_length(p->id, strlen(p->id)) > SM_PACKAGE_ID_MAX)
		return diag_add(s->diag, ERR_BAD_REQUEST, "a packageId has at most %d characters", SM_PACKAGE_ID_MAX);
	if ((err = sm_txn(s, &txn)))
		return err;
	err = how == STORE_CREATE ? ops->version(txn, STORE_PACKAGE, p->id, &version) : ERR_NOT_FOUND;
	if (!err)
		return exists(s, p->id);
	if (err == ERR_NOT_FOUND)
		err = ops->blob_put(txn, key, &u->info, source_content(&from), s->diag);
	if (!err && (err = ops->package_put(txn, p, how, created)) == ERR_CONFLICT)
		return exists(s, p->id);
	return err ? failed(s, err) : ERR_OK;
}

enum err sm_package_get(struct sm_session *s, const char *id, struct store_blob_info *out)
{
	const char *key = key_of(s, id);
	enum err err = key ? sm_blob_find(s, key, out) : failed(s, ERR_NO_MEMORY);
	if (!key)
		return err;
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
	if ((err = ops->blob_del(txn, key)) == ERR_NOT_FOUND)
		err = ERR_OK;
	if (!err && (err = ops->package_del(txn, id)) == ERR_NOT_FOUND)
		return missing(s, id);
	return err ? failed(s, err) : ERR_OK;
}

static bool holds(const struct store_package *p, const char *aas_id)
{
	for (size_t i = 0; aas_id && i < p->n_aas_ids; i++)
		if (str_eq(p->aas_ids[i], aas_id))
			return true;
	return !aas_id;
}

/* Every package that there ever was is looked at. */
static enum err list_of_then(struct sm_session *s, struct store_txn *txn, const char *aas_id, const char *after, size_t limit,
			     struct store_package_page *out)
{
	const struct store_ops *ops = s->service->conf.store->ops;
	const char **id;
	size_t n = IDS, looked = 0;
	enum err err = ERR_OK;
	*out = (struct store_package_page){ .item = ARENA_ARRAY(s->arena, struct store_package, limit) };
	if (!out->item)
		return ERR_NO_MEMORY;
	while (!err && n == IDS && out->n < limit && looked < LOOKS_MAX && !(err = ops->ids(txn, STORE_PACKAGE, after, IDS, s->arena, &id, &n))) {
		size_t i = 0;
		for (; i < n && !err && out->n < limit; i++) {
			err = ops->package_at(txn, after = id[i], s->at_us, s->arena, &out->item[out->n]);
			out->n += !err && holds(&out->item[out->n], aas_id);
			err = err == ERR_NOT_FOUND ? ERR_OK : err;
		}
		looked += i;
		n = i < n ? IDS : n;
	}
	out->next = n == IDS ? after : NULL;
	return err;
}

enum err sm_package_list(struct sm_session *s, const char *aas_id, const char *after, size_t limit, struct store_package_page *out)
{
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);
	if (!err && s->at_us != TIME_NONE)
		err = list_of_then(s, txn, aas_id, after, limit, out);
	else if (!err)
		err = s->service->conf.store->ops->package_list(txn, aas_id, after, limit, s->arena, out);
	return err ? failed(s, err) : ERR_OK;
}
