/* SPDX-License-Identifier: Apache-2.0 - pages of the registries and of discovery, over what lives here and what was registered. */
#include "submodels/registry.h"

#include "aas/json.h"
#include "tests/tap.h"

enum { IDS = 200 };

static struct store *store;
static struct sm_service *service;

/* Shell i lives here, has an entry, has links: by its remainder, so that runs of either side are longer than a portion, too. */
static bool lives(int i) { return i < 80 ? i % 2 == 0 : i < 150; }
static bool registered(int i) { return i < 80 ? i % 3 == 0 : i >= 140; }

static const char *name_of(struct arena *a, int i)
{
	return arena_printf(a, "id%03d", i);
}

static void fill(void)
{
	struct arena *a = arena_new(0);
	struct sm_session *s;
	enum err e = sm_begin(service, true, a, NULL, &s);
	for (int i = 0; i < IDS && !e; i++) {
		struct aas_node *shell, *entry;
		const char *id = name_of(a, i), *kind = i % 5 ? "Instance" : "Type";
		const char *text = arena_printf(a, "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"%s\",\"assetInformation\":{\"assetKind\":\"%s\","
						"\"globalAssetId\":\"urn:%d\"}}", id, kind, i % 7);
		if (lives(i) && (e = aas_json_read(a, AAS_AssetAdministrationShell, text, strlen(text), 0, &shell, NULL)) == ERR_OK)
			e = sm_create(s, STORE_SHELL, shell);
		text = arena_printf(a, "{\"id\":\"%s\",\"assetKind\":\"%s\",\"specificAssetIds\":[{\"name\":\"globalAssetId\",\"value\":\"urn:%d\"}]}", id, kind, i % 7);
		if (e || !registered(i) || (e = aas_json_read(a, AAS_AssetAdministrationShellDescriptor, text, strlen(text), 0, &entry, NULL)))
			continue;
		if (!(e = sm_descriptor_post(s, STORE_SHELL_DESCRIPTOR, entry)))
			e = sm_links_post(s, id, AAS_AT(entry, AssetAdministrationShellDescriptor, specificAssetIds).node);
	}
	check_int(e ? e : sm_commit(s), ERR_OK, "%d ids", IDS);
	arena_free(a);
}

/* All pages, one after the other; a page that is empty but for the first is a "!". */
static const char *pages(struct arena *a, const struct store_filter *f, size_t limit, bool discovery)
{
	struct buf b = BUF_INIT;
	const char *after = NULL;
	enum err e = ERR_OK;
	do {
		struct sm_session *s;
		struct sm_descriptors page = { 0 };
		struct sm_ids ids = { 0 };
		if ((e = sm_begin(service, false, a, NULL, &s)))
			break;
		e = discovery ? sm_lookup(s, f, after, limit, &ids) : sm_descriptor_list(s, STORE_SHELL_DESCRIPTOR, f, "", after, limit, &page);
		size_t n = discovery ? ids.n : page.n;
		const char *next = discovery ? ids.next : page.next;
		for (size_t i = 0; i < n; i++)
			buf_printf(&b, "%s ", discovery ? ids.id[i] : AAS_ID(page.item[i]));
		if (n > limit || (next && n != limit) || (after && !n && !f->asset_kind && !f->n_asset_ids))
			buf_puts(&b, "! ");
		sm_abort(s);
		after = next;
	} while (!e && after);
	const char *out = e ? err_info[e].name : arena_strndup(a, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return out;
}

static const char *want(struct arena *a, int kind, int global)
{
	struct buf b = BUF_INIT;
	for (int i = 0; i < IDS; i++)
		if ((lives(i) || registered(i)) && (kind < 0 || (i % 5 == 0) == kind) && (global < 0 || i % 7 == global))
			buf_printf(&b, "%s ", name_of(a, i));
	const char *out = arena_strndup(a, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return out;
}

int main(void)
{
	static const size_t limits[] = { 1, 2, 3, 7, 63, 64, 65, 199, 200, 1000 };
	struct store_filter all = { 0 }, type = { .asset_kind = "Type" };
	struct store_filter asset = { .asset_ids = (const struct store_asset_id[]){ { "globalAssetId", "urn:3" } }, .n_asset_ids = 1 };
	struct store_filter both = { .asset_ids = asset.asset_ids, .n_asset_ids = 1, .asset_kind = "Type" };
	store = store_mem_new();
	service = sm_service_new(&(struct sm_config){ .store = store });
	fill();
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct arena *a = arena_new(0);
		check_str(pages(a, &all, limits[i], false), want(a, -1, -1), "all descriptors, %zu a page", limits[i]);
		check_str(pages(a, &type, limits[i], false), want(a, 1, -1), "those of a kind, %zu a page", limits[i]);
		check_str(pages(a, &asset, limits[i], false), want(a, -1, 3), "those of an asset, %zu a page", limits[i]);
		check_str(pages(a, &both, limits[i], false), want(a, 1, 3), "those of both, %zu a page", limits[i]);
		check_str(pages(a, &all, limits[i], true), want(a, -1, -1), "all shells with links, %zu a page", limits[i]);
		check_str(pages(a, &asset, limits[i], true), want(a, -1, 3), "the shells of an asset, %zu a page", limits[i]);
		arena_free(a);
	}
	sm_service_free(service);
	store->ops->close(store);
	return done();
}
