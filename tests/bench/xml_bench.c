/* SPDX-License-Identifier: Apache-2.0
 * How fast AAS XML is read and written, as a ratio to a bare SAX2 parse of the same bytes by libxml2 in the same run: three callbacks
 * that do nothing, no tree, no checks.  Usage: xml_bench [FILE ...]; without files, a made-up environment is used. */
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aas/xml.h"
#include "base/clock.h"
#include "base/file.h"

#define ROUNDS 5
#define ROUND_US 100000

struct sample {
	const char *name;
	const char *text;
	size_t n;
};

#define REFERENCE(b, name, fmt, ...) \
	buf_printf(b, "<" name "><type>ExternalReference</type><keys><key><type>GlobalReference</type><value>" fmt "</value></key></keys></" name ">", \
		   __VA_ARGS__)

/* One submodel of 10 collections of 9 properties, as repetitive as such documents are. */
static void make_environment(struct buf *b)
{
	buf_puts(b, AAS_XML_DECLARATION);
	buf_printf(b, "<environment xmlns=\"%s\"><submodels><submodel><idShort>OperationalData</idShort>", aas_xml_namespace(AAS_V3_1));
	buf_puts(b, "<id>https://example.com/ids/sm/4711</id><kind>Instance</kind>");
	REFERENCE(b, "semanticId", "https://example.com/sem/operational-data/%d/0", 1);
	buf_puts(b, "<submodelElements>");
	for (int i = 0; i < 10; i++) {
		buf_printf(b, "<submodelElementCollection><idShort>Group%d</idShort>", i);
		REFERENCE(b, "semanticId", "0173-1#01-AHX%03d#001", i);
		buf_puts(b, "<value>");
		for (int j = 0; j < 9; j++) {
			buf_printf(b, "<property><idShort>Measurement%d</idShort>", j);
			REFERENCE(b, "semanticId", "0173-1#02-AAO%03d#002", j);
			buf_printf(b, "<valueType>xs:double</valueType><value>%d.%04d</value></property>", i * 9 + j, j * 1111);
		}
		buf_puts(b, "</value></submodelElementCollection>");
	}
	buf_puts(b, "</submodelElements></submodel></submodels></environment>");
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_ns, const xmlChar **ns, int n, int n_default,
		     const xmlChar **attributes)
{
	(void)ctx, (void)name, (void)prefix, (void)uri, (void)n_ns, (void)ns, (void)n, (void)n_default, (void)attributes;
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	(void)ctx, (void)name, (void)prefix, (void)uri;
}

static void on_text(void *ctx, const xmlChar *text, int n)
{
	(void)ctx, (void)text, (void)n;
}

static void read_bare(const struct sample *s)
{
	xmlSAXHandler h = { .initialized = XML_SAX2_MAGIC, .startElementNs = on_start, .endElementNs = on_end, .characters = on_text };
	if (xmlSAXUserParseMemory(&h, NULL, s->text, (int)s->n))
		abort();
}

static void read_ours(const struct sample *s)
{
	struct arena *a = arena_new(0);
	struct aas_node *n;
	if (aas_xml_read(a, s->text, s->n, &n, NULL))
		abort();
	arena_free(a);
}

static size_t write_ours(const struct aas_node *n)
{
	struct buf b = BUF_INIT;
	aas_xml_write(&b, n, AAS_V3_1);
	if (b.failed)
		abort();
	size_t size = b.n;
	buf_fini(&b);
	return size;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Megabytes per second of `call`, over about ROUND_US. */
#define RATE(bytes, call) ({ \
	int64_t from_ = clock_mono_us(), us_; \
	size_t times_ = 0; \
	do { call; times_++; } while ((us_ = clock_mono_us() - from_) < ROUND_US); \
	(double)(bytes) * (double)times_ / (double)us_; })

static void measure(const struct sample *s)
{
	double rate[3][ROUNDS], ratio[2][ROUNDS];
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_node *n;
	char text[1100];
	if (aas_xml_read(a, s->text, s->n, &n, &d)) {
		printf("%s: %s\n", s->name, diag_first(&d, text, sizeof text));
		goto out;
	}
	size_t size = write_ours(n);
	for (int i = 0; i < ROUNDS; i++) {	/* interleaved, so that a slow moment of the machine hits all */
		rate[0][i] = RATE(s->n, read_bare(s));
		rate[1][i] = RATE(s->n, read_ours(s));
		rate[2][i] = RATE(size, write_ours(n));
		ratio[0][i] = rate[1][i] / rate[0][i];
		ratio[1][i] = rate[2][i] / rate[0][i];
	}
	for (int i = 0; i < 3; i++)
		qsort(rate[i], ROUNDS, sizeof rate[i][0], by_value);
	for (int i = 0; i < 2; i++)
		qsort(ratio[i], ROUNDS, sizeof ratio[i][0], by_value);
	int m = ROUNDS / 2;
	printf("%-40s %8zu bytes  read %6.0f MB/s = %5.2f x bare SAX2 (%.0f)  write %6.0f MB/s = %5.2f x bare SAX2\n", s->name, s->n, rate[1][m],
	       ratio[0][m], rate[0][m], rate[2][m], ratio[1][m]);
out:
	diag_fini(&d);
	arena_free(a);
}

int main(int argc, char **argv)
{
	struct buf b = BUF_INIT;
	struct arena *a = arena_new((size_t)1 << 31);
	struct slice text;
	xmlInitParser();
	if (argc < 2) {
		make_environment(&b);
		measure(&(struct sample){ "environment of 100 elements", b.p, b.n });
	}
	for (int i = 1; i < argc; i++)
		if (!file_read(a, argv[i], (size_t)1 << 30, &text, NULL))
			measure(&(struct sample){ argv[i], text.p, text.n });
	buf_fini(&b);
	arena_free(a);
	return 0;
}
