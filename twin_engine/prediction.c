/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/prediction.h"

#include <math.h>

#include "base/clock.h"
#include "base/str.h"

#define SEMANTICS "https://admin-shell.io/idta/PredictiveMaintenance/"
#define TEMPLATE "https://admin-shell.io/idta/SubmodelTemplate/PredictiveMaintenance/1/0"

/* The tree of the template, each row below the last one of smaller depth.  EACH_INPUT: once for every required input of the model. */
static const struct row {
	uint8_t depth, cls;
	const char *id_short;		/* NULL: an item of a list */
	const char *semantics;		/* NULL: by idShort */
	const char *type;		/* xs: type, entity type or type of items */
	const char *value;
	enum prediction_what what;
	bool each_input;
} rows[] = {
	{ 0, AAS_SubmodelElementCollection, "RemainingUsefulLifePrediction", NULL, NULL, NULL, 0, false },
	{ 1, AAS_Entity, "RemainingUsefulLifetime", NULL, "CoManagedEntity", NULL, 0, false },
	{ 2, AAS_Property, "IndicationType", NULL, "xs:string", "not enough evidence", PREDICTION_INDICATION, false },
	{ 2, AAS_Property, "DurationValue", NULL, "xs:double", NULL, PREDICTION_DURATION, false },
	{ 2, AAS_Property, "EngineeringUnit", NULL, "xs:string", "h", 0, false },
	{ 2, AAS_Property, "StartValue", NULL, "xs:double", NULL, PREDICTION_START_VALUE, false },
	{ 2, AAS_Property, "StartDateTime", NULL, "xs:dateTime", NULL, PREDICTION_START_TIME, false },
	{ 2, AAS_Property, "Description", NULL, "xs:string", NULL, PREDICTION_DESCRIPTION, false },
	{ 1, AAS_Property, "RemainingUsfulLifeDateTime", NULL, "xs:dateTime", NULL, PREDICTION_END_TIME, false },
	{ 1, AAS_Range, "ConfidenceInterval", NULL, "xs:double", NULL, PREDICTION_INTERVAL, false },
	{ 1, AAS_SubmodelElementList, "ListRULBoundaryConditions", NULL, "SubmodelElementCollection", NULL, 0, false },
	{ 2, AAS_SubmodelElementCollection, NULL, "RULCondition", NULL, NULL, 0, true },
	{ 3, AAS_Property, "ConditionName", NULL, "xs:string", "", 0, false },
	{ 3, AAS_Property, "IsBoundaryConditionUsedInModel", NULL, "xs:boolean", "true", 0, false },
	{ 3, AAS_Property, "BoundaryValueRange", NULL, "xs:double", NULL, PREDICTION_BOUND, false },
	{ 3, AAS_Property, "BoundaryEngineeringUnit", NULL, "xs:string", "", 0, false },
	{ 3, AAS_Property, "MeanValue", NULL, "xs:double", NULL, PREDICTION_MEAN, false },
	{ 3, AAS_Property, "Standarddeviation", NULL, "xs:double", NULL, PREDICTION_SD, false },
	{ 3, AAS_Property, "BoundaryDescription", NULL, "xs:string", "largest value in steady operation so far; mean and deviation over "
	  "all of it", 0, false },
	{ 1, AAS_SubmodelElementCollection, "PredictionModelInformation", NULL, NULL, NULL, 0, false },
	{ 2, AAS_Property, "ModelType", NULL, "xs:string", "hybrid methods", 0, false },
	{ 2, AAS_Property, "ModelDescription", NULL, "xs:string", "physical model of the healthy asset, calibrated on line at every operating point; "
	  "residuals as sights of a wear process with unknown rate; interval from 5 % to 95 %", 0, false },
	{ 1, AAS_SubmodelElementList, "ListPreAlerts", NULL, "SubmodelElementCollection", NULL, 0, false },
	{ 2, AAS_SubmodelElementCollection, NULL, "PreAlerts", NULL, NULL, 0, false },
	{ 3, AAS_Property, "PreAlertMessage", NULL, "xs:string", "plan maintenance", 0, false },
	{ 3, AAS_Property, "PreAlertValue", NULL, "xs:double", "", 0, false },
	{ 1, AAS_SubmodelElementCollection, "AlertAfterExceedingRemainingUsableLife", NULL, NULL, NULL, 0, false },
	{ 2, AAS_Property, "AlertMessage", NULL, "xs:string", NULL, PREDICTION_ALERT, false },
	{ 2, AAS_Property, "MaintenanceRequired", NULL, "xs:boolean", "false", PREDICTION_REQUIRED, false },
};
#define N_ROWS (sizeof rows / sizeof *rows)
#define DEPTH 4

