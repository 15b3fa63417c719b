/* SPDX-License-Identifier: Apache-2.0
 * check.c - `twinshell check`: every fault of files, structural ones and broken rules, with path and rule.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "aas/rules.h"
#include "aas/xml.h"
#include "base/buf.h"
#include "base/file.h"
#include "server/check_templates.h"
#include "server/client.h"

#define FILE_MAX ((size_t)1 << 30)

struct options {
	unsigned rules;		/* enum aas_rules_flags */
	bool json, profile;
	const char *templates;	/* their directory; NULL: the usual one */
	struct aas_templates known;
};

/* One file.  What is found is written as it comes: there is no bound to it. */
struct report {
	const char *name;
	const struct options *o;
	size_t findings;
};

static void json_member(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, value, strlen(value));
}

static void finding(void *ctx, const struct diag_message *m)
{
	struct report *r = ctx;
	struct buf b = BUF_INIT;
	if (!m->err)		/* strange, but no fault */
		return;
	if (r->o->json) {
		buf_puts(&b, r->findings ? ",\n  {\"path\":" : "\n  {\"path\":");
		buf_json(&b, m->path, strlen(m->path));
		if (m->line)
			buf_printf(&b, ",\"line\":%u", m->line);
		if (m->rule)
			json_member(&b, "rule", m->rule);
		json_member(&b, "text", m->text);
		buf_putc(&b, '}');
		fputs(b.p ? b.p : "", stdout);
	} else {
		printf("%s: %s%s", r->name, m->path, *m->path ? ": " : "");
		printf(m->rule ? "[%s] %s\n" : "%s%s\n", m->rule ? m->rule : "", m->text);
	}
	buf_fini(&b);
	r->findings++;
}

/* The format is told by the first bytes, not by the file's name.  *environment is NULL when nothing could be read. */
static enum err read_any(struct arena *a, struct slice bytes, struct aas_node **environment, struct diag *d)
{
	*environment = NULL;
	if (aasx_is(bytes.p, bytes.n)) {
		struct aasx package;
		enum err e = aasx_read(a, bytes.p, bytes.n, &package, d);
		if (!e || e == ERR_BAD_REQUEST)
			*environment = package.environment;
		return e;
	}
	if (aas_xml_is(bytes.p, bytes.n))
		return aas_xml_collect(a, AAS_Environment, bytes.p, bytes.n, environment, d);
	return aas_json_read(a, AAS_Environment, bytes.p, bytes.n, AAS_JSON_COLLECT, environment, d);
}

static size_t count(const struct aas_node *n)
{
	size_t k = 0;
	for (; n; n = n->next)
		k++;
	return k;
}

static void fine(const struct report *r, const struct aas_node *env)
{
	size_t shells = count(AAS_AT(env, Environment, assetAdministrationShells).node);
	size_t submodels = count(AAS_AT(env, Environment, submodels).node);
	size_t concepts = count(AAS_AT(env, Environment, conceptDescriptions).node);
	printf(r->o->json ? "],\"shells\":%zu,\"submodels\":%zu,\"conceptDescriptions\":%zu}" :
			    "ok (%zu shells, %zu submodels, %zu concept descriptions)\n", shells, submodels, concepts);
}

static int check_bytes(struct report *r, struct arena *a, struct slice bytes, struct diag *d)
{
	struct aas_node *env;
	enum err e = read_any(a, bytes, &env, d), broken = ERR_OK;
	if (env)
		broken = aas_rules_check(env, r->o->rules, d);
	if (env && r->o->profile && aas_templates_check(&r->o->known, env, d))
		broken = ERR_BAD_REQUEST;
	if ((e || broken) && !r->findings)
		diag_add(d, e ? e : broken, "%s", err_info[e ? e : broken].text);
	if (r->o->json && (e || broken))
		fputs("\n]}", stdout);
	if (e || broken)
		return EX_DATAERR;
	if (!r->o->json)
		printf("%s: ", r->name);
	fine(r, env);
	return EX_OK;
}

