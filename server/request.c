/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request.h"

#include <strings.h>

#include "aas/json.h"
#include "aas/lexical.h"
#include "base/clock.h"

#define REFERENCE_MAX 3072	/* AASa-002 */
#define LIST_MAX 1024		/* ids in one parameter; far more than fit into a URI */
#define ASSET_IDS_MAX 64
#define REST_MAX 64

static enum err bad(struct call *c, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static enum err bad(struct call *c, const char *name, const char *fmt, ...)
{
	struct diag_frame f;
	va_list ap;
	va_start(ap, fmt);
	diag_push(&c->diag, &f, name);
	diag_addv(&c->diag, ERR_BAD_REQUEST, NULL, fmt, ap);
	diag_pop(&c->diag);
	va_end(ap);
	return ERR_BAD_REQUEST;
}

/* -- texts ---------------------------------------------------------------------------------------------------------------------- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool request_percent(struct arena *a, struct slice raw, struct slice *out)
{
	char *mem = arena_raw(a, raw.n + 1), *o = mem;
	if (!mem)
		return false;
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] != '%') {
			*o++ = raw.p[i];
			continue;
		}
		int hi = i + 2 < raw.n ? hex(raw.p[i + 1]) : -1, lo = i + 2 < raw.n ? hex(raw.p[i + 2]) : -1;
		if (hi < 0 || lo < 0)
			return false;
		*o++ = (char)(hi << 4 | lo);
		i += 2;
	}
	*o = 0;
	*out = (struct slice){ mem, (size_t)(o - mem) };
	return utf8_xml_valid(mem, out->n);
}

bool request_query_next(struct slice *query, struct slice *name, struct slice *value)
{
	while (query->n && *query->p == '&')
		query->p++, query->n--;
	if (!query->n)
		return false;
	const char *end = memchr(query->p, '&', query->n);
	size_t n = end ? (size_t)(end - query->p) : query->n;
	const char *eq = memchr(query->p, '=', n);
	*name = (struct slice){ query->p, eq ? (size_t)(eq - query->p) : n };
	*value = eq ? (struct slice){ eq + 1, n - name->n - 1 } : (struct slice){ query->p + n, 0 };
	query->p += n;
	query->n -= n;
	return true;
}

bool request_path_ok(const char *path)
{
	const char *p = path;
	for (;;) {
		size_t n = strcspn(p, ".[");
		if (n > 128 || !aas_lex_idshort(p, n))
			return false;
		for (p += n; *p == '['; p++) {
			size_t index;
			n = strcspn(++p, "]");
			if (!p[n] || n > 18 || !str_size(p, n, &index))
				return false;
			p += n;
		}
		if (!*p)
			return true;
		if (*p++ != '.')
			return false;
	}
}

/* -- ids ------------------------------------------------------------------------------------------------------------------------ */

static enum err identifier(struct call *c, const char *name, struct slice b64, const char **out)
{
	struct slice id;
	if (!base64url_decode(c->arena, b64.p, b64.n, &id))
		return arena_failed(c->arena) ? ERR_NO_MEMORY : bad(c, name, "is not base64url");
	if (!id.n)
		return bad(c, name, "is empty");
	if (!utf8_xml_valid(id.p, id.n))
		return bad(c, name, "does not decode to text");
	if (utf8_length(id.p, id.n) > IDENTIFIER_MAX)
		return bad(c, name, "is longer than %d characters", IDENTIFIER_MAX);
	*out = id.p;
	return ERR_OK;
}

enum err request_id(struct call *c, const char *name, struct slice raw, const char **out)
{
	struct slice text;
	if (!request_percent(c->arena, raw, &text))
		return bad(c, name, "is not percent-encoded text");
	return identifier(c, name, text, out);
}

static enum err read_path(struct call *c, const char *name, struct slice raw, const char **out)
{
	struct slice path;
	if (!request_percent(c->arena, raw, &path) || !request_path_ok(path.p))
		return bad(c, name, "is not an idShortPath");
	*out = path.p;
	return ERR_OK;
}

/* Handles are handed out in base64url, but some clients encode or decode them once more: what does not decode is taken as it is. */
static enum err read_handle(struct call *c, const char *name, struct slice raw, const char **out)
{
	struct slice text, id;
	if (!request_percent(c->arena, raw, &text) || !text.n)
		return bad(c, name, "is empty or not text");
	bool decoded = base64url_decode(c->arena, text.p, text.n, &id) && id.n && utf8_xml_valid(id.p, id.n);
	*out = decoded ? id.p : text.p;
	return ERR_OK;
}

static const struct {
	const char *name;
	enum err (*read)(struct call *, const char *name, struct slice raw, const char **out);
	size_t at;
} params[] = {
	[PARAM_AAS_ID] = { "aasIdentifier", request_id, offsetof(struct call, aas_id) },
	[PARAM_SM_ID] = { "submodelIdentifier", request_id, offsetof(struct call, sm_id) },
	[PARAM_CD_ID] = { "cdIdentifier", request_id, offsetof(struct call, cd_id) },
	[PARAM_PATH] = { "idShortPath", read_path, offsetof(struct call, id_short_path) },
	[PARAM_HANDLE] = { "handleId", read_handle, offsetof(struct call, handle) },
	[PARAM_PACKAGE] = { "packageId", request_id, offsetof(struct call, package_id) },
};

/* -- cursors -------------------------------------------------------------------------------------------------------------------- */

/* FNV-1a: a cursor must be recognised by another process and after a restart, so the per-process hash of base/map.h will not do.
 * It guards against mistakes, not against attackers: a cursor is only a place to begin. */
static uint64_t fnv(uint64_t h, const void *p, size_t n)
{
	for (const unsigned char *b = p; n--; b++)
		h = (h ^ *b) * 0x100000001b3u;
	return h;
}
#define FNV_START 0xcbf29ce484222325u

static void bind_text(struct call *c, const char *name, const char *value)
{
	/* A sum, so that the order of parameters does not matter. */
	c->cursor_seed += fnv(fnv(FNV_START, name, strlen(name) + 1), value, strlen(value));
}

static void cursor_mac(const struct call *c, const char *after, size_t n, unsigned char mac[8])
{
	uint64_t h = fnv(FNV_START, c->route->prefix, strlen(c->route->prefix));
	h = fnv(h, c->route->path, strlen(c->route->path));
	h = fnv(h, &c->cursor_seed, sizeof c->cursor_seed);
	h = fnv(h, after, n);
	for (int i = 0; i < 8; i++)
		mac[i] = (unsigned char)(h >> (56 - 8 * i));
}

const char *request_cursor(const struct call *c, const char *after)
{
	size_t n = strlen(after);
	unsigned char *p = arena_raw(c->arena, n + 8);
	if (!p)
		return NULL;
	cursor_mac(c, after, n, p);
	memcpy(p + 8, after, n);
	return base64url_encode(c->arena, p, n + 8);
}

static enum err open_cursor(struct call *c, const char *text)
{
	struct slice s;
	unsigned char mac[8];
	if (!*text)
		return bad(c, "cursor", "is empty");
	if (!base64url_decode(c->arena, text, strlen(text), &s) || s.n < 8)
		return bad(c, "cursor", "is not one of this server");
	cursor_mac(c, s.p + 8, s.n - 8, mac);
	if (memcmp(mac, s.p, 8) || memchr(s.p + 8, 0, s.n - 8))
		return bad(c, "cursor", "is not one of this server, or belongs to another request");
	c->after = s.p + 8;
	return ERR_OK;
}

/* -- query parameters ----------------------------------------------------------------------------------------------------------- */

static enum err read_level(struct call *c, const char *name, const char *v)
{
	bool core = str_eq(v, "core"), patch = str_eq(c->route->method, "PATCH");
	if (!core && !str_eq(v, "deep"))
		return bad(c, name, "must be deep or core");
	if (c->route->view == AAS_REFERENCE && !core)
		return bad(c, name, "deep is not allowed with $reference");
	c->view.core = core && !patch;
	return ERR_OK;
}

static enum err read_extent(struct call *c, const char *name, const char *v)
{
	c->view.blobs = str_eq(v, "withBlobValue");
	return c->view.blobs || str_eq(v, "withoutBlobValue") ? ERR_OK : bad(c, name, "must be withBlobValue or withoutBlobValue");
}

static enum err read_limit(struct call *c, const char *name, const char *v)
{
	size_t n = strlen(v), limit = 0;
	bool digits = n && strspn(v, "0123456789") == n;
	while (digits && n > 1 && *v == '0')
		v++, n--;
	if (!digits || *v == '0')
		return bad(c, name, "must be a whole number of at least 1");
	if (!str_size(v, n, &limit) || limit > PAGE_MAX)
		limit = PAGE_MAX;	/* fewer than asked for is allowed */
	c->limit = limit;
	return ERR_OK;
}

static enum err read_cursor(struct call *c, const char *name, const char *v)
{
	(void)name;
	c->after = v;		/* opened when all the filters it is bound to are known */
	return ERR_OK;
}

static enum err read_id_short(struct call *c, const char *name, const char *v)
{
	(void)name;
	c->filter.id_short = v;
	return ERR_OK;
}

static enum err read_reference(struct call *c, const char *name, const char *v, const struct aas_node **out)
{
	struct slice json;
	struct aas_node *reference;
	struct diag_frame f;
	size_t n = strlen(v);
	if (n > REFERENCE_MAX) {
		diag_push(&c->diag, &f, name);
		diag_rule(&c->diag, ERR_BAD_REQUEST, "AASa-002", "is longer than %d characters", REFERENCE_MAX);
		diag_pop(&c->diag);
		return ERR_BAD_REQUEST;
	}
	if (!base64url_decode(c->arena, v, n, &json))
		return arena_failed(c->arena) ? ERR_NO_MEMORY : bad(c, name, "is not base64url");
	diag_push(&c->diag, &f, name);
	enum err e = aas_json_read(c->arena, AAS_Reference, json.p, json.n, AAS_JSON_DEFAULT, &reference, &c->diag);
	diag_pop(&c->diag);
	*out = reference;
	return e;
}

static enum err read_semantic_id(struct call *c, const char *name, const char *v)
{
	return read_reference(c, name, v, &c->filter.semantic_id);
}

static enum err read_is_case_of(struct call *c, const char *name, const char *v)
{
	return read_reference(c, name, v, &c->filter.is_case_of);
}

static enum err read_data_spec(struct call *c, const char *name, const char *v)
{
	return read_reference(c, name, v, &c->filter.data_specification);
}

/* One SpecificAssetId or an array of them, as JSON in base64url. */
static enum err read_asset_id(struct call *c, const char *name, const char *v)
{
	struct slice json;
	struct aas_node *ids = NULL;
	struct diag_frame f;
	struct store_asset_id *list = (struct store_asset_id *)c->filter.asset_ids;
	if (!base64url_decode(c->arena, v, strlen(v), &json))
		return arena_failed(c->arena) ? ERR_NO_MEMORY : bad(c, name, "is not base64url");
	while (json.n && strchr(" \t\r\n", *json.p))
		json.p++, json.n--;
	diag_push(&c->diag, &f, name);
	enum err e = json.n && *json.p == '['
		? aas_json_read_list(c->arena, AAS_SpecificAssetId, json.p, json.n, AAS_JSON_DEFAULT, &ids, &c->diag)
		: aas_json_read(c->arena, AAS_SpecificAssetId, json.p, json.n, AAS_JSON_DEFAULT, &ids, &c->diag);
	diag_pop(&c->diag);
	if (e)
		return e;
	if (!list && !(list = ARENA_ARRAY(c->arena, struct store_asset_id, ASSET_IDS_MAX)))
		return ERR_NO_MEMORY;
	c->filter.asset_ids = list;
	for (; ids; ids = ids->next) {
		if (c->filter.n_asset_ids == ASSET_IDS_MAX)
			return bad(c, name, "names more than %d asset ids", ASSET_IDS_MAX);
		list[c->filter.n_asset_ids++] = (struct store_asset_id){
			AAS_AT(ids, SpecificAssetId, name).str, AAS_AT(ids, SpecificAssetId, value).str };
	}
	return ERR_OK;
}

static enum err read_asset_kind(struct call *c, const char *name, const char *v)
{
	c->filter.asset_kind = v;
	return aas_enum_find(AAS_ENUM_AssetKind, v, strlen(v)) >= 0 ? ERR_OK : bad(c, name, "must be Type, Instance, Role or NotApplicable");
}

static enum err read_asset_type(struct call *c, const char *name, const char *v)
{
	return identifier(c, name, slice_of(v), &c->filter.asset_type);
}

/* The item is one of several, given by repeating the parameter or by commas. */
static enum err append_id(struct call *c, const char *name, const char *v, const char ***list)
{
	size_t n = 0;
	if (!*list && !(*list = ARENA_ARRAY(c->arena, const char *, LIST_MAX + 1)))
		return ERR_NO_MEMORY;
	while ((*list)[n])
		n++;
	return n == LIST_MAX ? bad(c, name, "names more than %d ids", LIST_MAX) : identifier(c, name, slice_of(v), &(*list)[n]);
}

static enum err read_of_aas(struct call *c, const char *name, const char *v)
{
	return identifier(c, name, slice_of(v), &c->of_aas);
}

static enum err read_aas_ids(struct call *c, const char *name, const char *v)
{
	return append_id(c, name, v, &c->aas_ids);
}

static enum err read_submodel_ids(struct call *c, const char *name, const char *v)
{
	return append_id(c, name, v, &c->submodel_ids);
}

static enum err read_with_cds(struct call *c, const char *name, const char *v)
{
	c->with_cds = str_eq(v, "true");
	return c->with_cds || str_eq(v, "false") ? ERR_OK : bad(c, name, "must be true or false");
}

static enum err read_at(struct call *c, const char *name, const char *v)
{
	c->in_past = true;
	return time_parse(v, strlen(v), &c->at_us) ? ERR_OK : bad(c, name, "must be a date and time as in 2026-01-31T12:00:00Z");
}

static const struct query_row {
	const char *name;
	unsigned bit;
	enum err (*read)(struct call *, const char *name, const char *value);
	bool many, filter;	/* may be repeated or hold commas; a cursor is bound to it */
} query_rows[] = {
	{ "level", Q_LEVEL, read_level, false, false },
	{ "extent", Q_EXTENT, read_extent, false, false },
	{ "limit", Q_LIMIT, read_limit, false, false },
	{ "cursor", Q_LIMIT, read_cursor, false, false },
	{ "idShort", Q_ID_SHORT, read_id_short, false, true },
	{ "semanticId", Q_SEMANTIC_ID, read_semantic_id, false, true },
	{ "assetIds", Q_ASSET_IDS, read_asset_id, true, true },
	{ "assetKind", Q_ASSET_KIND, read_asset_kind, false, true },
	{ "assetType", Q_ASSET_TYPE, read_asset_type, false, true },
	{ "isCaseOf", Q_IS_CASE_OF, read_is_case_of, false, true },
	{ "dataSpecificationRef", Q_DATA_SPEC, read_data_spec, false, true },
	{ "aasId", Q_OF_AAS, read_of_aas, false, true },
	{ "aasIds", Q_AAS_IDS, read_aas_ids, true, true },
	{ "submodelIds", Q_SUBMODEL_IDS, read_submodel_ids, true, true },
	{ "at", Q_AT, read_at, false, true },
	{ "date", Q_AT, read_at, false, true },		/* as the working draft of V3.2 says it */
	{ "includeConceptDescriptions", Q_WITH_CDS, read_with_cds, false, false },
};
#define N_QUERY (sizeof query_rows / sizeof *query_rows)

static enum err add_rest(struct call *c, const char *name, const char *value)
{
	size_t n = 0;
	if (!c->query_rest && !(c->query_rest = arena_alloc(c->arena, (REST_MAX + 1) * sizeof *c->query_rest)))
		return ERR_NO_MEMORY;
	while (c->query_rest[n].name)
		n++;
	if (n < REST_MAX) {	/* further ones are unknown to every handler anyway */
		c->query_rest[n].name = name;
		c->query_rest[n].value = value;
	}
	return ERR_OK;
}

const char *call_query(const struct call *c, const char *name)
{
	for (size_t i = 0; c->query_rest && c->query_rest[i].name; i++)
		if (str_eq(c->query_rest[i].name, name))
			return c->query_rest[i].value;
	return NULL;
}

/* What the route does not take is ignored, but for modifiers that contradict the view (IDTA-01002, "SerializationModifier"). */
static enum err read_foreign(struct call *c, const struct query_row *q, const char *v)
{
	bool metadata = c->route->view == AAS_METADATA && str_eq(c->route->method, "GET");
	if (metadata && (q->bit == Q_LEVEL || (q->bit == Q_EXTENT && !str_eq(v, "withoutBlobValue"))))
		return bad(c, q->name, "is not allowed with $metadata");
	if (q->bit == Q_AT)
		return bad(c, q->name, "is not possible here: only where a GET or a query answers with what is kept, not with changes or with the "
			   "state of a request");
	return add_rest(c, q->name, v);
}

static enum err read_items(struct call *c, const struct query_row *q, char *v)
{
	for (char *next; v; v = next) {
		next = strchr(v, ',');
		if (next)
			*next++ = 0;
		enum err e = q->read(c, q->name, v);
		if (e)
			return e;
		bind_text(c, q->name, v);
	}
	return ERR_OK;
}

static enum err read_query(struct call *c)
{
	struct slice rest = c->query_text, raw_name, raw_value;
	unsigned seen = 0;
	while (request_query_next(&rest, &raw_name, &raw_value)) {
		struct slice name, value;
		size_t i = 0;
		if (!request_percent(c->arena, raw_name, &name))
			return bad(c, "query", "is not percent-encoded text");
		if (!request_percent(c->arena, raw_value, &value))
			return bad(c, name.p, "is not percent-encoded text");
		while (i < N_QUERY && !str_eq(query_rows[i].name, name.p))
			i++;
		const struct query_row *q = &query_rows[i];
		enum err e;
		if (i == N_QUERY)
			e = add_rest(c, name.p, value.p);
		else if (!(q->bit & c->route->query))
			e = read_foreign(c, q, value.p);
		else if (!q->many && seen & 1u << i)
			e = bad(c, q->name, "is given twice");
		else if (q->many)
			e = read_items(c, q, (char *)value.p);
		else
			e = q->read(c, q->name, value.p);
		if (e)
			return e;
		if (i < N_QUERY && q->filter && !q->many)
			bind_text(c, q->name, value.p);
		seen |= i < N_QUERY ? 1u << i : 0;
	}
	return c->after ? open_cursor(c, c->after) : ERR_OK;
}

enum err request_decode(struct call *c)
{
	c->view.modifier = c->route->view;
	c->limit = PAGE_DEFAULT;
	c->with_cds = true;
	for (unsigned i = 0; i < c->match.n_params; i++) {
		enum route_param p = c->match.param[i].param;
		const char **to = (const char **)((char *)c + params[p].at);
		enum err e = params[p].read(c, params[p].name, c->match.param[i].raw, to);
		if (e)
			return e;
		bind_text(c, params[p].name, *to);
	}
	return read_query(c);
}

/* -- bodies --------------------------------------------------------------------------------------------------------------------- */

/* The media type without its parameters. */
static struct slice media_type(const char *header)
{
	struct slice s = { header, strcspn(header, ";,") };
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static bool media_is(struct slice type, const char *want)
{
	return type.n == strlen(want) && !strncasecmp(type.p, want, type.n);
}

static bool is_json(struct slice type)
{
	static const char tail[] = "+json";
	return media_is(type, "application/json") || media_is(type, "text/json") ||
	       (type.n > sizeof tail && !strncasecmp(type.p + type.n - (sizeof tail - 1), tail, sizeof tail - 1));
}

bool request_accepts_json(const char *accept)
{
	bool any = false;
	for (const char *p = accept; p && *p; p += *p == ',') {
		struct slice type = media_type(p);
		if (type.n && (media_is(type, "*/*") || media_is(type, "application/*") || is_json(type)))
			return true;
		any |= type.n > 0;
		p += strcspn(p, ",");
	}
	return !any;
}

bool request_media_is(const char *header, const char *type)
{
	return media_is(media_type(header), type);
}

/* What is still in memory is the end of it. */
static enum err read_raw(struct call *c)
{
	enum err e = ERR_OK;
	if (!c->upload)
		e = upload_new(c->arena, c->content_type, c->scratch_dir, c->file_max ? c->file_max : INT64_MAX, &c->upload, &c->diag);
	if (!e)
		e = upload_feed(c->upload, c->body.p, c->body.n, &c->diag);
	if (!e)
		e = upload_end(c->upload, &c->diag);
	c->body = (struct slice){ NULL, 0 };
	for (const struct upload_field *f = e ? NULL : c->upload->fields; f && !e; f = f->next)
		e = add_rest(c, f->name, f->value);
	return e;
}

enum err request_body(struct call *c)
{
	const struct route *r = c->route;
	if (r->body == BODY_NONE)
		return ERR_OK;
	if (!c->body.n && !(c->upload && c->upload->any))
		return diag_add(&c->diag, ERR_BAD_REQUEST, "the request needs a body");
	if (r->body == BODY_RAW)
		return read_raw(c);
	if (c->content_type && !is_json(media_type(c->content_type)))
		return diag_add(&c->diag, ERR_MEDIA_TYPE, "the body must be application/json");
	if (r->body != BODY_CLASS)
		return ERR_OK;
	unsigned flags = AAS_JSON_DEFAULT;
	if (str_eq(r->method, "PATCH"))
		flags = r->view == AAS_METADATA ? AAS_JSON_PARTIAL | AAS_JSON_METADATA : AAS_JSON_PARTIAL;
	return aas_json_read(c->arena, r->body_class, c->body.p, c->body.n, flags, &c->node, &c->diag);
}