static struct aas_node *reference(struct arena *a, const char *type, const char *key, const char *value)
{
	struct aas_node *r = aas_node_new(a, AAS_Reference), *k = aas_node_new(a, AAS_Key);
	if (!r || !k || !value)
		return NULL;
	AAS_AT(r, Reference, type).ord = (uintptr_t)(1 + aas_enum_find(AAS_ENUM_ReferenceTypes, type, strlen(type)));
	AAS_AT(k, Key, type).ord = (uintptr_t)(1 + aas_enum_find(AAS_ENUM_KeyTypes, key, strlen(key)));
	AAS_AT(k, Key, value).str = value;
	aas_list_append(r, &AAS_AT(r, Reference, keys), k);
	return r;
}

static uintptr_t enum_ord(enum aas_enum_id e, const char *text)
{
	return (uintptr_t)(1 + aas_enum_find(e, text, strlen(text)));
}

static struct aas_node *element(struct arena *a, const struct row *row, const char *value)
{
	struct aas_node *n = aas_node_new(a, (enum aas_class_id)row->cls);
	const char *name = row->semantics ? row->semantics : row->id_short;
	struct aas_node *semantics = reference(a, "ExternalReference", "GlobalReference", arena_printf(a, SEMANTICS "%s/1/0", name));
	if (!n || !semantics)
		return NULL;
	AAS_ID_SHORT(n) = row->id_short;
	AAS_SEMANTIC_ID(n) = semantics;
	semantics->parent = n;
	if (aas_is(n, AAS_Property)) {
		AAS_AT(n, Property, valueType).ord = enum_ord(AAS_ENUM_DataTypeDefXsd, row->type);
		AAS_AT(n, Property, value).str = value;
	} else if (aas_is(n, AAS_Range)) {
		AAS_AT(n, Range, valueType).ord = enum_ord(AAS_ENUM_DataTypeDefXsd, row->type);
	} else if (aas_is(n, AAS_Entity)) {
		AAS_AT(n, Entity, entityType).ord = enum_ord(AAS_ENUM_EntityType, row->type);
	} else if (aas_is(n, AAS_SubmodelElementList)) {
		AAS_AT(n, SubmodelElementList, typeValueListElement).ord = enum_ord(AAS_ENUM_AasSubmodelElements, row->type);
		AAS_AT(n, SubmodelElementList, orderRelevant).ord = 1;
	}
	return n;
}

/* One walk serves the tree and the list of live elements: `visit` sees each row as often as it occurs, with its depth and path. */
struct walk {
	const struct model_kind *kind;
	void (*visit)(struct walk *, const struct row *, size_t input);
	struct buf path;
	struct arena *arena;
	struct aas_node *at[DEPTH + 1];
	double pre_alert_h;
	bool failed;
	void (*each)(void *, const char *, enum prediction_what, size_t);
	void *ctx;
};

static void walk_row(struct walk *w, size_t i, size_t input, size_t item)
{
	size_t mark = w->path.n, end = i + 1;
	const struct row *row = &rows[i];
	if (row->id_short)
		buf_printf(&w->path, "%s%s", mark ? "." : "", row->id_short);
	else
		buf_printf(&w->path, "[%zu]", item);
	w->visit(w, row, input);
	while (end < N_ROWS && rows[end].depth > row->depth)
		end++;
	for (size_t k = i + 1, index = 0; k < end && !w->failed; k++) {
		if (rows[k].depth != row->depth + 1)
			continue;
		for (size_t in = 0; in < (rows[k].each_input ? w->kind->n_inputs : 1); in++)
			if (!rows[k].each_input || w->kind->input[in].role == MODEL_REQUIRED)
				walk_row(w, k, rows[k].each_input ? in : input, index++);
	}
	w->path.n = mark;
	if (w->path.p)
		w->path.p[mark] = 0;
}

/* The value of a row that depends on the model. */
static const char *filled(const struct walk *w, const struct row *row, size_t input)
{
	char text[STR_DOUBLE_MAX];
	if (str_eq(row->id_short, "ConditionName"))
		return w->kind->input[input].name;
	if (str_eq(row->id_short, "BoundaryEngineeringUnit"))
		return w->kind->input[input].unit;
	str_of_double(text, w->pre_alert_h);
	return arena_strdup(w->arena, text);
}

static void visit_tree(struct walk *w, const struct row *row, size_t input)
{
	const char *value = row->value && !*row->value ? filled(w, row, input) : row->value;
	struct aas_node *up = w->at[row->depth], *n = element(w->arena, row, value);
	if (!n) {
		w->failed = true;
		return;
	}
	aas_list_append(up, aas_children(up), n);
	w->at[row->depth + 1] = n;
}

static void visit_live(struct walk *w, const struct row *row, size_t input)
{
	if (row->what && !w->path.failed)
		w->each(w->ctx, w->path.p, row->what, input);
}

