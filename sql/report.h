/* SPDX-License-Identifier: Apache-2.0
 * report.h - views of the schema report that are made for a type of submodel: one row per submodel, one typed column per element.
 *
 * The work is done by functions of the schema (twinshell.create_typed_view), so that it can be done with SQL alone as well.
 */
#ifndef SQL_REPORT_H
#define SQL_REPORT_H

#include "base/arena.h"
#include "base/diag.h"

#define PG_REPORT_COLUMNS 200	/* of elements, in one view */

struct pg_report_view {
	const char *semantic_id;
	const char *name;	/* NULL: that of its view, or else after the idShort of the submodels */
	int columns;		/* the most, 1 to PG_REPORT_COLUMNS */
	bool replace;		/* its columns may change; what depends on the view must be gone */
};

/* All: *line is a text for people in the arena, one line or several, each ended.  ERR_UNAVAILABLE: no such database.  ERR_PRECONDITION: the
 * schema has no such views, because no server of this version has used it.  ERR_BAD_REQUEST: it is refused; the diag says why. */
enum err pg_report_create(const char *conninfo, struct arena *, const struct pg_report_view *, const char **line, struct diag *);
enum err pg_report_drop(const char *conninfo, struct arena *, const char *name, const char **line, struct diag *);
enum err pg_report_list(const char *conninfo, struct arena *, const char **lines, struct diag *);

#endif
