/* SPDX-License-Identifier: Apache-2.0
 * script.h - the .http scripts: requests and what must come back, readable without knowing C.
 *
 *   # title, and comments
 *   needs in-process                               skipped when a server is given (what follows needs our own executor, or an empty server)
 *   each name = A | B                              the whole script once for each, as {$name}, in-process with a fresh server each time
 *   needs shared                                   skipped when the shared test data is not there
 *   METHOD /target [@file] [-> STATUS [check]]     a request begins in the first column; `-> *` takes any status
 *     body line                                    indented: the body, until the line that holds "->"
 *     > Header: value                              a request header
 *     form file=@name [type]                       a multipart body; also form name=text
 *     -> STATUS [check]
 *     = {"idShort":"Speed", *}                     the whole body as JSON; * in an object or array: and more, as a value: anything
 *     messages[0].text ~ "xs:int"                  a part of the body contains this text
 *     result[0].id = "urn:a"                       a part of the body is this JSON (with *); `= absent`: there is no such part
 *     count result = 3                             so many elements
 *     ~ "text"                                     the whole body contains this text
 *     < Location = "/x"                            a header is, or (~) contains, this text; `= absent`
 *     let name = paging_metadata.cursor            remember a text for {$name}; also let name = < Location
 *   until METHOD /target -> STATUS                 asked again and again until that status comes, for ten seconds at most
 *   live SUBMODEL PATH TEXT                        (in-process) a live value, as the engine would set it
 *   operation begun | release | settled            (in-process) wait until an operation Hold is at work; let it end; wait until all have ended
 *
 * Everywhere {b64:TEXT} is base64url of TEXT (braces in it are balanced) and {$name} a remembered text.
 */
#ifndef TESTS_API_SCRIPT_H
#define TESTS_API_SCRIPT_H

#include "base/buf.h"

struct arena;

enum check_kind { CHECK_BODY_IS, CHECK_BODY_HAS, CHECK_PART_IS, CHECK_PART_HAS, CHECK_COUNT, CHECK_HEADER_IS, CHECK_HEADER_HAS,
	CHECK_LET_PART, CHECK_LET_HEADER };

struct check {
	enum check_kind kind;
	const char *what;	/* path or header */
	const char *want;	/* JSON or text, templates not yet filled in; of LET: the name */
	int line;
	struct check *next;
};

struct header {
	const char *line;
	struct header *next;
};

struct field {
	const char *name, *value, *type;	/* value "@file": a file */
	struct field *next;
};

struct step {
	int line;
	const char *method;		/* "live" for a live value, "operation" for the asset */
	const char *target;
	const char *file;		/* NULL: `body` */
	struct buf body;
	struct header *headers;
	struct field *fields;
	bool until;
	int status;			/* -1: any */
	struct check *checks;
	struct step *next;
};

struct script {
	const char *name;		/* "41-value-patch" */
	bool needs_in_process, needs_shared;
	const char *each;		/* NULL, or the name of a variable */
	const char *values[8];		/* NULL at the end; fewer than 8 */
	struct step *steps;
};

/* NULL on a fault, which was printed.  Everything belongs to the arena. */
struct script *script_read(struct arena *, const char *path);

#endif