struct aas_node *prediction_new(struct arena *a, const char *id, const struct model_kind *kind, double pre_alert_h)
{
	struct walk w = { .kind = kind, .visit = visit_tree, .path = BUF_INIT, .arena = a, .pre_alert_h = pre_alert_h };
	struct aas_node *sm = aas_node_new(a, AAS_Submodel), *semantics = reference(a, "ModelReference", "Submodel", TEMPLATE);
	struct aas_node *admin = aas_node_new(a, AAS_AdministrativeInformation);
	if (!sm || !semantics || !admin)
		return NULL;
	AAS_AT(sm, Submodel, idShort).str = "PredictiveMaintenance";
	AAS_AT(sm, Submodel, id).str = arena_strdup(a, id);
	AAS_AT(sm, Submodel, kind).ord = enum_ord(AAS_ENUM_ModellingKind, "Instance");
	AAS_AT(sm, Submodel, semanticId).node = semantics;
	AAS_AT(sm, Submodel, administration).node = admin;
	AAS_AT(admin, AdministrativeInformation, version).str = "1";
	AAS_AT(admin, AdministrativeInformation, revision).str = "0";
	AAS_AT(admin, AdministrativeInformation, templateId).str = TEMPLATE;
	semantics->parent = admin->parent = sm;
	w.at[0] = sm;
	walk_row(&w, 0, 0, 0);
	buf_fini(&w.path);
	return w.failed || !AAS_ID(sm) ? NULL : sm;
}

void prediction_each(const struct model_kind *kind, void (*each)(void *ctx, const char *path, enum prediction_what, size_t index), void *ctx)
{
	struct walk w = { .kind = kind, .visit = visit_live, .path = BUF_INIT, .each = each, .ctx = ctx };
	walk_row(&w, 0, 0, 0);
	buf_fini(&w.path);
}

/* -- texts ------------------------------------------------------------------------------------------------------------------- */

/* Four digits: more would be false precision. */
static bool put(struct buf *b, double v)
{
	char text[STR_DOUBLE_MAX];
	if (isnan(v))
		return false;
	if (v != 0) {
		double unit = pow(10, 3 - floor(log10(fabs(v))));
		v = round(v * unit) / unit;
	}
	buf_put(b, text, str_of_double(text, v));
	return true;
}

static bool put_time(struct buf *b, int64_t us)
{
	char text[TIME_TEXT_MAX];
	if (us == TIME_NONE)
		return false;
	buf_put(b, text, time_format(text, us - us % (60 * US_PER_S)));
	return true;
}

static const char *alert(const struct prediction_source *s)
{
	if (s->view->state == MODEL_FAILED)
		return "the limit of wear is passed";
	return s->view->rul.q50 < s->view->pre_alert_h ? "the end of life is near" : NULL;
}

static bool put_description(const struct prediction_source *s, struct buf *b)
{
	int lead = s->view->leading;
	if (lead < 0) {
		buf_puts(b, "the model is learning the healthy asset");
		return true;
	}
	buf_printf(b, "nearest to its limit: %s, ", s->kind->output[lead].name);
	put(b, round(fmin(fmax(s->view->output[lead].degradation, 0), 9) * 100));
	buf_puts(b, " % of the way");
	if (!s->view->familiar)
		buf_puts(b, "; not enough evidence at the present operating point");
	return true;
}

bool prediction_text(const struct prediction_source *s, enum prediction_what what, size_t index, struct buf *b)
{
	const struct model_view *v = s->view;
	bool known = v->evidence && !isnan(v->rul.q50);
	switch (what) {
	case PREDICTION_INDICATION:
		buf_puts(b, known ? "RUL" : "not enough evidence");
		return true;
	case PREDICTION_DESCRIPTION:
		return put_description(s, b);
	case PREDICTION_REQUIRED:
		buf_puts(b, known && alert(s) ? "true" : "false");
		return true;
	case PREDICTION_BOUND:
		return put(b, v->input[index].max);
	case PREDICTION_MEAN:
		return put(b, v->input[index].mean);
	case PREDICTION_SD:
		return put(b, v->input[index].sd);
	default:
		break;
	}
	if (!known)
		return false;
	switch (what) {
	case PREDICTION_DURATION:
		return put(b, v->rul.q50);
	case PREDICTION_START_VALUE:
		return put(b, v->running_h);
	case PREDICTION_START_TIME:
		return put_time(b, s->predicted_us);
	case PREDICTION_END_TIME:
		return v->rul.q50 < 8e7 && put_time(b, s->predicted_us + (int64_t)(v->rul.q50 * 3.6e9));
	case PREDICTION_INTERVAL:
		put(b, v->rul.q05);
		buf_putc(b, ' ');
		return put(b, v->rul.q95);
	case PREDICTION_ALERT:
		if (alert(s))
			buf_puts(b, alert(s));
		return alert(s) != NULL;
	default:
		return false;
	}
}
