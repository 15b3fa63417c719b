/* SPDX-License-Identifier: Apache-2.0 */
#include "server/openapi.h"

#include <stdio.h>
#include <stdlib.h>

#include "aas/metamodel.h"
#include "aas/store.h"
#include "base/err.h"
#include "server/route.h"

#define SCHEMA(name) "{\"$ref\":\"#/components/schemas/" name "\"}"

/* -- parameters ----------------------------------------------------------------------------------------------------------------- */

static const char *const path_params[][2] = {
	{ "aasIdentifier", "id of the shell, in base64url without padding" },
	{ "submodelIdentifier", "id of the submodel, in base64url without padding" },
	{ "cdIdentifier", "id of the concept description, in base64url without padding" },
	{ "idShortPath", "idShorts with dots between, and [0] for the first element of a list" },
	{ "handleId", "handle of an invocation or a bulk request, in base64url" },
	{ "packageId", "id of the package, in base64url without padding" },
};

static const struct { unsigned bit; const char *name, *text, *schema; } query_params[] = {
	{ Q_LEVEL, "level", "the whole tree, or its first level", "{\"type\":\"string\",\"enum\":[\"deep\",\"core\"],\"default\":\"deep\"}" },
	{ Q_EXTENT, "extent", "with the bytes of Blobs or without",
	  "{\"type\":\"string\",\"enum\":[\"withBlobValue\",\"withoutBlobValue\"],\"default\":\"withoutBlobValue\"}" },
	{ Q_LIMIT, "limit", "so many at most; 100 when not given, never more than 1000", "{\"type\":\"integer\",\"minimum\":1}" },
	{ Q_LIMIT, "cursor", "where the page begins: paging_metadata.cursor of the page before", "{\"type\":\"string\"}" },
	{ Q_ID_SHORT, "idShort", "only those with this idShort", "{\"type\":\"string\"}" },
	{ Q_SEMANTIC_ID, "semanticId", "only those with this semantic id: a Reference as JSON, in base64url", "{\"type\":\"string\"}" },
	{ Q_ASSET_IDS, "assetIds", "only those with all of these: each a SpecificAssetId as JSON, in base64url",
	  "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}" },
	{ Q_IS_CASE_OF, "isCaseOf", "only those that are a case of this: a Reference as JSON, in base64url", "{\"type\":\"string\"}" },
	{ Q_DATA_SPEC, "dataSpecificationRef", "only those with this data specification: a Reference as JSON, in base64url",
	  "{\"type\":\"string\"}" },
	{ Q_ASSET_KIND, "assetKind", "only those of this kind", SCHEMA("AssetKind") },
	{ Q_ASSET_TYPE, "assetType", "only those of this asset type, in base64url", "{\"type\":\"string\"}" },
	{ Q_OF_AAS, "aasId", "only those of this shell, in base64url", "{\"type\":\"string\"}" },
	{ Q_AAS_IDS, "aasIds", "shells, in base64url", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}" },
	{ Q_SUBMODEL_IDS, "submodelIds", "submodels, in base64url", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}" },
	{ Q_AT, "at", "as it was at this time", "{\"type\":\"string\",\"format\":\"date-time\"}" },
	{ Q_AT, "date", "the same, as the working draft of V3.2 says it", "{\"type\":\"string\",\"format\":\"date-time\"}" },
	{ Q_WITH_CDS, "includeConceptDescriptions", "also the concept descriptions that are referred to",
	  "{\"type\":\"boolean\",\"default\":true}" },
};
#define N_PATH_PARAMS (sizeof path_params / sizeof *path_params)
#define N_QUERY_PARAMS (sizeof query_params / sizeof *query_params)

