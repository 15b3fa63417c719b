/* SPDX-License-Identifier: Apache-2.0
 * idShortPaths: every step found, every malformed one refused, and the way back; references to and from paths.
 */
#include "aas/path.h"

#include "aas/json.h"
#include "tests/tap.h"

static const char submodel[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:sm\",\"submodelElements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":\"xs:int\",\"value\":\"1\"},"
	"{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"A\",\"value\":["
	" {\"modelType\":\"Property\",\"idShort\":\"Spe\",\"valueType\":\"xs:int\"},"
	" {\"modelType\":\"SubmodelElementList\",\"idShort\":\"L\",\"typeValueListElement\":\"SubmodelElementList\",\"value\":["
	"  {\"modelType\":\"SubmodelElementList\",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\",\"value\":["
	"   {\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"10\"},"
	"   {\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"11\"}]},"
	"  {\"modelType\":\"SubmodelElementList\",\"typeValueListElement\":\"SubmodelElementCollection\",\"value\":["
	"   {\"modelType\":\"SubmodelElementCollection\",\"value\":["
	"    {\"modelType\":\"Property\",\"idShort\":\"x-1\",\"valueType\":\"xs:int\",\"value\":\"12\"}]}]}]}]},"
	"{\"modelType\":\"Entity\",\"idShort\":\"E\",\"entityType\":\"CoManagedEntity\",\"statements\":["
	" {\"modelType\":\"Property\",\"idShort\":\"S\",\"valueType\":\"xs:int\"}]},"
	"{\"modelType\":\"AnnotatedRelationshipElement\",\"idShort\":\"R\",\"annotations\":["
	" {\"modelType\":\"Property\",\"idShort\":\"N\",\"valueType\":\"xs:int\"}]},"
	"{\"modelType\":\"Operation\",\"idShort\":\"Op\",\"inputVariables\":[{\"value\":"
	" {\"modelType\":\"Property\",\"idShort\":\"In\",\"valueType\":\"xs:int\"}}]}]}";

static const char *const found[] = {
	"Speed", "A", "A.Spe", "A.L", "A.L[0]", "A.L[0][1]", "A.L[1][0]", "A.L[1][0].x-1", "E", "E.S", "R.N", "Op",
};
static const struct {
	const char *path;
	enum err e;
	const char *text;
} refused[] = {
	{ "", ERR_BAD_REQUEST, "an idShort is expected" },
	{ "a..b", ERR_BAD_REQUEST, "an idShort is expected" },
	{ ".a", ERR_BAD_REQUEST, "" },
	{ "A.", ERR_BAD_REQUEST, "" },
	{ "A.L[01]", ERR_BAD_REQUEST, "an index is expected" },
	{ "A.L[+1]", ERR_BAD_REQUEST, "" },
	{ "A.L[ 1]", ERR_BAD_REQUEST, "" },
	{ "A.L[]", ERR_BAD_REQUEST, "" },
	{ "A.L[x]", ERR_BAD_REQUEST, "" },
	{ "A.L[0", ERR_BAD_REQUEST, "" },
	{ "A.L[0]x", ERR_BAD_REQUEST, "\".\" or \"[\" is expected" },
	{ "A.L[99999999999999999999999]", ERR_BAD_REQUEST, "" },
	{ "[0]", ERR_BAD_REQUEST, "" },
	{ "1a", ERR_BAD_REQUEST, "" },
	{ "a b", ERR_BAD_REQUEST, "" },
	{ "A/L", ERR_BAD_REQUEST, "" },
	{ "Nix.a..b", ERR_BAD_REQUEST, "" },
	{ "Nix", ERR_NOT_FOUND, "\"Nix\"" },
	{ "A.Nix.b", ERR_NOT_FOUND, "\"A.Nix\"" },
	{ "speed", ERR_NOT_FOUND, "" },
	{ "Spee", ERR_NOT_FOUND, "" },
	{ "Speeds", ERR_NOT_FOUND, "" },
	{ "A.L[2]", ERR_NOT_FOUND, "\"A.L[2]\"" },
	{ "A.L[18446744073709551615]", ERR_NOT_FOUND, "" },
	{ "A[0]", ERR_NOT_FOUND, "" },
	{ "A.L.x", ERR_NOT_FOUND, "" },
	{ "Speed.x", ERR_NOT_FOUND, "" },
	{ "Op.In", ERR_NOT_FOUND, "" },
};

static void finds(const struct aas_node *sm)
{
	for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
		struct buf b = BUF_INIT;
		struct aas_node *n = NULL;
		enum err e = aas_path_find(sm, found[i], strlen(found[i]), &n, NULL);
		if (!e)
			aas_path_write(&b, n);
		check_str(e ? err_info[e].name : buf_view(&b).p, found[i], "there and back: %s", found[i]);
		buf_fini(&b);
	}
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct diag d = DIAG_INIT;
		struct aas_node *n;
		char text[600];
		check_int(aas_path_find(sm, refused[i].path, strlen(refused[i].path), &n, &d), refused[i].e, "refused: \"%s\"", refused[i].path);
		check(strstr(diag_first(&d, text, sizeof text), refused[i].text), "says why: %s", text);
		diag_fini(&d);
	}
	char deep[4 * AAS_PATH_DEPTH + 1] = "A", longer[300] = "";
	for (int i = 0; i < AAS_PATH_DEPTH; i++)
		strcat(deep, ".A");
	memset(longer, 'a', 129);
	struct aas_node *n;
	check_int(aas_path_find(sm, deep, strlen(deep), &n, NULL), ERR_BAD_REQUEST, "a path is bounded in depth");
	check_int(aas_path_find(sm, longer, 129, &n, NULL), ERR_BAD_REQUEST, "an idShort has at most 128 characters");
	check_int(aas_path_find(sm, longer, 128, &n, NULL), ERR_NOT_FOUND, "and may have 128");
}