static int check_file(const char *name, const struct options *o, bool first)
{
	struct report r = { .name = name, .o = o };
	struct diag d = DIAG_INIT;
	struct slice bytes = { NULL, 0 };
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	int status = EX_NOINPUT;
	enum err e = a ? file_read(a, name, FILE_MAX, &bytes, &d) : ERR_NO_MEMORY;
	if (e) {
		fprintf(stderr, "%s%s%s\n", d.n ? "" : name, d.n ? "" : ": ", d.n ? d.list[0].text : err_info[e].text);
	} else {
		if (o->json) {
			buf_puts(&b, first ? "\n {\"file\":" : ",\n {\"file\":");
			buf_json(&b, name, strlen(name));
			buf_puts(&b, ",\"findings\":[");
			fputs(b.p ? b.p : "", stdout);
		}
		d.sink = finding;
		d.ctx = &r;
		status = check_bytes(&r, a, bytes, &d);
	}
	buf_fini(&b);
	diag_fini(&d);
	arena_free(a);
	return status;
}

static void usage(const char *why, const char *word)
{
	if (why)
		fprintf(stderr, "twinshell: %s \"%s\"\n", why, word);
	fputs("usage: twinshell check [--strict] [--version 3.0|3.1] [--profile templates[=DIR]] [--json] FILE...\n", stderr);
}

static bool take_version(struct options *o, const char *word)
{
	if (str_eq(word, "3.0"))
		o->rules |= AAS_RULES_V30;
	return str_eq(word, "3.0") || str_eq(word, "3.1");
}

static bool take_profile(struct options *o, const char *word)
{
	static const char name[] = "templates";
	size_t n = sizeof name - 1;
	o->profile = !strncmp(word, name, n) && (!word[n] || (word[n] == '=' && word[n + 1]));
	o->templates = o->profile && word[n] ? word + n + 1 : NULL;
	return o->profile;
}

/* Options may stand anywhere; the files are moved to the front of argv.  Their number, or -1 after a message. */
static int take_options(struct options *o, int argc, char **argv)
{
	int files = 0;
	for (int i = 0; i < argc; i++) {
		if (argv[i][0] != '-')
			argv[files++] = argv[i];
		else if (str_eq(argv[i], "--strict"))
			o->rules |= AAS_RULES_STRICT;
		else if (str_eq(argv[i], "--json"))
			o->json = true;
		else if (str_eq(argv[i], "--profile")) {
			if (!take_profile(o, ++i < argc ? argv[i] : ""))
				return usage("--profile is templates or templates=DIR, not", i < argc ? argv[i] : ""), -1;
		} else if (!str_eq(argv[i], "--version"))
			return usage("there is no option", argv[i]), -1;
		else if (!take_version(o, ++i < argc ? argv[i] : ""))
			return usage("--version is 3.0 or 3.1, not", i < argc ? argv[i] : ""), -1;
	}
	return files ? files : (usage(NULL, NULL), -1);
}

static int check_all(const struct options *o, int n, char **name)
{
	int status = EX_OK;
	bool first = true;
	if (o->json)
		putchar('[');
	for (int i = 0; i < n; i++) {
		int s = check_file(name[i], o, first);
		first = first && s == EX_NOINPUT;
		if (s > status)
			status = s;
	}
	if (o->json)
		puts("\n]");
	return status;
}

int check_files(int argc, char **argv)
{
	struct options o = { .rules = AAS_RULES_LENIENT };
	struct diag d = DIAG_INIT;
	struct arena *a = NULL;
	int files = take_options(&o, argc, argv), status;
	enum err e = ERR_OK;
	if (files < 0)
		return EX_USAGE;
	if (o.profile)
		e = (a = arena_new(0)) ? check_templates_read(a, o.templates, &o.known, &d) : ERR_NO_MEMORY;
	if (e)
		fprintf(stderr, "twinshell: %s\n", d.n ? d.list[0].text : err_info[e].text);
	status = e ? EX_NOINPUT : check_all(&o, files, argv);
	diag_fini(&d);
	arena_free(a);
	return status;
}