static void write_parameters(struct buf *b)
{
	for (size_t i = 0; i < N_PATH_PARAMS; i++)
		buf_printf(b, "%s\"%s\":{\"name\":\"%s\",\"in\":\"path\",\"required\":true,\"description\":\"%s\",\"schema\":{\"type\":\"string\"}}",
			   i ? "," : "", path_params[i][0], path_params[i][0], path_params[i][1]);
	for (size_t i = 0; i < N_QUERY_PARAMS; i++)
		buf_printf(b, ",\"%s\":{\"name\":\"%s\",\"in\":\"query\",\"description\":\"%s\",\"schema\":%s}", query_params[i].name,
			   query_params[i].name, query_params[i].text, query_params[i].schema);
	buf_puts(b, ",\"If-Match\":{\"name\":\"If-Match\",\"in\":\"header\",\"description\":\"change it only if it still has this ETag\","
		    "\"schema\":{\"type\":\"string\"}},\"If-None-Match\":{\"name\":\"If-None-Match\",\"in\":\"header\",\"description\":"
		    "\"ETags that the client has already; * for a PUT that shall only create\",\"schema\":{\"type\":\"string\"}},\"Range\":{\"name\":"
		    "\"Range\",\"in\":\"header\",\"description\":\"bytes=FIRST-LAST: only this part of the file\",\"schema\":{\"type\":\"string\"}},"
		    "\"If-Range\":{\"name\":\"If-Range\",\"in\":\"header\",\"description\":\"the part only if the file still has this ETag, else the "
		    "whole\",\"schema\":{\"type\":\"string\"}}");
}

/* What is sent as a file, of which a part can be asked for. */
static bool is_file(const struct route *r)
{
	return r->reply == REPLY_RAW && str_eq(r->method, "GET");
}

static const char *const upload_params[][2] = {
	{ "ignore-duplicates", "leave what is there already as it is" },
	{ "replace", "replace what is there already" },
	{ "dry-run", "only say what would be done" },
};

static void parameters_of(struct buf *b, const struct route *r)
{
	char template[300];
	const char *comma = "";
	snprintf(template, sizeof template, "%s%s", r->prefix, r->path);
	buf_puts(b, ",\"parameters\":[");
	for (size_t i = 0; i < N_PATH_PARAMS; i++) {
		char braced[40];
		snprintf(braced, sizeof braced, "{%s}", path_params[i][0]);
		if (!strstr(template, braced))
			continue;
		buf_printf(b, "%s{\"$ref\":\"#/components/parameters/%s\"}", comma, path_params[i][0]);
		comma = ",";
	}
	for (size_t i = 0; i < N_QUERY_PARAMS; i++) {
		if (!(query_params[i].bit & r->query))
			continue;
		buf_printf(b, "%s{\"$ref\":\"#/components/parameters/%s\"}", comma, query_params[i].name);
		comma = ",";
	}
	for (size_t i = 0; str_eq(r->handler_name, "upload") && i < sizeof upload_params / sizeof *upload_params; i++) {
		buf_printf(b, "%s{\"name\":\"%s\",\"in\":\"query\",\"description\":\"%s\",\"schema\":{\"type\":\"boolean\",\"default\":false}}",
			   comma, upload_params[i][0], upload_params[i][1]);
		comma = ",";
	}
	if (r->access == ACCESS_WRITE && (r->subject >= 0 || !str_eq(r->method, "POST"))) {
		buf_printf(b, "%s{\"$ref\":\"#/components/parameters/If-Match\"}", comma);
		comma = ",";
	}
	if (str_eq(r->method, "GET") || str_eq(r->method, "PUT"))
		buf_printf(b, "%s{\"$ref\":\"#/components/parameters/If-None-Match\"}", comma);
	if (is_file(r))
		buf_puts(b, ",{\"$ref\":\"#/components/parameters/Range\"},{\"$ref\":\"#/components/parameters/If-Range\"}");
	buf_putc(b, ']');
}

/* -- bodies --------------------------------------------------------------------------------------------------------------------- */

static const char *const api_class[] = {
	[API_OperationResult - API_OperationResult] = SCHEMA("OperationResult"),
	[API_BaseOperationResult - API_OperationResult] = SCHEMA("BaseOperationResult"),
	[API_Identifier - API_OperationResult] = "{\"type\":\"string\"}",
	[API_PackageDescription - API_OperationResult] = SCHEMA("PackageDescription"),
	[API_ServiceDescription - API_OperationResult] = SCHEMA("ServiceDescription"),
	[API_RecentChange - API_OperationResult] = SCHEMA("RecentChange"),
	[API_Change - API_OperationResult] = SCHEMA("Change"),
	[API_Difference - API_OperationResult] = SCHEMA("Difference"),
};

