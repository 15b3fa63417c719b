/* SPDX-License-Identifier: Apache-2.0
 * route.h - every REST operation as a row (routes.def), and the matcher from method and path to row and parameters.
 *
 * The rows are constant; the matcher is built once at start and read by all threads.
 */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

#include "aas/view.h"
#include "base/str.h"

struct call;

enum route_body { BODY_NONE, BODY_CLASS, BODY_VALUE, BODY_RAW, BODY_JSON, BODY_LIST };
enum route_reply { REPLY_ONE, REPLY_PAGE, REPLY_LIST, REPLY_RAW, REPLY_200, REPLY_201, REPLY_202, REPLY_204, REPLY_PUT };
enum route_access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC };
enum route_param { PARAM_NONE, PARAM_AAS_ID, PARAM_SM_ID, PARAM_CD_ID, PARAM_PATH, PARAM_HANDLE, PARAM_PACKAGE };
enum route_query {
	Q_LEVEL = 1, Q_EXTENT = 2, Q_LIMIT = 4, Q_ID_SHORT = 8, Q_SEMANTIC_ID = 16, Q_ASSET_IDS = 32, Q_IS_CASE_OF = 64,
	Q_DATA_SPEC = 128, Q_ASSET_KIND = 256, Q_ASSET_TYPE = 512, Q_OF_AAS = 1024, Q_AAS_IDS = 2048, Q_SUBMODEL_IDS = 4096,
	Q_WITH_CDS = 8192, Q_AT = 16384
};
/* reply_class of Part 2 classes, which are no metamodel classes. */
enum route_api_class {
	API_OperationResult = 256, API_BaseOperationResult, API_Identifier,
	API_PackageDescription, API_ServiceDescription, API_RecentChange, API_Change, API_Difference
};

struct route {
	const char *method, *prefix, *path;	/* as the specification writes them; prefix and path joined are the template */
	const char *handler_name;
	const char *operation, *profiles;	/* of operations.def: "GetSubmodelById", "SM-REPO/001 SM-REPO/002"; NULL: not of the standard */
	bool draft;				/* only of the working draft of V3.2; then no profile asks for it */
	enum err (*handler)(struct call *);	/* NULL: 501 until it is built */
	enum aas_modifier view;
	enum route_body body;
	unsigned body_class;			/* class id or abstract type, for BODY_CLASS and BODY_LIST */
	enum route_reply reply;
	unsigned reply_class;
	unsigned query;				/* enum route_query */
	enum route_access access;
	bool superpath;				/* names a shell and one of its submodels: the reference is checked */
	bool sole_aas, sole_sm;			/* reached without an id: there must be exactly one */
	int subject;				/* enum store_kind of the identifiable that the path leads to or into; -1: none */
	bool versioned;				/* GET of something that changes only when the version of the subject does (or a live value) */
};

#define ROUTE_PARAMS_MAX 4
struct route_match {
	const struct route *route;	/* NULL: no such path, or the method is not allowed on it */
	const char *allow;		/* "GET, PUT": when only the method is wrong; else NULL */
	struct { enum route_param param; struct slice raw; } param[ROUTE_PARAMS_MAX];
	unsigned n_params;
};

extern const struct route *const routes;	/* in order of routes.def, expanded over the mounts; filled before main runs */
extern const size_t n_routes;
/* `path` is the raw path after the base path, percent-encoded, without query.  A slash at the end belongs to
 * no path (IDTA-01002: none of its paths has one). */
void route_find(const char *method, struct slice path, struct route_match *);

#endif
