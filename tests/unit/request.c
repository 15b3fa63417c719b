/* SPDX-License-Identifier: Apache-2.0
 * Ids, query parameters, cursors, bodies and multipart, decoded or refused with a path.
 */
#include "server/request.h"

#include "server/multipart.h"
#include "tests/tap.h"

static struct arena *a;

static void begin(struct call *c, const char *method, const char *path, const char *query)
{
	*c = (struct call){ .arena = a, .method = method, .path = slice_of(path), .query_text = slice_of(query) };
	route_find(method, c->path, &c->match);
	c->route = c->match.route;
	if (!c->route)
		check(0, "test data: %s %s", method, path);
}

static enum err decode(struct call *c, const char *path, const char *query)
{
	begin(c, "GET", path, query);
	return request_decode(c);
}

static void accepts(const char *path, const char *query, const char *what)
{
	struct call c;
	char why[600] = "";
	enum err e = decode(&c, path, query);
	check(!e, "%s %s", what, diag_first(&c.diag, why, sizeof why));
	diag_fini(&c.diag);
}

/* `where`: how the message begins. */
static void refuses(const char *path, const char *query, const char *where)
{
	struct call c;
	char why[600] = "";
	enum err e = decode(&c, path, query);
	diag_first(&c.diag, why, sizeof why);
	check(e == ERR_BAD_REQUEST && c.diag.n == 1 && !strncmp(why, where, strlen(where)), "%s?%s is refused: %s", path, query, why);
	diag_fini(&c.diag);
}

static const char *b64(const char *text)
{
	return base64url_encode(a, text, strlen(text));
}

static const char *text(const char *fmt, const char *arg)
{
	return arena_printf(a, fmt, arg);
}

static void ids(void)
{
	struct call c;
	check(!decode(&c, text("/submodels/%s", b64("https://example.com/\xC3\xA9")), ""), "an id");
	check_str(c.sm_id, "https://example.com/\xC3\xA9", "is decoded");
	accepts("/submodels/YQ==", "", "right padding");
	accepts("/submodels/YQ%3D%3D", "", "percent-encoded padding");
	refuses("/submodels/YQ=", "", "submodelIdentifier: ");
	refuses("/submodels/YQ=====", "", "submodelIdentifier: ");
	refuses("/submodels/YR", "", "submodelIdentifier: ");		/* spare bits */
	refuses("/submodels/a+b%2F", "", "submodelIdentifier: ");
	refuses("/submodels/https:%2F%2Fx", "", "submodelIdentifier: ");
	refuses("/submodels/%zz", "", "submodelIdentifier: ");
	refuses("/submodels//$value", "", "submodelIdentifier: is empty");
	refuses("/submodels/_w", "", "submodelIdentifier: ");			/* 0xFF */
	refuses(text("/shells/%s", b64("a\001b")), "", "aasIdentifier: ");
	char *longest = arena_alloc(a, 2050);
	memset(longest, 'x', 2048);
	accepts(text("/shells/%s", b64(longest)), "", "2048 characters");
	longest[2048] = 'x';
	refuses(text("/shells/%s", b64(longest)), "", "aasIdentifier: is longer");
}

static void paths(void)
{
	static const char *const good[] = { "a", "Speed", "a.b", "a[0]", "a[0][12].b-c_d", "A%5B3%5D.b" };
	static const char *const wrong[] = { "a..b", "a.", ".a", "[0]", "a[01]", "a[-1]", "a[x]", "a[]", "a[1", "a]", "a[0]b", "a b", "a%2Fb",
					     "1a", "a[9999999999999999999999]", "%00", "a%ff" };
	struct call c;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		accepts(text("/submodels/YQ/submodel-elements/%s", good[i]), "", good[i]);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refuses(text("/submodels/YQ/submodel-elements/%s", wrong[i]), "", "idShortPath: ");
	check(!decode(&c, "/submodels/YQ/submodel-elements/L%5B0%5D.x", ""), "an encoded path");
	check_str(c.id_short_path, "L[0].x", "is decoded once");
}

