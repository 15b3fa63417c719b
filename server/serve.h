/* SPDX-License-Identifier: Apache-2.0
 * serve.h - `twinshell serve`: builds the house from its rooms, runs it until a signal comes, and takes it down in the reverse order.
 */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

int serve(int argc, char **argv);	/* the words after `serve`; a status of sysexits.h */

#endif
