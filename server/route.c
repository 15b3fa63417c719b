/* SPDX-License-Identifier: Apache-2.0 */
#include "server/route.h"

#include <stdio.h>
#include <stdlib.h>

#include "aas/store.h"
#include "server/op.h"

/* -- routes.def, expanded ------------------------------------------------------------------------------------------------------ */

enum mount_id {
#define MOUNT(id, prefix) MOUNT_##id,
#include "server/routes.def"
	N_MOUNTS
};
enum {
#define MOUNT(id, prefix) id = 1 << MOUNT_##id,
#include "server/routes.def"
#define SET(name, mounts) name = mounts,
#include "server/routes.def"
};

static const char *const mount_prefix[] = {
#define MOUNT(id, prefix) [MOUNT_##id] = prefix,
#include "server/routes.def"
};

/* The columns of a row; `reply` and `body` each say two things. */
struct row {
	unsigned mounts;
	const char *method, *path, *handler;
	enum aas_modifier view;
	struct { enum route_body kind; unsigned cls; } body;
	struct { enum route_reply kind; unsigned cls; } reply;
	unsigned query;
	enum route_access access;
};

enum {
	LEVEL = Q_LEVEL, EXTENT = Q_EXTENT, LIMIT = Q_LIMIT, ID_SHORT = Q_ID_SHORT, SEMANTIC_ID = Q_SEMANTIC_ID, ASSET_IDS = Q_ASSET_IDS,
	IS_CASE_OF = Q_IS_CASE_OF, DATA_SPEC = Q_DATA_SPEC, ASSET_KIND = Q_ASSET_KIND, ASSET_TYPE = Q_ASSET_TYPE, OF_AAS = Q_OF_AAS,
	AAS_IDS = Q_AAS_IDS, SUBMODEL_IDS = Q_SUBMODEL_IDS, WITH_CDS = Q_WITH_CDS, AT = Q_AT
};
#define CLASS(c) CLASS, AAS_##c
#define ONE(c) ONE, AAS_##c
#define PAGE(c) PAGE, AAS_##c
#define LIST(c) LIST, AAS_##c
#define ONE_API(c) ONE, API_##c
#define PAGE_API(c) PAGE, API_##c
#define PAIR(kind_prefix, ...) PAIR_(kind_prefix, __VA_ARGS__, 0, 0)
#define PAIR_(kind_prefix, kind, cls, ...) { kind_prefix##kind, cls }