static void query(void)
{
	struct call c;
	check(!decode(&c, "/submodels", ""), "no query");
	check(c.limit == 100 && !c.after && !c.view.core && !c.view.blobs, "has its defaults");
	check(!decode(&c, "/submodels", "limit=7&&level=core&extent=withBlobValue&idShort=a%26b+c&x=1&y"), "a query");
	check(c.limit == 7 && c.view.core && c.view.blobs, "is read");
	check_str(c.filter.id_short, "a&b+c", "plus stays plus");
	check_str(call_query(&c, "x"), "1", "what is unknown is kept");
	check_str(call_query(&c, "y"), "", "also without a value");
	check(!call_query(&c, "z"), "what was not given is not there");
	check(!decode(&c, "/submodels", "limit=99999999999999999999999999") && c.limit == 1000, "a large limit becomes the largest");
	check(!decode(&c, "/submodels", "limit=007") && c.limit == 7, "leading zeros are harmless");
	static const char *const wrong[] = { "limit=0", "limit=-1", "limit=x", "limit=", "limit=1&limit=2", "cursor=", "cursor=YQ", "level=Deep",
					     "extent=x", "semanticId=!", "idShort=%zz" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refuses("/submodels", wrong[i], text("%s: ", arena_strndup(a, wrong[i], strcspn(wrong[i], "="))));
	refuses("/submodels/YQ/$metadata", "level=core", "level: ");
	refuses("/submodels/YQ/$metadata", "extent=withBlobValue", "extent: ");
	accepts("/submodels/YQ/$metadata", "extent=withoutBlobValue", "the default extent");
	refuses("/submodels/YQ/$reference", "level=deep", "level: ");
	accepts("/submodels/YQ/$reference", "level=core", "core of a reference");
	accepts("/shells/YQ", "level=deep", "a modifier without meaning");
	begin(&c, "PATCH", "/submodels/YQ", "level=deep");
	check(!request_decode(&c), "PATCH takes either level");
}

static void filters(void)
{
	static const char serial[] = "{\"name\":\"serial\",\"value\":\"1\"}", global[] = "{\"name\":\"globalAssetId\",\"value\":\"g\"}";
	const char *both = arena_printf(a, " [%s,%s]", serial, global), *ref = "{\"type\":\"ExternalReference\",\"keys\":["
		"{\"type\":\"GlobalReference\",\"value\":\"urn:x\"}]}";
	const char *spelling[] = {
		arena_printf(a, "assetIds=%s&assetIds=%s", b64(serial), b64(global)),
		arena_printf(a, "assetIds=%s,%s", b64(serial), b64(global)), arena_printf(a, "assetIds=%s", b64(both)),
	};
	struct call c;
	for (int i = 0; i < 3; i++)
		check(!decode(&c, "/shells", spelling[i]) && c.filter.n_asset_ids == 2 && !strcmp(c.filter.asset_ids[0].name, "serial") &&
		      !strcmp(c.filter.asset_ids[1].value, "g"), "asset ids, spelling %d", i + 1);
	refuses("/shells", "assetIds=x", "assetIds: ");
	refuses("/shells", text("assetIds=%s", b64("{\"name\":1}")), "assetIds");
	check(!decode(&c, "/submodels", text("semanticId=%s", b64(ref))) && c.filter.semantic_id, "a semantic id");
	refuses("/submodels", text("semanticId=%s", b64("{\"keys\":[]}")), "semanticId");
	char *large = arena_alloc(a, 3074);
	memset(large, 'A', 3073);
	refuses("/submodels", text("semanticId=%s", large), "semanticId: is longer");
	check(!decode(&c, "/serialization", text("aasIds=%s,YQ&aasIds=Yg&includeConceptDescriptions=false", b64("urn:1"))), "lists of ids");
	check(c.aas_ids && !strcmp(c.aas_ids[0], "urn:1") && !strcmp(c.aas_ids[2], "b") && !c.aas_ids[3] && !c.with_cds, "are read");
	check(!decode(&c, "/serialization", "") && c.with_cds && !c.aas_ids, "by default everything");
	refuses("/serialization", "aasIds=YQ,,Yg", "aasIds: is empty");
	refuses("/serialization", "includeConceptDescriptions=1", "includeConceptDescriptions: ");
}

static void cursors(void)
{
	struct call c;
	decode(&c, "/submodels", "idShort=a&limit=3");
	const char *cursor = request_cursor(&c, "urn:last/\xC3\xA9");
	check(!decode(&c, "/submodels", text("cursor=%s&limit=9&idShort=a", cursor)), "a cursor with the same filter");
	check_str(c.after, "urn:last/\xC3\xA9", "leads to its place");
	refuses("/submodels", text("cursor=%s&idShort=b", cursor), "cursor: ");
	refuses("/submodels", text("cursor=%s", cursor), "cursor: ");
	refuses("/submodels/$metadata", text("cursor=%s&idShort=a", cursor), "cursor: ");
	refuses("/shells", text("cursor=%s&idShort=a", cursor), "cursor: ");
	char *broken = arena_strdup(a, cursor);
	broken[strlen(broken) - 3] ^= 1;
	refuses("/submodels", text("cursor=%s&idShort=a", broken), "cursor: ");
	decode(&c, "/submodels/YQ/submodel-elements", "");
	cursor = request_cursor(&c, "5");
	accepts("/submodels/YQ/submodel-elements", text("cursor=%s", cursor), "a cursor of elements");
	refuses("/submodels/Yg/submodel-elements", text("cursor=%s", cursor), "cursor: ");
}

static struct upload *last;	/* of body, as long as no other comes */

static enum err body(struct call *c, const char *method, const char *path, const char *type, const char *bytes)
{
	begin(c, method, path, "");
	c->content_type = type;
	c->body = slice_of(bytes);
	enum err e = request_body(c);
	diag_fini(&c->diag);
	upload_free(last);
	last = c->upload;
	return e;
}

static void bodies(void)
{
	static const char shell[] = "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"x\",\"assetInformation\":{\"assetKind\":\"Instance\"}}";
	static const char element[] = "/submodels/YQ/submodel-elements/a", value[] = "/submodels/YQ/submodel-elements/a/$value";
	struct call c;
	check(!body(&c, "POST", "/shells", "application/json; charset=utf-8", shell) && aas_is(c.node, AAS_AssetAdministrationShell), "a shell");
	check(!body(&c, "POST", "/shells", NULL, shell), "without a content type");
	check(!body(&c, "POST", "/shells", "application/asset+JSON", shell), "a +json type");
	check_int(body(&c, "POST", "/shells", "text/plain", shell), ERR_MEDIA_TYPE, "another type");
	check_int(body(&c, "POST", "/shells", "application/jsonx", shell), ERR_MEDIA_TYPE, "a type that only begins right");
	check_int(body(&c, "POST", "/shells", "application/json", ""), ERR_BAD_REQUEST, "no body");
	check_int(body(&c, "POST", "/submodels", "application/json", shell), ERR_BAD_REQUEST, "another class");
	check_int(body(&c, "PUT", element, "application/json", "{\"modelType\":\"Property\",\"idShort\":\"a\"}"), ERR_BAD_REQUEST,
		  "PUT wants all");
	check(!body(&c, "PATCH", element, "application/json", "{\"modelType\":\"Property\",\"idShort\":\"a\"}"), "PATCH takes a part");
	check(!body(&c, "PATCH", value, "application/json", "17") && !c.node && c.body.n == 2, "a value is left to the domain");
	check(!body(&c, "GET", "/shells", "application/json", ""), "GET with a content type");
	check_int(body(&c, "POST", "/upload", "text/css", "x"), ERR_MEDIA_TYPE, "raw bytes of a foreign type");
	check(!body(&c, "POST", "/upload", "application/zip", "PK") && !strcmp(c.upload->content_type, "application/zip"), "raw bytes of a known type");
	check(!body(&c, "PUT", "/submodels/YQ/submodel-elements/f/attachment", "multipart/form-data; boundary=\"b\"",
		    "--b\r\nContent-Disposition: form-data; name=\"fileName\"\r\n\r\nmanual.pdf\r\n"
		    "--b\r\ncontent-disposition:form-data;filename=\"C:\\dir\\m.pdf\";name=file\r\nContent-Type: application/pdf\r\n\r\n\r\n--a\r\n"
		    "\r\n--b\r\nContent-Disposition: form-data; name=\"aasIds\"\r\n\r\nYQ\r\n--b--\r\n"), "multipart");
	char got[8] = "";
	check(scratch_size(c.upload->file) == 7 && !scratch_read(c.upload->file, 0, got, 7, NULL) && !strcmp(got, "\r\n--a\r\n"), "the part is the file");
	check_str(c.upload->file_name, "manual.pdf", "fileName counts more than filename");
	check_str(c.upload->content_type, "application/pdf", "the part's type");
	check_str(call_query(&c, "aasIds"), "YQ", "other fields are kept");
	check(request_accepts_json(NULL) && request_accepts_json("") && request_accepts_json("*/*") &&
	      request_accepts_json("text/html, application/json;q=0.5") && request_accepts_json("application/*"), "JSON is acceptable");
	check(!request_accepts_json("text/html") && !request_accepts_json("image/png, text/*"), "or not");
}

/* -- multipart: whatever the pieces are, the same is told ------------------------------------------------------------------------ */

struct told {
	struct buf text;		/* "name|file|type|bytes\n" of each part */
};

static enum err told_begin(void *ctx, const struct multipart_part *p, struct diag *d)
{
	struct told *t = ctx;
	(void)d;
	buf_printf(&t->text, "%s|%s|%s|", p->name, p->file_name ? p->file_name : "-", p->content_type ? p->content_type : "-");
	return ERR_OK;
}

static enum err told_data(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)d;
	buf_put(&((struct told *)ctx)->text, p, n);
	return n ? ERR_OK : ERR_INTERNAL;
}