/* One object of the class, in the form of the route; in a page every item is one. */
static void class_of(struct buf *b, const struct route *r, unsigned cls)
{
	bool sm = cls == AAS_Submodel;
	if (cls >= API_OperationResult && cls - API_OperationResult < sizeof api_class / sizeof *api_class)
		buf_puts(b, r->view == AAS_VALUE && cls == API_OperationResult ? SCHEMA("OperationResultValueOnly")
									     : api_class[cls - API_OperationResult]);
	else if (!cls)
		buf_puts(b, "{\"type\":\"object\"}");
	else if (r->view == AAS_VALUE)
		buf_puts(b, sm ? SCHEMA("SubmodelValue") : SCHEMA("SubmodelElementValue"));
	else if (r->view == AAS_REFERENCE)
		buf_puts(b, SCHEMA("Reference"));
	else
		buf_printf(b, "{\"$ref\":\"#/components/schemas/%s%s\"}", aas_type_name(cls), r->view == AAS_METADATA ? "Metadata" : "");
}

static void list_of(struct buf *b, const struct route *r, unsigned cls)
{
	buf_puts(b, "{\"type\":\"array\",\"items\":");
	class_of(b, r, cls);
	buf_putc(b, '}');
}

static void json_content(struct buf *b)
{
	buf_puts(b, ",\"content\":{\"application/json\":{\"schema\":");
}

static void page_of(struct buf *b, const struct route *r)
{
	buf_puts(b, "{\"type\":\"object\",\"required\":[\"result\",\"paging_metadata\"],\"properties\":{\"result\":");
	if (r->view == AAS_VALUE && r->reply_class == AAS_SubmodelElement) {
		buf_puts(b, SCHEMA("SubmodelValue"));
	} else {
		buf_puts(b, "{\"type\":\"array\",\"items\":");
		bool ids = str_eq(r->handler_name, "query");	/* `$select` wants ids alone */
		if (r->view == AAS_PATH)
			buf_puts(b, "{\"type\":\"string\"}");
		if (ids)
			buf_puts(b, "{\"anyOf\":[{\"type\":\"string\"},");
		if (r->view != AAS_PATH)
			class_of(b, r, r->reply_class);
		buf_puts(b, ids ? "]}}" : "}");
	}
	buf_puts(b, ",\"paging_metadata\":" SCHEMA("PagingMetadata") "}}");
}

static void request_body(struct buf *b, const struct route *r)
{
	if (r->body == BODY_NONE)
		return;
	buf_puts(b, ",\"requestBody\":{\"required\":true");
	if (r->body == BODY_RAW) {
		buf_puts(b, ",\"content\":{\"multipart/form-data\":{\"schema\":{\"type\":\"object\",\"required\":[\"file\"],\"properties\":{\"file\":"
			    "{\"type\":\"string\",\"format\":\"binary\"},\"fileName\":{\"type\":\"string\"}}}},\"application/octet-stream\":"
			    "{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}");
		if (strstr(r->path, "/packages") || str_eq(r->path, "/upload"))
			buf_puts(b, ",\"application/aas+zip\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}");
		buf_puts(b, "}}");
		return;
	}
	json_content(b);
	if (r->body == BODY_CLASS && str_eq(r->method, "PATCH"))
		buf_puts(b, "{\"type\":\"object\",\"description\":\"only the members that change\"}");
	else if (r->body == BODY_CLASS)
		class_of(b, r, r->body_class);
	else if (r->body == BODY_LIST)
		list_of(b, r, r->body_class);
	else if (r->access == ACCESS_EXEC)
		buf_puts(b, r->view == AAS_VALUE ? SCHEMA("OperationRequestValueOnly") : SCHEMA("OperationRequest"));
	else
		buf_puts(b, r->body == BODY_VALUE ? SCHEMA("SubmodelElementValue") : "{}");
	buf_puts(b, "}}}");
}

