/* SPDX-License-Identifier: Apache-2.0
 * check_templates.h - the published submodel templates that `twinshell check` compares with, from a directory.
 */
#ifndef SERVER_CHECK_TEMPLATES_H
#define SERVER_CHECK_TEMPLATES_H

#include "aas/template.h"

/* The submodels of the kind Template in all files DIR/NAME.json, in the order of the names; faults in them do not matter as long as they can be
 * read.  `dir` NULL: that of the environment variable TWINSHELL_TEMPLATES, or else of the installation.  ERR_IO and ERR_BAD_REQUEST name
 * the file or directory; a directory without any template is ERR_NOT_FOUND. */
enum err check_templates_read(struct arena *, const char *dir, struct aas_templates *, struct diag *);

#endif
