/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/config.h"

#include <math.h>

#include "aas/path.h"
#include "base/clock.h"
#include "twin_engine/topic.h"

const char *const twin_mode_name[] = { "shadow", "advise", "approve", "act" };

struct reader {
	struct arena *a;
	struct diag *d;
	struct twin_setup *out;
	bool no_memory;
};

enum field_kind { TEXT, FLAG, NUMBER, POSITIVE, SPAN, FILTER, TOPIC, POINTER, TARGET, STATUS, TREE };

/* One element that may stand in a collection, and where its value goes. */
struct field {
	const char *name;
	enum field_kind kind;
	size_t offset;
	void (*tree)(struct reader *, const struct aas_node *);
};

static bool fault(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool fault(struct reader *r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	diag_addv(r->d, ERR_BAD_REQUEST, NULL, fmt, ap);
	va_end(ap);
	return false;
}

static void *keep(struct reader *r, void *p)
{
	r->no_memory |= !p;
	return p;
}

static const char *name_of(const struct aas_node *n)
{
	return AAS_ID_SHORT(n) ? AAS_ID_SHORT(n) : "";
}

static bool read_number(struct reader *r, const char *text, double *out)
{
	return str_double(text, strlen(text), out) || fault(r, "\"%.60s\" is not a number", text);
}

static bool read_target(struct reader *r, const struct aas_node *n, struct setup_target *out)
{
	const struct aas_node *ref = aas_is(n, AAS_ReferenceElement) ? AAS_AT(n, ReferenceElement, value).node : NULL;
	struct buf path = BUF_INIT;
	struct slice id;
	if (!ref)
		return fault(r, "a ReferenceElement with a value is expected");
	if (aas_reference_path(ref, &id, &path, r->d)) {
		buf_fini(&path);
		return false;
	}
	out->submodel_id = keep(r, arena_strndup(r->a, id.p, id.n));
	out->path = keep(r, arena_strndup(r->a, path.p ? path.p : "", path.n));
	buf_fini(&path);
	return out->submodel_id && out->path;
}

static bool read_field(struct reader *r, const struct field *f, const struct aas_node *n, void *base)
{
	void *to = (char *)base + f->offset;
	const char *why;
	int64_t span;
	if (f->kind == STATUS)
		return true;
	if (f->kind == TARGET)
		return read_target(r, n, to);
	if (f->kind == TREE) {
		f->tree(r, n);
		return true;
	}
	if (!aas_is(n, AAS_Property))
		return fault(r, "a Property is expected");
	const char *text = AAS_AT(n, Property, value).str;
	if (!text || !*text)
		return true;	/* no value: the default holds */
	switch (f->kind) {
	case FLAG:
		*(bool *)to = str_eq(text, "true") || str_eq(text, "1");
		return *(bool *)to || str_eq(text, "false") || str_eq(text, "0") || fault(r, "\"%.60s\" is neither true nor false", text);
	case NUMBER:
		return read_number(r, text, to);
	case POSITIVE:
		return read_number(r, text, to) && (*(double *)to >= 0 || fault(r, "%.60s is negative", text));
	case SPAN:
		if (!duration_parse(text, strlen(text), &span) || span <= 0)
			return fault(r, "\"%.60s\" is not a duration above zero", text);
		*(int64_t *)to = span;
		return true;
	case POINTER:
		return payload_pointer_parse(r->a, text, to, r->d) == ERR_OK;
	case FILTER:
	case TOPIC:
		why = f->kind == FILTER ? topic_filter_fault(text) : topic_name_fault(text);
		if (why)
			return fault(r, "\"%.60s\" %s", text, why);
		break;
	default:
		break;
	}
	return (*(const char **)to = keep(r, arena_strdup(r->a, text))) != NULL;
}

/* False when any element was faulty. */
static bool read_fields(struct reader *r, const struct aas_node *n, const struct field *f, size_t n_fields, void *base)
{
	bool good = true;
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next) {
		struct diag_frame frame;
		size_t i = 0;
		while (i < n_fields && !str_eq(f[i].name, name_of(c)))
			i++;
		if (i == n_fields && aas_is(c, AAS_Operation))
			continue;
		diag_push(r->d, &frame, name_of(c));
		if (i == n_fields)
			fault(r, "is not known here and has no effect");
		else if (!read_field(r, &f[i], c, base))
			good = false;
		diag_pop(r->d);
	}
	return good;
}

