/* SPDX-License-Identifier: Apache-2.0
 * How fast a package becomes trees, as a ratio to unzipping it with libzip and parsing its spec without doing anything: XML with
 * libxml2's SAX2 interface, JSON with jansson.  We check names, headers, checksums and the metamodel besides.
 * Usage: aasx_bench [FILE.aasx ...]; without files, packages are made up. */
#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/SAX2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "base/clock.h"
#include "base/file.h"

#define ROUNDS 5
#define ROUND_US 100000

static unsigned long events;

static void on_start(void *c, const xmlChar *n, const xmlChar *p, const xmlChar *u, int nn, const xmlChar **ns, int na, int nd, const xmlChar **a)
{
	(void)c, (void)n, (void)p, (void)u, (void)nn, (void)ns, (void)na, (void)nd, (void)a;
	events++;
}

static void on_end(void *c, const xmlChar *n, const xmlChar *p, const xmlChar *u)
{
	(void)c, (void)n, (void)p, (void)u;
	events++;
}

static void on_text(void *c, const xmlChar *t, int n)
{
	(void)c, (void)t;
	events += (unsigned)n;
}

static void parse(const char *name, const char *text, size_t n)
{
	xmlSAXHandler h = { .initialized = XML_SAX2_MAGIC, .startElementNs = on_start, .endElementNs = on_end, .characters = on_text };
	size_t len = strlen(name);
	if (len > 5 && !strcmp(name + len - 5, ".json")) {
		json_t *j = json_loadb(text, n, 0, NULL);
		if (!j)
			abort();
		json_decref(j);
	} else if ((len > 4 && !strcmp(name + len - 4, ".xml")) || (len > 5 && !strcmp(name + len - 5, ".rels"))) {
		if (xmlSAXUserParseMemory(&h, NULL, text, (int)n))
			abort();
	}
}

static void read_bare(struct slice p)
{
	zip_error_t e;
	zip_error_init(&e);
	zip_t *z = zip_open_from_source(zip_source_buffer_create(p.p, p.n, 0, &e), ZIP_RDONLY, &e);
	for (zip_int64_t i = 0; i < zip_get_num_entries(z, 0); i++) {
		zip_stat_t st;
		zip_stat_index(z, (zip_uint64_t)i, 0, &st);
		char *text = malloc(st.size + 1);
		zip_file_t *f = zip_fopen_index(z, (zip_uint64_t)i, 0);
		if (zip_fread(f, text, st.size) != (zip_int64_t)st.size)
			abort();
		zip_fclose(f);
		parse(st.name, text, st.size);
		free(text);
	}
	zip_discard(z);
}

static bool read_ours(struct slice p)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aasx x;
	char why[1100];
	bool ok = !aasx_read(a, p.p, p.n, &x, &d);
	if (!ok)
		printf("not read: %s\n", diag_first(&d, why, sizeof why));
	diag_fini(&d);
	arena_free(a);
	return ok;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Calls a second, over about ROUND_US. */
#define RATE(call) ({ \
	int64_t from_ = clock_mono_us(), us_; \
	size_t times_ = 0; \
	do { call; times_++; } while ((us_ = clock_mono_us() - from_) < ROUND_US); \
	(double)times_ * 1e6 / (double)us_; })

static void measure(const char *name, struct slice p)
{
	double bare[ROUNDS], ours[ROUNDS], ratio[ROUNDS];
	if (!read_ours(p))
		return;
	for (int i = 0; i < ROUNDS; i++) {	/* interleaved, so that a slow moment of the machine hits both */
		bare[i] = RATE(read_bare(p));
		ours[i] = RATE(read_ours(p));
		ratio[i] = ours[i] / bare[i];
	}
	qsort(bare, ROUNDS, sizeof *bare, by_value);
	qsort(ours, ROUNDS, sizeof *ours, by_value);
	qsort(ratio, ROUNDS, sizeof *ratio, by_value);
	const char *base = strrchr(name, '/');
	printf("%-40s %8zu bytes  read %7.0f/s = %4.2f x unzip and bare parse (%.0f/s)\n", base ? base + 1 : name, p.n, ours[ROUNDS / 2],
	       ratio[ROUNDS / 2], bare[ROUNDS / 2]);
}

/* -- made up ------------------------------------------------------------------------------------------------------------------------ */

static void put_property(struct buf *b, bool xml, int i)
{
	buf_printf(b, xml ? "<property><idShort>Measurement%d</idShort><semanticId><type>ExternalReference</type><keys><key><type>GlobalReference</type>"
			    "<value>0173-1#02-AAO%03d#002</value></key></keys></semanticId><valueType>xs:double</valueType><value>%d.%04d</value></property>"
			  : "{\"modelType\":\"Property\",\"idShort\":\"Measurement%d\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":"
			    "\"GlobalReference\",\"value\":\"0173-1#02-AAO%03d#002\"}]},\"valueType\":\"xs:double\",\"value\":\"%d.%04d\"}", i, i % 1000, i, i);
}

static enum err put(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)d;
	buf_put(ctx, p, n);
	return ERR_OK;
}

#define XML_HEAD "<?xml version=\"1.0\"?>\n"
#define RELS(type, target) XML_HEAD "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"R1\" " \
	"Type=\"http://admin-shell.io/aasx/relationships/" type "\" Target=\"" target "\"/></Relationships>"

static void make(struct buf *out, bool xml)
{
	struct sink sink = { put, out };
	struct buf b = BUF_INIT;
	struct zip_out *z;
	buf_puts(&b, xml ? XML_HEAD "<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels><submodel><id>urn:a</id><submodelElements>"
			 : "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:a\",\"submodelElements\":[");
	for (int i = 0; i < 1000; i++) {
		buf_puts(&b, i && !xml ? "," : "");
		put_property(&b, xml, i);
	}
	buf_puts(&b, xml ? "</submodelElements></submodel></submodels></environment>" : "]}]}");
	if (zip_out_new(sink, &z) ||
	    zip_out_bytes(z, "[Content_Types].xml", SLICE(XML_HEAD "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"), NULL) ||
	    zip_out_bytes(z, "_rels/.rels", SLICE(RELS("aasx-origin", "/aasx/aasx-origin")), NULL) ||
	    zip_out_bytes(z, "aasx/_rels/aasx-origin.rels", xml ? SLICE(RELS("aas-spec", "data.xml")) : SLICE(RELS("aas-spec", "data.json")), NULL) ||
	    zip_out_bytes(z, xml ? "aasx/data.xml" : "aasx/data.json", buf_view(&b), NULL) || zip_out_end(z, NULL))
		abort();
	zip_out_free(z);
	buf_fini(&b);
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new(0);
	xmlInitParser();
	for (int i = 1; i < argc; i++) {
		struct slice p;
		if (!file_read(a, argv[i], (size_t)256 << 20, &p, NULL))
			measure(argv[i], p);
	}
	for (int xml = 0; argc < 2 && xml < 2; xml++) {
		struct buf b = BUF_INIT;
		make(&b, xml);
		measure(xml ? "1000 properties in XML" : "1000 properties in JSON", buf_view(&b));
		buf_fini(&b);
	}
	arena_free(a);
	return events == 1;
}