static enum err told_end(void *ctx, struct diag *d)
{
	(void)d;
	buf_putc(&((struct told *)ctx)->text, '\n');
	return ERR_OK;
}

static enum err in_pieces(const char *type, struct slice s, size_t piece, struct told *t)
{
	struct multipart_events events = { told_begin, told_data, told_end, t };
	struct multipart *m;
	buf_reset(&t->text);
	enum err e = multipart_new(a, type, events, &m, NULL);
	while (!e && s.n) {
		size_t n = piece < s.n ? piece : s.n;
		e = multipart_feed(m, s.p, n, NULL);
		s.p += n;
		s.n -= n;
	}
	return e ? e : multipart_end(m, NULL);
}

static struct told told = { BUF_INIT };

static enum err parts(const char *type, const char *bytes)
{
	struct told other = { BUF_INIT };
	struct slice s = slice_of(bytes);
	enum err e = in_pieces(type, s, SIZE_MAX, &told);
	for (size_t piece = 1; piece < 9 && piece < s.n; piece++)
		if (in_pieces(type, s, piece, &other) != e || (!e && !slice_eq(buf_view(&other.text), buf_view(&told.text))))
			check(false, "in pieces of %zu it says \"%s\" instead of \"%s\"", piece, buf_view(&other.text).p, buf_view(&told.text).p);
	buf_fini(&other.text);
	return e;
}