#define READ_FIELDS(r, n, f, base) read_fields((r), (n), (f), sizeof(f) / sizeof *(f), (base))

/* -- links ------------------------------------------------------------------------------------------------------------------- */

#define L(name, kind, member) { name, kind, offsetof(struct setup_link, member), NULL }
static const struct field link_fields[] = {
	L("TopicFilter", FILTER, topic_filter), L("Selector", TEXT, selector_text), L("TimeSelector", POINTER, time_selector),
	L("Target", TARGET, target), L("Unit", TEXT, unit), L("Scale", NUMBER, scale), L("Offset", NUMBER, offset),
	L("DeadBand", POSITIVE, dead_band), L("StaleAfter", SPAN, stale_us), L("Writable", FLAG, writable),
	L("WriteTopic", TOPIC, write_topic), L("History", FLAG, history), L("Min", NUMBER, min), L("Max", NUMBER, max),
	{ "Quality", STATUS, 0, NULL }, { "SourceTime", STATUS, 0, NULL },
};

static bool link_complete(struct reader *r, struct setup_link *l)
{
	struct diag_frame frame;
	bool good = true;
	if (!l->target.path)
		good = fault(r, "has no Target");
	else if (!*l->target.path)
		good = fault(r, "the Target must name an element of the submodel");
	if (!l->topic_filter && !l->writable)
		good = fault(r, "has no TopicFilter and is not writable");
	if (l->scale == 0)
		good = fault(r, "Scale is 0");
	diag_push(r->d, &frame, "Selector");
	if (l->selector_text && payload_pointer_parse(r->a, l->selector_text, &l->selector, r->d))
		good = false;
	diag_pop(r->d);
	l->has_time = l->time_selector.n > 0;
	return good;
}

static void read_links(struct reader *r, const struct aas_node *n)
{
	size_t count = 0;
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next)
		count++;
	if (count > TWIN_LINKS_MAX) {
		fault(r, "more than %d links", TWIN_LINKS_MAX);
		return;
	}
	if (!(r->out->link = keep(r, ARENA_ARRAY(r->a, struct setup_link, count ? count : 1))))
		return;
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next) {
		struct setup_link l = { .name = name_of(c), .scale = 1, .min = NAN, .max = NAN, .history = true };
		struct diag_frame frame;
		diag_push(r->d, &frame, l.name);
		if (!aas_is(c, AAS_SubmodelElementCollection))
			fault(r, "a SubmodelElementCollection is expected");
		else if (READ_FIELDS(r, c, link_fields, &l) && link_complete(r, &l))
			r->out->link[r->out->n_links++] = l;
		diag_pop(r->d);
	}
}

/* -- model ------------------------------------------------------------------------------------------------------------------- */

static void read_inputs(struct reader *r, const struct aas_node *n)
{
	struct twin_setup *o = r->out;
	if (!(o->input = keep(r, ARENA_ARRAY(r->a, struct setup_input, MODEL_INPUTS))))
		return;
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next) {
		struct setup_input in = { model_input_find(o->kind, name_of(c)), { NULL, NULL } };
		struct diag_frame frame;
		diag_push(r->d, &frame, name_of(c));
		if (in.input < 0)
			fault(r, "a model of kind %s has no such input", o->kind->name);
		else if (o->n_inputs < MODEL_INPUTS && read_target(r, c, &in.target))
			o->input[o->n_inputs++] = in;
		diag_pop(r->d);
	}
}

/* "SpeedMin", "SpeedMax": what a command or a write may carry as Speed. */
static bool read_limit(struct reader *r, const char *name, double v)
{
	struct twin_setup *o = r->out;
	size_t n = strlen(name), i = 0;
	bool max = n > 3 && str_eq(name + n - 3, "Max");
	if (n < 4 || (!max && !str_eq(name + n - 3, "Min")))
		return fault(r, "a model of kind %s has no such parameter", o->kind ? o->kind->name : "?");
	const char *arg = keep(r, arena_strndup(r->a, name, n - 3));
	if (!arg)
		return false;
	while (i < o->n_limits && !str_eq(o->limit[i].name, arg))
		i++;
	if (i == o->n_limits)
		o->limit[o->n_limits++] = (struct setup_limit){ arg, NAN, NAN };
	*(max ? &o->limit[i].max : &o->limit[i].min) = v;
	return true;
}