static const struct row rows[] = {
#define R(mounts, method, path, view, handler, body, reply, query, access) \
	{ mounts, #method, path, #handler, AAS_##view, PAIR(BODY_, body), PAIR(REPLY_, reply), query, ACCESS_##access },
#include "server/routes.def"
};
#define N_ROWS (sizeof rows / sizeof *rows)

#define BIT(x, i) (((x) >> (i)) & 1)
#define BITS(x) (BIT(x, 0) + BIT(x, 1) + BIT(x, 2) + BIT(x, 3) + BIT(x, 4) + BIT(x, 5) + BIT(x, 6) + BIT(x, 7))
_Static_assert(N_MOUNTS <= 8, "BITS counts eight mounts");
enum {
	N_ROUTES = 0
#define R(mounts, method, path, view, handler, body, reply, query, access) + BITS(mounts)
#include "server/routes.def"
};

static struct route table[N_ROUTES];
const struct route *const routes = table;
const size_t n_routes = N_ROUTES;

static const struct {
	const char *name;
	enum err (*run)(struct call *);
} ops[] = {
#define X(name) { #name, op_##name },
	OPS(X)
#undef X
	{ NULL, NULL }
};

/* -- the matcher: a tree of path segments ------------------------------------------------------------------------------------- */

static const struct { const char *text; enum route_param param; } params[] = {
	{ "{aasIdentifier}", PARAM_AAS_ID }, { "{submodelIdentifier}", PARAM_SM_ID }, { "{cdIdentifier}", PARAM_CD_ID },
	{ "{idShortPath}", PARAM_PATH }, { "{handleId}", PARAM_HANDLE }, { "{packageId}", PARAM_PACKAGE },
};

enum method { GET, PUT, POST, PATCH, DELETE, N_METHODS };
static const char *const method_name[] = { "GET", "PUT", "POST", "PATCH", "DELETE" };

#define NODES_MAX 256
static struct node {
	struct slice literal;		/* absent: a parameter */
	enum route_param param;
	struct node *first, *next;	/* children: literals before the parameter */
	const struct route *route[N_METHODS];
	char allow[48];
} nodes[NODES_MAX];
static size_t n_nodes = 1;		/* nodes[0] is the root */

static int method_find(const char *name)
{
	for (int i = 0; i < N_METHODS; i++)
		if (str_eq(method_name[i], name))
			return i;
	return str_eq(name, "HEAD") ? GET : -1;
}

/* The next segment of *path, which begins with a slash. */
static struct slice segment(struct slice *path)
{
	const char *p = path->p + 1, *end = path->p + path->n, *slash = memchr(p, '/', (size_t)(end - p));
	struct slice s = { p, (size_t)((slash ? slash : end) - p) };
	path->p += 1 + s.n;
	path->n -= 1 + s.n;
	return s;
}

static enum route_param param_of(struct slice s)
{
	for (size_t i = 0; i < sizeof params / sizeof *params; i++)
		if (slice_is(s, params[i].text))
			return params[i].param;
	return PARAM_NONE;
}

static struct node *grow(struct node *at, struct slice s)
{
	enum route_param param = param_of(s);
	struct node **link = &at->first;
	for (; *link; link = &(*link)->next)
		if (param ? (*link)->param == param : slice_eq((*link)->literal, s))
			return *link;
	if (n_nodes == NODES_MAX)
		abort();	/* a constant of this file; the first start of any build shows it */
	struct node *n = &nodes[n_nodes++];
	n->param = param;
	if (!param)
		n->literal = s;
	if (param) {
		*link = n;
	} else {		/* in front, so that every literal comes before the parameter */
		n->next = at->first;
		at->first = n;
	}
	return n;
}

static void plant(const struct route *r)
{
	struct node *n = &nodes[0];
	const char *const part[] = { r->prefix, r->path };
	for (int i = 0; i < 2; i++)
		for (struct slice s = slice_of(part[i]); s.n; )
			n = grow(n, segment(&s));
	n->route[method_find(r->method)] = r;
	n->allow[0] = 0;
	for (int m = 0; m < N_METHODS; m++) {
		size_t len = strlen(n->allow);
		if (n->route[m])
			snprintf(n->allow + len, sizeof n->allow - len, "%s%s%s", len ? ", " : "", method_name[m], m == GET ? ", HEAD" : "");
	}
}

static int subject_of(unsigned mount, const char *path)
{
	static const int of_mount[N_MOUNTS] = {
		[MOUNT_SR] = STORE_SUBMODEL, [MOUNT_AR] = STORE_SUBMODEL, [MOUNT_AS] = STORE_SUBMODEL, [MOUNT_SS] = STORE_SUBMODEL,
		[MOUNT_SH] = STORE_SHELL, [MOUNT_AA] = STORE_SHELL, [MOUNT_RG] = -1, [MOUNT_TOP] = -1,
	};
	return mount == MOUNT_TOP && strstr(path, "{cdIdentifier}") ? STORE_CONCEPT : of_mount[mount];
}

/* Nodes of the metamodel, one or a page of them: all that is in the stored document. */
static bool versioned(const struct route *r)
{
	return r->subject >= 0 && r->access == ACCESS_READ && (r->reply == REPLY_ONE || r->reply == REPLY_PAGE) && r->reply_class &&
	       r->reply_class < API_OperationResult;
}

static const struct { const char *method, *path, *id, *profiles; bool draft; } operations[] = {
#define OPERATION(method, path, id, profiles) { #method, path, id, profiles, false },
#define DRAFT(method, path, id) { #method, path, id, NULL, true },
#include "server/operations.def"
};

static void name(struct route *r)
{
	size_t n = strlen(r->prefix);
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		if (strncmp(operations[i].path, r->prefix, n) || !str_eq(operations[i].path + n, r->path) || !str_eq(operations[i].method, r->method))
			continue;
		r->operation = operations[i].id;
		r->profiles = operations[i].profiles;
		r->draft = operations[i].draft;
		return;
	}
}

/* Runs before main, so that the tables are constant for every thread. */
__attribute__((constructor)) static void build(void)
{
	struct route *r = table;
	for (size_t i = 0; i < N_ROWS; i++) {
		for (unsigned m = 0; m < N_MOUNTS; m++) {
			if (!BIT(rows[i].mounts, m))
				continue;
			const struct row *w = &rows[i];
			*r = (struct route){
				.method = w->method, .prefix = mount_prefix[m], .path = w->path, .handler_name = w->handler, .view = w->view,
				.body = w->body.kind, .body_class = w->body.cls, .reply = w->reply.kind, .reply_class = w->reply.cls,
				.query = w->query, .access = w->access, .superpath = m == MOUNT_AR || m == MOUNT_AS,
				.sole_aas = m == MOUNT_AS || m == MOUNT_AA, .sole_sm = m == MOUNT_SS, .subject = subject_of(m, w->path),
			};
			r->versioned = versioned(r);
			name(r);
			for (size_t k = 0; ops[k].name; k++)
				if (str_eq(ops[k].name, w->handler))
					r->handler = ops[k].run;
			plant(r++);
		}
	}
}

static const struct node *descend(const struct node *n, struct slice path, struct route_match *m)
{
	if (!path.n)
		return n->allow[0] ? n : NULL;
	struct slice s = segment(&path);
	unsigned n_params = m->n_params;
	for (const struct node *c = n->first; c; c = c->next) {
		if (!c->param && !slice_eq(c->literal, s))
			continue;
		if (c->param) {
			if (n_params == ROUTE_PARAMS_MAX)
				continue;
			m->param[n_params].param = c->param;
			m->param[n_params].raw = s;
			m->n_params = n_params + 1;
		}
		const struct node *found = descend(c, path, m);
		if (found)
			return found;
	}
	return NULL;
}

void route_find(const char *method, struct slice path, struct route_match *m)
{
	*m = (struct route_match){ 0 };
	if (path.n && (path.p[0] != '/' || path.p[path.n - 1] == '/'))
		return;
	const struct node *n = descend(&nodes[0], path, m);
	if (!n)
		return;
	int k = method_find(method);
	m->route = k < 0 ? NULL : n->route[k];
	if (!m->route)
		m->allow = n->allow;
}