/* -- answers -------------------------------------------------------------------------------------------------------------------- */

static const char location[] = ",\"headers\":{\"Location\":{\"$ref\":\"#/components/headers/Location\"}}";

static void answer(struct buf *b, int status, const char *text)
{
	buf_printf(b, "%s\"%d\":{\"description\":\"%s\"", b->p[b->n - 1] == '{' ? "" : ",", status, text);
}

/* Each of them begins its object with answer(); the brace behind closes it. */
static void answer_200(struct buf *b, const struct route *r)
{
	answer(b, 200, "done");
	if (str_eq(r->method, "GET"))
		buf_puts(b, ",\"headers\":{\"ETag\":{\"$ref\":\"#/components/headers/ETag\"}}");
	if (r->reply == REPLY_200)
		return;
	if (r->reply == REPLY_RAW && str_eq(r->handler_name, "serialize")) {
		buf_puts(b, ",\"content\":{\"application/json\":{\"schema\":" SCHEMA("Environment") "},\"application/xml\":{\"schema\":{\"type\":"
			    "\"string\"}},\"application/asset-administration-shell-package+xml\":{\"schema\":{\"type\":\"string\",\"format\":"
			    "\"binary\"}},\"application/aas+zip\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}}");
		return;
	}
	if (str_eq(r->handler_name, "signed")) {
		buf_puts(b, ",\"content\":{\"text/plain\":{\"schema\":{\"type\":\"string\",\"format\":\"jwt\"}}}");
		return;
	}
	if (r->reply == REPLY_RAW && str_eq(r->method, "GET")) {
		buf_puts(b, ",\"content\":{\"*/*\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}}");
		return;
	}
	json_content(b);
	if (r->reply == REPLY_PAGE) {
		page_of(b, r);
	} else if (r->reply == REPLY_LIST) {
		list_of(b, r, r->reply_class);
	} else if (str_eq(r->handler_name, "upload")) {
		buf_puts(b, SCHEMA("UploadReport") "},\"text/event-stream\":{\"schema\":{\"type\":\"string\",\"description\":\"for who prefers "
			    "it: events 'progress' with phase, bytes, totalBytes, read, total, created, replaced, skipped, files and attempt, and at "
			    "the end one 'report' with the status and, as report, the body that would have been the answer\"}");
	} else if (r->view == AAS_PATH) {
		buf_puts(b, "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
	} else {
		class_of(b, r, r->reply_class);
	}
	buf_puts(b, "}}");
}

static void answer_created(struct buf *b, const struct route *r)
{
	answer(b, 201, "created");
	buf_puts(b, location);
	json_content(b);
	if (r->body == BODY_LIST)
		list_of(b, r, r->body_class);
	else
		class_of(b, r, r->body == BODY_CLASS ? r->body_class : r->body == BODY_RAW ? API_PackageDescription : 0);
	buf_puts(b, "}}");
}

static void successes(struct buf *b, const struct route *r)
{
	if (r->reply == REPLY_201 || (r->reply == REPLY_PUT && !r->superpath && !r->sole_aas && !(r->sole_sm && !*r->path))) {
		answer_created(b, r);
		buf_putc(b, '}');
	} else if (r->reply == REPLY_PUT && *r->path) {
		answer_created(b, r);
		buf_putc(b, '}');
	}
	if (r->reply == REPLY_204 || r->reply == REPLY_PUT) {
		answer(b, 204, "done");
		buf_putc(b, '}');
	}
	if (r->reply == REPLY_202) {
		answer(b, 202, "begun");
		buf_puts(b, location);
		buf_putc(b, '}');
	}
	if (r->reply <= REPLY_200) {
		answer_200(b, r);
		buf_putc(b, '}');
	}
	if (r->reply == REPLY_ONE && r->reply_class == API_BaseOperationResult) {
		answer(b, 302, "finished: the result is there");
		buf_puts(b, location);
		buf_putc(b, '}');
	}
	if (is_file(r))
		buf_puts(b, ",\"206\":{\"description\":\"the part that was asked for\",\"content\":{\"*/*\":{\"schema\":{\"type\":\"string\","
			    "\"format\":\"binary\"}}}}");
	if (str_eq(r->method, "GET") && r->access == ACCESS_READ)
		buf_puts(b, ",\"304\":{\"description\":\"the client has it already\"}");
}

/* Which failures a route can tell, by its columns. */
static bool can_fail(const struct route *r, enum err e)
{
	switch (e) {
	case ERR_OK: case ERR_AGAIN: case ERR_NO_MEMORY: case ERR_IO: case ERR_UNAUTHORIZED: case ERR_FORBIDDEN: case ERR_TIMEOUT:
		return false;		/* nobody is asked for credentials; the others have the status of another one */
	case ERR_NOT_FOUND:
		return strchr(r->prefix, '{') || strchr(r->path, '{') || r->sole_aas || r->sole_sm || str_eq(r->handler_name, "serialize");
	case ERR_GONE:			/* history may not reach back so far */
		return r->query & Q_AT || str_eq(r->handler_name, "diff");
	case ERR_METHOD:
		return r->body == BODY_RAW || r->access == ACCESS_EXEC || strstr(r->path, "/attachment") != NULL;
	case ERR_RANGE:
		return is_file(r);
	case ERR_NOT_ACCEPTABLE:
		return r->reply <= REPLY_RAW;
	case ERR_CONFLICT:
		return str_eq(r->method, "POST") || r->reply == REPLY_PUT || str_eq(r->handler_name, "descriptor_delete") ||
		       str_eq(r->handler_name, "links_delete");
	case ERR_PRECONDITION:
		return r->access == ACCESS_WRITE;
	case ERR_TOO_LARGE: case ERR_MEDIA_TYPE:
		return r->body != BODY_NONE || e == ERR_TOO_LARGE;
	case ERR_NOT_SUPPORTED:
		return r->access == ACCESS_EXEC || str_eq(r->handler_name, "signed");
	default:
		return true;
	}
}

static void failures(struct buf *b, const struct route *r)
{
	bool said[600] = { false };	/* several have the same status */
	for (int e = 0; e < N_ERRS; e++) {
		if (said[err_info[e].status] || !can_fail(r, (enum err)e))
			continue;
		said[err_info[e].status] = true;
		buf_printf(b, ",\"%d\":{\"$ref\":\"#/components/responses/%s\"}", err_info[e].status, err_info[e].name);
	}
}

/* -- operations ----------------------------------------------------------------------------------------------------------------- */

static const char *tag_of(const struct route *r)
{
	static const char *const tags[][2] = {
		{ "/shell-descriptors", "Shell registry" }, { "/submodel-descriptors", "Submodel registry" }, { "/bulk", "Bulk" },
		{ "/lookup", "Discovery" }, { "/packages", "Packages" }, { "/upload", "Packages" }, { "/serialization", "Serialization" },
		{ "/query", "Queries" }, { "/description", "Description" }, { "/concept-descriptions", "Concept descriptions" },
		{ "/submodels", "Submodels" }, { "/submodel", "The only submodel" }, { "/aas", "The only shell" },
	};
	const char *p = *r->prefix ? r->prefix : r->path;
	if (r->superpath && !r->sole_aas)
		return "Submodels of a shell";
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (!strncmp(p, tags[i][0], strlen(tags[i][0])))
			return tags[i][1];
	return "Shells";
}

/* "POST_upload": what the standard does not name. */
static void own_name(struct buf *b, const struct route *r)
{
	const char *part[] = { r->method, r->prefix, r->path };
	for (int i = 0; i < 3; i++)
		for (const char *p = part[i]; *p; p++) {
			bool word = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || *p == '-';
			if (word)
				buf_putc(b, *p);
			else if (b->p[b->n - 1] != '_')
				buf_putc(b, '_');
		}
}

static void operation(struct buf *b, const struct route *r)
{
	buf_printf(b, "%s\"", b->p[b->n - 1] == '{' ? "" : ",");
	for (const char *p = r->method; *p; p++)
		buf_putc(b, (char)(*p - 'A' + 'a'));
	buf_printf(b, "\":{\"tags\":[\"%s\"],\"operationId\":\"", tag_of(r));
	if (r->operation)
		buf_puts(b, r->operation);
	else
		own_name(b, r);
	buf_putc(b, '"');
	if (r->draft)
		buf_puts(b, ",\"summary\":\"of the working draft of V3.2: it may still change\",\"x-draft\":true");
	parameters_of(b, r);
	request_body(b, r);
	buf_puts(b, ",\"responses\":{");
	successes(b, r);
	failures(b, r);
	buf_puts(b, "}}");
}

static bool same_path(const struct route *a, const struct route *b)
{
	return str_eq(a->prefix, b->prefix) && str_eq(a->path, b->path);
}

/* All methods of one path stand together; rows of routes.def that answer 501 are left out. */
static void write_paths(struct buf *b)
{
	for (size_t i = 0; i < n_routes; i++) {
		bool first = routes[i].handler != NULL;
		for (size_t k = 0; k < i && first; k++)
			first = !(routes[k].handler && same_path(&routes[k], &routes[i]));
		if (!first)
			continue;
		buf_printf(b, "\"%s%s\":{", routes[i].prefix, routes[i].path);
		for (size_t k = i; k < n_routes; k++)
			if (routes[k].handler && same_path(&routes[k], &routes[i]))
				operation(b, &routes[k]);
		buf_puts(b, "},");
	}
}

/* What is beside the AAS API: always at the root. */
static const struct { const char *path, *id, *text, *parameters, *type; bool can_503; } surfaces[] = {
	{ "/healthz", "healthz", "the process answers", "", "application/json", false },
	{ "/readyz", "readyz", "what the server needs is there", "", "application/json", true },
	{ "/trend", "trend", "the recent past of one element",
	  "{\"name\":\"submodel\",\"in\":\"query\",\"required\":true,\"description\":\"in base64url\",\"schema\":{\"type\":\"string\"}},"
	  "{\"name\":\"path\",\"in\":\"query\",\"required\":true,\"description\":\"idShortPath\",\"schema\":{\"type\":\"string\"}},"
	  "{\"name\":\"from\",\"in\":\"query\",\"schema\":{\"type\":\"string\",\"format\":\"date-time\"}},"
	  "{\"name\":\"to\",\"in\":\"query\",\"schema\":{\"type\":\"string\",\"format\":\"date-time\"}},"
	  "{\"name\":\"limit\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"minimum\":1}},"
	  "{\"name\":\"level\",\"in\":\"query\",\"description\":\"samples, or means of minutes, hours or days; without it what fits\","
	  "\"schema\":{\"type\":\"string\",\"enum\":[\"raw\",\"1m\",\"1h\",\"1d\"]}}", "application/json", true },
	{ "/events/live", "events", "live values as they change",
	  "{\"name\":\"submodel\",\"in\":\"query\",\"description\":\"only of these, in base64url\","
	  "\"schema\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}", "text/event-stream", true },
	{ "/events", "changes", "what has changed, as CloudEvents: a page, or with Accept: text/event-stream a stream",
	  "{\"name\":\"cursor\",\"in\":\"query\",\"description\":\"where the page begins: paging_metadata.cursor of the page before; now: only "
	  "what comes\",\"schema\":{\"type\":\"string\"}},"
	  "{\"name\":\"limit\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"minimum\":1}},"
	  "{\"name\":\"since\",\"in\":\"query\",\"schema\":{\"type\":\"string\",\"format\":\"date-time\"}},"
	  "{\"name\":\"kind\",\"in\":\"query\",\"description\":\"only of these kinds\",\"schema\":{\"type\":\"array\",\"items\":{\"type\":"
	  "\"string\",\"enum\":[\"shell\",\"submodel\",\"concept-description\",\"shell-descriptor\",\"submodel-descriptor\",\"asset-links\"]}}},"
	  "{\"name\":\"type\",\"in\":\"query\",\"description\":\"only of these types\",\"schema\":{\"type\":\"array\",\"items\":{\"type\":"
	  "\"string\",\"enum\":[\"created\",\"updated\",\"deleted\",\"valueChanged\"]}}},"
	  "{\"name\":\"id\",\"in\":\"query\",\"description\":\"only of this identifiable, in base64url\",\"schema\":{\"type\":\"string\"}},"
	  "{\"name\":\"Last-Event-ID\",\"in\":\"header\",\"description\":\"where the stream goes on\",\"schema\":{\"type\":\"string\"}}",
	  "application/json", true },
	{ "/openapi.json", "openapi", "this description", "", "application/json", false },
};

static void write_server(struct buf *b, const char *comma, const char *front, const char *path)
{
	char *url = NULL;
	int n = asprintf(&url, "%s%s", front, *path || *front ? path : "/");
	buf_printf(b, "%s{\"url\":", comma);
	if (n >= 0)
		buf_json(b, url, (size_t)n);
	b->failed |= n < 0;
	buf_putc(b, '}');
	if (n >= 0)
		free(url);
}

static void write_surfaces(struct buf *b, const char *front)
{
	for (size_t i = 0; i < sizeof surfaces / sizeof *surfaces; i++) {
		buf_printf(b, "%s\"%s\":{\"servers\":[", i ? "," : "", surfaces[i].path);
		write_server(b, "", front, "");
		buf_printf(b, "],\"get\":{\"tags\":[\"This server\"],\"operationId\":\"%s\",\"summary\":\"%s\","
			   "\"parameters\":[%s],\"responses\":{\"200\":{\"description\":\"%s\",\"content\":{\"%s\":{\"schema\":{}}}}",
			   surfaces[i].id, surfaces[i].text, surfaces[i].parameters, surfaces[i].text, surfaces[i].type);
		if (str_eq(surfaces[i].path, "/openapi.json"))
			buf_puts(b, ",\"304\":{\"description\":\"the client has it already\"}");
		if (surfaces[i].can_503)
			buf_puts(b, ",\"503\":{\"$ref\":\"#/components/responses/UNAVAILABLE\"}");
		if (str_eq(surfaces[i].path, "/events"))
			buf_puts(b, ",\"410\":{\"$ref\":\"#/components/responses/GONE\"}");
		if (*surfaces[i].parameters)
			buf_puts(b, ",\"400\":{\"$ref\":\"#/components/responses/BAD_REQUEST\"},"
				    "\"404\":{\"$ref\":\"#/components/responses/NOT_FOUND\"}");
		buf_puts(b, "}}}");
	}
}

static void write_responses(struct buf *b)
{
	for (int e = 1; e < N_ERRS; e++) {
		buf_printf(b, "%s\"%s\":{\"description\":\"%s\"", e > 1 ? "," : "", err_info[e].name, err_info[e].text);
		json_content(b);
		buf_puts(b, SCHEMA("Result") "}}}");
	}
}

void openapi_write(struct buf *b, const char *front, const char *const *base, unsigned n_base)
{
	buf_puts(b, "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"Twinshell\","
		    "\"description\":\"The API of the Asset Administration Shell (IDTA-01002, V3.1) as this server offers it.\","
		    "\"version\":\"3.1\",\"license\":{\"name\":\"Apache-2.0\"}},\"servers\":[");
	for (unsigned i = 0; i < n_base; i++)
		write_server(b, i ? "," : "", front, base[i]);
	buf_puts(b, "],\"paths\":{");
	write_paths(b);
	write_surfaces(b, front);
	buf_puts(b, "},\"components\":{\"parameters\":{");
	write_parameters(b);
	buf_puts(b, "},\"headers\":{\"Location\":{\"description\":\"where it is\",\"schema\":{\"type\":\"string\"}},\"ETag\":{\"description\":"
		    "\"the state that is shown, for If-Match and If-None-Match\",\"schema\":{\"type\":\"string\"}}},\"responses\":{");
	write_responses(b);
	buf_puts(b, "},\"schemas\":");
	openapi_schemas(b);
	buf_puts(b, "}}");
}
