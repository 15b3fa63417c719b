/* SPDX-License-Identifier: Apache-2.0
 * How fast AAS JSON is read, written and checked (read, and all rules), as a ratio to a bare jansson parse and dump of the same bytes
 * in the same run.  The reader validates, jansson does not.  Usage: json_bench [FILE ...]; without files, a made-up submodel is used. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aas/json.h"
#include "aas/rules.h"
#include "tests/bench/rate.h"

#define GOAL 8.0	/* of reading and of writing */

struct sample {
	const char *name;
	const char *text;
	size_t n;
};

/* One submodel of 10 collections of 9 properties, as repetitive as such documents are; `last`: modelType at the end. */
static void make_submodel(struct buf *b, bool last)
{
	const char *first = last ? "" : "\"modelType\":\"%s\",", *end = last ? ",\"modelType\":\"%s\"" : "";
	buf_puts(b, "{");
	buf_printf(b, first, "Submodel");
	buf_puts(b, "\"id\":\"https://example.com/ids/sm/4711\",\"idShort\":\"OperationalData\",\"kind\":\"Instance\",\"semanticId\":{\"type\":"
		    "\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"https://example.com/sem/operational-data/1/0\"}]},"
		    "\"submodelElements\":[");
	for (int i = 0; i < 10; i++) {
		buf_puts(b, i ? ",{" : "{");
		buf_printf(b, first, "SubmodelElementCollection");
		buf_printf(b, "\"idShort\":\"Group%d\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\","
			      "\"value\":\"0173-1#01-AHX%03d#001\"}]},\"value\":[", i, i);
		for (int j = 0; j < 9; j++) {
			buf_puts(b, j ? ",{" : "{");
			buf_printf(b, first, "Property");
			buf_printf(b, "\"idShort\":\"Measurement%d\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":"
				      "\"GlobalReference\",\"value\":\"0173-1#02-AAO%03d#002\"}]},\"valueType\":\"xs:double\","
				      "\"value\":\"%d.%04d\"", j, j, i * 9 + j, j * 1111);
			buf_printf(b, end, "Property");
			buf_puts(b, "}");
		}
		buf_puts(b, "]");
		buf_printf(b, end, "SubmodelElementCollection");
		buf_puts(b, "}");
	}
	buf_puts(b, "]");
	buf_printf(b, end, "Submodel");
	buf_puts(b, "}");
}

static unsigned type_of(const struct sample *s)
{
	struct arena *a = arena_new(0);
	struct aas_node *n;
	struct diag d = DIAG_INIT;
	char text[1100];
	unsigned type = AAS_Environment;
	if (aas_json_read(a, type, s->text, s->n, 0, &n, &d)) {
		diag_first(&d, text, sizeof text);
		diag_clear(&d);
		if (aas_json_read(a, type = AAS_Submodel, s->text, s->n, 0, &n, &d)) {
			printf("%s is not read as an Environment: %s\n", s->name, text);
			type = AAS_N_CLASSES;
		}
	}
	diag_fini(&d);
	arena_free(a);
	return type;
}

static void read_ours(const struct sample *s, unsigned type)
{
	struct arena *a = arena_new(0);
	struct aas_node *n;
	if (aas_json_read(a, type, s->text, s->n, 0, &n, NULL))
		abort();
	arena_free(a);
}

static void check_ours(const struct sample *s, unsigned type)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_node *n;
	if (aas_json_read(a, type, s->text, s->n, AAS_JSON_COLLECT, &n, &d))
		abort();
	aas_rules_check(n, AAS_RULES_LENIENT, &d);
	diag_fini(&d);
	arena_free(a);
}

static void read_jansson(const struct sample *s)
{
	json_t *j = json_loadb(s->text, s->n, 0, NULL);
	if (!j)
		abort();
	json_decref(j);
}

static void write_ours(const struct aas_node *n)
{
	struct buf b = BUF_INIT;
	aas_json_write(&b, n);
	if (b.failed)
		abort();
	buf_fini(&b);
}

static void write_jansson(const json_t *j)
{
	char *p = json_dumps(j, JSON_COMPACT);
	if (!p)
		abort();
	free(p);
}

static void measure(const struct sample *s, unsigned type)
{
	struct rates read, write, check;
	struct arena *a = arena_new(0);
	struct aas_node *n;
	json_t *j = json_loadb(s->text, s->n, 0, NULL);
	if (!j || aas_json_read(a, type, s->text, s->n, 0, &n, NULL))
		abort();
	for (int i = 0; i < ROUNDS; i++) {
		check.theirs[i] = read.theirs[i] = RATE(s->n, read_jansson(s));
		read.ours[i] = RATE(s->n, read_ours(s, type));
		check.ours[i] = RATE(s->n, check_ours(s, type));
		write.theirs[i] = RATE(s->n, write_jansson(j));
		write.ours[i] = RATE(s->n, write_ours(n));
	}
	print_row("check", s->name, "jansson parse", &check, 0);
	print_row("JSON read", s->name, "jansson parse", &read, GOAL);
	print_row("JSON write", s->name, "jansson dump", &write, GOAL);
	json_decref(j);
	arena_free(a);
}

int main(int argc, char **argv)
{
	struct buf b = BUF_INIT;
	for (int i = argc > 1 ? 1 : -1; i < (argc > 1 ? argc : 1); i++) {
		struct sample s = { i < 0 ? "submodel, modelType first" : i == 0 ? "submodel, modelType last" : argv[i], NULL, 0 };
		buf_reset(&b);
		if (i > 0) {
			FILE *f = fopen(argv[i], "rb");
			char block[65536];
			for (size_t k; f && (k = fread(block, 1, sizeof block, f));)
				buf_put(&b, block, k);
			if (f)
				fclose(f);
		} else {
			make_submodel(&b, i == 0);
		}
		s.text = b.p;
		s.n = b.n;
		unsigned type = s.n ? type_of(&s) : AAS_N_CLASSES;
		if (type < AAS_N_CLASSES)
			measure(&s, type);
	}
	buf_fini(&b);
	return 0;
}
