/* SPDX-License-Identifier: Apache-2.0
 * How fast AAS XML is read and written, as a ratio to a bare SAX2 parse of the same bytes by libxml2 in the same run: three callbacks
 * that do nothing, no tree, no checks.  Usage: xml_bench [FILE ...]; without files, a made-up environment is used. */
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aas/xml.h"
#include "base/file.h"
#include "tests/bench/rate.h"

#define GOAL 0.6	/* of reading */

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

static void measure(const struct sample *s)
{
	struct rates read, write;
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_node *n;
	char text[1100];
	if (aas_xml_read(a, s->text, s->n, &n, &d)) {
		printf("%s: %s\n", s->name, diag_first(&d, text, sizeof text));
		goto out;
	}
	size_t size = write_ours(n);
	for (int i = 0; i < ROUNDS; i++) {
		write.theirs[i] = read.theirs[i] = RATE(s->n, read_bare(s));
		read.ours[i] = RATE(s->n, read_ours(s));
		write.ours[i] = RATE(size, write_ours(n));
	}
	print_row("XML read", s->name, "libxml2 SAX2", &read, GOAL);
	print_row("XML write", s->name, "libxml2 SAX2", &write, 0);
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