static void parents(const struct aas_node *sm)
{
	static const struct {
		const char *path, *parent, *step;
		enum err e;
	} rows[] = {
		{ "Speed", "", "Speed", ERR_OK }, { "New", "", "New", ERR_OK }, { "A.L[0][7]", "A.L[0]", "[7]", ERR_OK },
		{ "A.New", "A", "New", ERR_OK }, { "Nix.New", NULL, NULL, ERR_NOT_FOUND }, { "A..", NULL, NULL, ERR_BAD_REQUEST },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf b = BUF_INIT;
		struct aas_node *p;
		struct slice step;
		enum err e = aas_path_parent(sm, rows[i].path, strlen(rows[i].path), &p, &step, NULL);
		check_int(e, rows[i].e, "parent of %s", rows[i].path);
		if (!e) {
			aas_path_write(&b, p);
			check_str(buf_view(&b).p, rows[i].parent, "is %s", rows[i].parent);
			check(slice_is(step, rows[i].step), "with the step %s", rows[i].step);
		}
		buf_fini(&b);
	}
}

static void list_as_root(const struct aas_node *sm)
{
	struct aas_node *l, *n = NULL;
	check_int(aas_path_find(sm, "A.L[0]", 6, &l, NULL), ERR_OK, "a list");
	l->parent = NULL;
	check(!aas_path_find(l, "[1]", 3, &n, NULL) && str_eq(AAS_AT(n, Property, value).str, "11"), "an index comes first below a list");
	struct buf b = BUF_INIT;
	aas_path_write(&b, n);
	check_str(b.p, "[1]", "and is written so");
	buf_fini(&b);
}

static void references(struct arena *a, const struct aas_node *sm)
{
	struct buf b = BUF_INIT;
	struct aas_node *n = NULL;
	struct slice id;
	aas_path_find(sm, "A.L[1][0].x-1", 13, &n, NULL);
	struct aas_node *r = aas_path_reference(a, n);
	aas_json_write(&b, r);
	check_str(b.p, "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:sm\"},"
		  "{\"type\":\"SubmodelElementCollection\",\"value\":\"A\"},{\"type\":\"SubmodelElementList\",\"value\":\"L\"},"
		  "{\"type\":\"SubmodelElementList\",\"value\":\"1\"},{\"type\":\"SubmodelElementCollection\",\"value\":\"0\"},"
		  "{\"type\":\"Property\",\"value\":\"x-1\"}]}", "the chain of keys");
	buf_reset(&b);
	check_int(aas_reference_path(r, &id, &b, NULL), ERR_OK, "resolved");
	check(slice_is(id, "urn:sm"), "the submodel");
	check_str(b.p, "A.L[1][0].x-1", "the path");
	struct aas_node *whole = aas_path_reference(a, sm);
	buf_reset(&b);
	check(!aas_reference_path(whole, &id, &b, NULL) && !b.n, "a reference to the submodel has an empty path");
	check(aas_reference_match(r, aas_path_reference(a, n)), "equal references match");
	check(!aas_reference_match(r, whole) && !aas_reference_match(whole, r), "a beginning does not match");
	buf_fini(&b);
}

static void foreign_references(struct arena *a)
{
	static const struct {
		const char *json, *path;
		enum err e;
	} rows[] = {
		{ "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"x\"}]}", NULL, ERR_BAD_REQUEST },
		{ "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"ConceptDescription\",\"value\":\"x\"}]}", NULL, ERR_BAD_REQUEST },
		{ "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"x\"},{\"type\":\"SubmodelElement\",\"value\":\"L\"},"
		  "{\"type\":\"Property\",\"value\":\"3\"}]}", "L[3]", ERR_OK },
		{ "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"x\"},{\"type\":\"SubmodelElementList\",\"value\":\"L\"},"
		  "{\"type\":\"Property\",\"value\":\"Name\"}]}", NULL, ERR_BAD_REQUEST },
		{ "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"x\"},{\"type\":\"SubmodelElementList\",\"value\":\"L\"},"
		  "{\"type\":\"Property\",\"value\":\"03\"}]}", NULL, ERR_BAD_REQUEST },
		{ "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"x\"},{\"type\":\"Property\",\"value\":\"0\"}]}",
		  NULL, ERR_BAD_REQUEST },
		{ "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"x\"},{\"type\":\"File\",\"value\":\"F\"},"
		  "{\"type\":\"FragmentReference\",\"value\":\"page 3\"}]}", "F", ERR_OK },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct diag d = DIAG_INIT;
		struct buf b = BUF_INIT;
		struct aas_node *r = NULL;
		struct slice id;
		check_int(aas_json_read(a, AAS_Reference, rows[i].json, strlen(rows[i].json), 0, &r, &d), ERR_OK, "reference %zu", i);
		check_int(aas_reference_path(r, &id, &b, &d), rows[i].e, "resolves or not");
		if (rows[i].path)
			check_str(buf_view(&b).p, rows[i].path, "to its path");
		buf_fini(&b);
		diag_fini(&d);
	}
}

int main(void)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_node *sm = NULL;
	char text[600];
	check_int(aas_json_read(a, AAS_Submodel, submodel, sizeof submodel - 1, 0, &sm, &d), ERR_OK, "the submodel %s",
		  diag_first(&d, text, sizeof text));
	if (sm) {
		finds(sm);
		parents(sm);
		references(a, sm);
		foreign_references(a);
		list_as_root(sm);
	}
	diag_fini(&d);
	arena_free(a);
	return done();
}