static void read_param(struct reader *r, const struct aas_node *c)
{
	const struct model_param *info;
	double v;
	int at = model_param_find(r->out->kind, name_of(c), &info);
	const char *text = aas_is(c, AAS_Property) ? AAS_AT(c, Property, value).str : NULL;
	if (!aas_is(c, AAS_Property))
		fault(r, "a Property is expected");
	else if (text && *text && read_number(r, text, &v)) {
		if (at < 0)
			read_limit(r, name_of(c), v);
		else if (v < info->min || v > info->max)
			fault(r, "%.30s is outside %g .. %g %s", text, info->min, info->max, info->unit);
		else
			r->out->param[at] = v;
	}
}

static void read_params(struct reader *r, const struct aas_node *n)
{
	size_t count = 0;
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next)
		count++;
	if (!(r->out->limit = keep(r, ARENA_ARRAY(r->a, struct setup_limit, count ? count : 1))))
		return;
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next) {
		struct diag_frame frame;
		diag_push(r->d, &frame, name_of(c));
		read_param(r, c);
		diag_pop(r->d);
	}
}

static void read_prediction(struct reader *r, const struct aas_node *n)
{
	struct setup_target t;
	if (aas_is(n, AAS_ReferenceElement) && !AAS_AT(n, ReferenceElement, value).node)
		return;
	if (!read_target(r, n, &t))
		return;
	if (*t.path)
		fault(r, "a reference to a whole submodel is expected");
	else
		r->out->prediction_id = t.submodel_id;
}

struct model_names {
	const char *kind;
};

static const struct field model_kind_fields[] = {
	{ "Kind", TEXT, offsetof(struct model_names, kind), NULL }, { "Inputs", STATUS, 0, NULL }, { "Parameters", STATUS, 0, NULL },
	{ "Residuals", STATUS, 0, NULL }, { "Predicted", STATUS, 0, NULL }, { "HealthIndex", STATUS, 0, NULL },
	{ "State", STATUS, 0, NULL }, { "Memory", STATUS, 0, NULL }, { "Prediction", STATUS, 0, NULL },
};
static const struct {
	const char *name;
	void (*read)(struct reader *, const struct aas_node *);
} model_parts[] = { { "Inputs", read_inputs }, { "Parameters", read_params }, { "Prediction", read_prediction } };

static void model_part(struct reader *r, const struct aas_node *model, size_t part)
{
	for (const struct aas_node *c = aas_first_child(model); c; c = c->next) {
		struct diag_frame frame;
		if (!str_eq(name_of(c), model_parts[part].name))
			continue;
		diag_push(r->d, &frame, name_of(c));
		model_parts[part].read(r, c);
		diag_pop(r->d);
	}
}

static void model_complete(struct reader *r)
{
	struct twin_setup *o = r->out;
	for (size_t i = 0; i < o->kind->n_inputs; i++) {
		size_t k = 0;
		while (k < o->n_inputs && o->input[k].input != (int)i)
			k++;
		if (k == o->n_inputs && o->kind->input[i].role == MODEL_REQUIRED) {
			fault(r, "the input %s is missing", o->kind->input[i].name);
			o->kind = NULL;
			return;
		}
	}
}

/* The kind must be known before inputs and parameters can be read, wherever it stands. */
static void read_model(struct reader *r, const struct aas_node *n)
{
	struct model_names names = { NULL };
	struct diag_frame frame;
	READ_FIELDS(r, n, model_kind_fields, &names);
	diag_push(r->d, &frame, "Kind");
	if (!names.kind)
		fault(r, "has no value");
	else if (!(r->out->kind = model_kind_find(names.kind)))
		fault(r, "there is no model of kind \"%.60s\"", names.kind);
	diag_pop(r->d);
	if (!r->out->kind)
		return;
	model_params_default(r->out->kind, r->out->param);
	for (size_t i = 0; i < sizeof model_parts / sizeof *model_parts; i++)
		model_part(r, n, i);
	model_complete(r);
}

/* -- commands ---------------------------------------------------------------------------------------------------------------- */

