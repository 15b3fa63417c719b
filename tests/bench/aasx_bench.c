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
#include "base/file.h"
#include "tests/bench/rate.h"

#define GOAL 0.5

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

/* The bytes that were unpacked. */
static size_t read_bare(struct slice p)
{
	size_t n = 0;
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
		n += st.size;
	}
	zip_discard(z);
	return n;
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

/* Megabytes are those that are unpacked. */
static void measure(const char *name, const char *baseline, struct slice p)
{
	struct rates r;
	if (!read_ours(p))
		return;
	size_t n = read_bare(p);
	for (int i = 0; i < ROUNDS; i++) {
		r.theirs[i] = RATE(n, read_bare(p));
		r.ours[i] = RATE(n, read_ours(p));
	}
	print_row("AASX import", name, baseline, &r, GOAL);
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
			measure(argv[i], "unzip and parse", p);
	}
	for (int xml = 0; argc < 2 && xml < 2; xml++) {
		struct buf b = BUF_INIT;
		make(&b, xml);
		measure(xml ? "1000 properties in XML" : "1000 properties in JSON", xml ? "unzip and SAX2" : "unzip and jansson", buf_view(&b));
		buf_fini(&b);
	}
	arena_free(a);
	return events == 1;
}
