/* SPDX-License-Identifier: Apache-2.0
 * op.h - the handlers that exist.  routes.def names a handler op_<name> per row; a row whose handler is not listed here answers 501.
 */
#ifndef SERVER_OP_H
#define SERVER_OP_H

#include "server/call.h"

/* The file that came with the call, once it is read (request_body). */
struct sm_upload op_upload_of(const struct call *);
/* The same of a file that outlives its call. */
struct sm_upload op_upload_from(struct scratch *, const char *file_name, const char *content_type);
/* As an archive is read (zip.h). */
struct zip_bytes op_zip_of(struct scratch *);

/* The body as the query that it is, once, and what it is about. */
enum err op_query_read(struct call *, enum store_kind *);

/* One X(name) per handler, as routes.def spells it. */
#define OPS(X) \
	X(node_get) X(node_put) X(node_patch) X(node_post) X(node_delete) X(children_get) \
	X(file_get) X(file_put) X(file_delete) \
	X(shell_get) X(shell_put) X(shell_delete) X(asset_get) X(asset_put) X(refs_get) X(refs_post) X(refs_delete) \
	X(thumbnail_get) X(thumbnail_put) X(thumbnail_delete) \
	X(list_shells) X(list_submodels) X(list_cds) X(post_shell) X(post_submodel) X(post_cd) \
	X(cd_get) X(cd_put) X(cd_delete) \
	X(invoke_sync) X(invoke_async) X(invoke_status) X(invoke_result) \
	X(signed) X(recent) X(changes) X(diff) X(restore) \
	X(post_package_async) X(package_async_status) X(package_async_result) \
	X(list_packages) X(post_package) X(package_get) X(package_put) X(package_delete) \
	X(query) X(serialize) X(upload) X(describe) \
	X(list_descriptors) X(post_descriptor) X(descriptor_get) X(descriptor_put) X(descriptor_delete) \
	X(bulk_post) X(bulk_put) X(bulk_delete) X(bulk_status) X(bulk_result) \
	X(lookup_ids) X(lookup_search) X(links_get) X(links_post) X(links_delete)

#define X(name) enum err op_##name(struct call *);
OPS(X)
#undef X

#endif
