/* SPDX-License-Identifier: Apache-2.0
 * aasx.h - AASX packages (IDTA-01005): an OPC (ECMA-376 part 2) ZIP with JSON or XML parts and supplementary files.
 *
 * Reading is bounded: number of entries, size of each part, total size, compression ratio.  Path traversal, absolute and external
 * targets, duplicate parts, encrypted entries, headers that contradict the directory are refused with a message that names the part.
 * Specs are united by id: JSON counts before XML, two different shells or submodels with one id are refused, of two concept
 * descriptions the first is taken.  The first fault ends the reading.  For a diag that has a sink every spec is read to its end and all
 * faults are told; then the result is ERR_BAD_REQUEST all the same, and *out is what could be read, without the bytes of files: required
 * attributes may be absent, texts wrong.  The frame of a spec is a part (diag_push_part).  One thread at a time.
 */
#ifndef AAS_AASX_H
#define AAS_AASX_H

#include "aas/metamodel.h"
#include "aas/v30.h"
#include "aas/zip.h"

#define AASX_SPEC_MAX ((size_t)256 << 20)	/* bytes of one environment, unpacked */
#define AASX_HELD_MAX ((size_t)256 << 20)	/* bytes of all files that aasx_read holds in memory */

/* -- reading ---------------------------------------------------------------------------------------------------------------- */

struct aasx_file {
	const char *path;		/* "/aasx/files/manual.pdf": as File.value names it (one entry per such name, the bytes are
					 * shared), or the part name when no File does */
	const char *content_type;
	struct slice bytes;		/* absent (p is NULL) after aasx_open */
	const struct zip_entry *part;	/* its name in the package, and its size */
	struct aasx_file *next;
};

/* Where an identifiable of the environment comes from. */
struct aasx_item {
	const struct aas_node *node;
	const char *part;		/* the spec, */
	size_t index;			/* and where in its list */
	const struct aasx_item *next;
};

struct aasx {
	struct aas_node *environment;	/* all specs merged: shells, submodels, concept descriptions */
	struct aasx_file *files;	/* supplementary files, and the thumbnail */
	const char *thumbnail;		/* path of the package's thumbnail, or NULL */
	struct zip_file *archive;	/* after aasx_open: where the files are read from; else NULL */
	const struct aasx_item *items[3];	/* of each list of the environment, in the same order; NULL where there is no package */
};

bool aasx_is(const void *bytes, size_t n);	/* begins like a ZIP file */

/* The whole package, with its files in memory: ERR_TOO_LARGE, before any of them is unpacked, when they have more than AASX_HELD_MAX
 * bytes.  Everything in *out belongs to the arena, nothing refers to `bytes` afterwards. */
enum err aasx_read(struct arena *, const void *bytes, size_t n, struct aasx *out, struct diag *);

/* The same with the files left in the package, which is read where it is: a file of any size is then read in pieces by
 * zip_stream_open(aasx_archive(r), file->part, ...).  What `from` refers to must live until aasx_close. */
struct aasx_reader;
enum err aasx_open(struct arena *, const struct zip_bytes *from, struct aasx_reader **, struct aasx *out, struct diag *);
struct zip_file *aasx_archive(struct aasx_reader *);
void aasx_close(struct aasx_reader *);		/* NULL is allowed */

/* -- writing ----------------------------------------------------------------------------------------------------------------- */

enum aasx_form { AASX_JSON, AASX_XML, AASX_N_FORMS };	/* how the environment is written */

/* A file of the package: bytes in memory, or (bytes.p is NULL) read in pieces, one file after the other. */
struct aasx_part {
	const char *owner;		/* id of the submodel whose File elements name it, of the shell whose default thumbnail does; NULL: all */
	enum aas_class_id owner_class;	/* AAS_Submodel or AAS_AssetAdministrationShell */
	const char *value;		/* as they name it */
	const char *content_type;	/* NULL or no media type: application/octet-stream */
	const char *file_name;		/* for the part's name, where `value` cannot be it; may be NULL */
	const struct aasx_part *same;	/* an earlier one that has the same bytes: both name one part; NULL: none */
	struct slice bytes;
	struct source input;
};

/* Identifiables that are never in memory all at once: `each` gives one after the other, in the order of the lists of an environment, to `take`,
 * which may change it and keeps nothing of it.  The first error ends it and is its result. */
struct aasx_items {
	enum err (*each)(void *ctx, enum err (*take)(void *to, struct aas_node *identifiable, struct diag *), void *to, struct diag *);
	void *ctx;
};

struct aasx_content {
	enum aasx_form form;
	struct aas_node *environment;	/* NULL: `items` */
	const struct aasx_part *part;
	size_t n;
	const struct aasx_part *thumbnail;	/* of the package: one of them, or NULL */
	enum aas_version version;	/* for V3.0 nothing but the namespace of XML is different (v30.h) */
	struct aasx_items items;	/* walked over once, after everything has been named */
};

/* Equal input gives equal bytes.  A part is named by its value, where that is a relative reference to a free part name; else it gets a
 * name below /aasx/files/, and the File elements and thumbnails of its owner are changed to it: that is why the environment must be
 * the caller's own.  The arena is for what they then say.  Errors: those of the sink and of the inputs; ERR_TOO_LARGE beyond
 * the bounds of zip.h. */
enum err aasx_write(struct arena *, struct sink, const struct aasx_content *, struct diag *);

#endif