static const struct field command_fields[] = {
	{ "Topic", TEXT, offsetof(struct twin_setup, command_topic), NULL },
	{ "Timeout", SPAN, offsetof(struct twin_setup, command_timeout_us), NULL },
};

char *twin_setup_topic(struct arena *a, const char *pattern, const char *operation)
{
	static const char mark[] = "{operation}";
	const char *at = strstr(pattern, mark);
	return at ? arena_printf(a, "%.*s%s%s", (int)(at - pattern), pattern, operation, at + sizeof mark - 1) : arena_strdup(a, pattern);
}

static void read_commands(struct reader *r, const struct aas_node *n)
{
	struct diag_frame frame;
	READ_FIELDS(r, n, command_fields, r->out);
	if (!r->out->command_topic)
		return;
	diag_push(r->d, &frame, "Topic");
	const char *topic = keep(r, twin_setup_topic(r->a, r->out->command_topic, "Write")), *why = topic ? topic_name_fault(topic) : NULL;
	if (why) {
		fault(r, "\"%.60s\" %s", r->out->command_topic, why);
		r->out->command_topic = NULL;
	}
	diag_pop(r->d);
}

/* Every Operation in the tree can be invoked; two rounds: count, then keep. */
static void find_operations(struct reader *r, const struct aas_node *n, bool store)
{
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next) {
		if (!aas_is(c, AAS_Operation)) {
			find_operations(r, c, store);
			continue;
		}
		struct buf path = BUF_INIT;
		aas_path_write(&path, c);
		const char *text = store && r->out->operation ? arena_strndup(r->a, path.p ? path.p : "", path.n) : NULL;
		if (text)
			r->out->operation[r->out->n_operations++] = text;
		else if (!store)
			r->out->n_operations++;
		r->no_memory |= store && !text;
		buf_fini(&path);
	}
}

/* -- the whole --------------------------------------------------------------------------------------------------------------- */

struct top {
	const char *mode;
};

static const struct field top_fields[] = {
	{ "Mode", TEXT, offsetof(struct top, mode), NULL }, { "Connection", STATUS, 0, NULL },
	{ "Links", TREE, 0, read_links }, { "Model", TREE, 0, read_model }, { "Commands", TREE, 0, read_commands },
};

static void read_mode(struct reader *r, const char *mode)
{
	struct diag_frame frame;
	unsigned i = 0;
	while (mode && i < TWIN_N_MODES && !str_eq(mode, twin_mode_name[i]))
		i++;
	if (mode && i < TWIN_N_MODES) {
		r->out->mode = (enum twin_mode)i;
		return;
	}
	diag_push(r->d, &frame, "Mode");
	fault(r, "%s%.40s%s none of shadow, advise, approve, act: shadow holds", mode ? "\"" : "", mode ? mode : "is missing,", mode ? "\" is" : "");
	diag_pop(r->d);
}

bool twin_setup_is(const struct aas_node *sm)
{
	const struct aas_node *ref = aas_is(sm, AAS_Submodel) ? AAS_AT(sm, Submodel, semanticId).node : NULL;
	const struct aas_node *key = ref ? AAS_AT(ref, Reference, keys).node : NULL;
	const char *kind = aas_is(sm, AAS_Submodel) ? aas_enum_text(AAS_ENUM_ModellingKind, AAS_AT(sm, Submodel, kind)) : NULL;
	return key && !key->next && str_eq(AAS_AT(key, Key, value).str, TWIN_SEMANTIC_ID) && !(kind && str_eq(kind, "Template"));
}

enum err twin_setup_read(struct arena *a, const struct aas_node *submodel, struct twin_setup *out, struct diag *d)
{
	struct reader r = { a, d, out, false };
	struct top top = { NULL };
	unsigned before = d->n + d->lost;
	*out = (struct twin_setup){ .mode = TWIN_SHADOW, .command_timeout_us = 5 * US_PER_S };
	READ_FIELDS(&r, submodel, top_fields, &top);
	read_mode(&r, top.mode);
	find_operations(&r, submodel, false);
	out->operation = keep(&r, ARENA_ARRAY(a, const char *, out->n_operations + 1));
	out->n_operations = 0;
	find_operations(&r, submodel, true);
	if (r.no_memory || arena_failed(a))
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	return d->n + d->lost > before ? ERR_BAD_REQUEST : ERR_OK;
}