static bool tells(const char *type, const char *bytes, const char *want)
{
	return !parts(type, bytes) && slice_is(buf_view(&told.text), want);
}

static void multipart(void)
{
#define NAMED "file|a\"b.aasx|-|"
#define HEAD "Content-Disposition: form-data; name=\"file\"; filename=\"../x/a\\\"b.aasx\"\r\n\r\n"
	static const char type[] = "multipart/form-data; charset=utf-8; boundary=B";
	check(tells(type, "preamble\r\n--B  \r\n" HEAD "data\r\n--B--epilogue", NAMED "data\n"), "preamble, padding, epilogue, the last step of a name");
	check(tells(type, "--B\r\n" HEAD "\r\n--B--", NAMED "\n"), "an empty part");
	check(tells(type, "--B\r\n" HEAD "\r\n--Bx\r\n--B--", NAMED "\r\n--Bx\n"), "a longer word is no boundary");
	check(tells(type, "--B\r\n" HEAD "--B--", NAMED "\n"), "nor is a line break needed of its own");
	check(tells(type, "--B\r\n" HEAD "\r\r\n-\r\n--\r\n--B\t--B\r\n--B--", NAMED "\r\r\n-\r\n--\r\n--B\t--B\n"), "what begins like one");
	check(tells(type, "--B\r\n" HEAD "a\r\n--B\r\nContent-Disposition: form-data; name=x\r\nContent-Type: t/t \r\n\r\nb\r\n--B--", NAMED "a\nx|-|t/t|b\n"),
	      "two parts");
	check(tells(type, "--B--", ""), "no parts at all");
	check(parts("multipart/form-data", "--B--") == ERR_BAD_REQUEST, "no boundary");
	check(parts("multipart/form-data; boundary=\"B", "--B--") == ERR_BAD_REQUEST, "an open quote");
	check(parts(type, "--B\r\n" HEAD "data") == ERR_BAD_REQUEST, "no end");
	check(parts(type, "--B\r\n" HEAD "data\r\n--B") == ERR_BAD_REQUEST, "half an end");
	check(parts(type, "--B\r\nContent-Type: a/b\r\n\r\nx\r\n--B--") == ERR_BAD_REQUEST, "no name");
	check(parts(type, "--B\r\n\r\nx\r\n--B--") == ERR_BAD_REQUEST, "no header");
	check(parts(type, "x") == ERR_BAD_REQUEST, "no parts and no end");
	check(parts(type, "") == ERR_BAD_REQUEST, "nothing");
	struct buf many = BUF_INIT;
	for (int i = 0; i <= MULTIPART_PARTS_MAX; i++)
		buf_puts(&many, "--B\r\n" HEAD "x\r\n");
	buf_puts(&many, "--B--");
	check(parts(type, many.p) == ERR_BAD_REQUEST, "too many parts");
	buf_fini(&many);
}

int main(void)
{
	a = arena_new(0);
	ids();
	paths();
	query();
	filters();
	cursors();
	bodies();
	multipart();
	upload_free(last);
	buf_fini(&told.text);
	arena_free(a);
	return done();
}
