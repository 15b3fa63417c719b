/* SPDX-License-Identifier: Apache-2.0
 * main.c - the program `twinshell`: its subcommands.  `serve` is in serve.c.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "examples/pump_station/asset.h"
#include "server/client.h"
#include "server/config.h"
#include "server/serve.h"

static int version(int argc, char **argv)
{
	if (argc) {
		fprintf(stderr, "twinshell: there is no use for the word \"%s\"\nusage: twinshell version\n", argv[0]);
		return EX_USAGE;
	}
	puts(PACKAGE_STRING);
	puts("AAS metamodel V3.1 (IDTA-01001), AAS API V3.1 (IDTA-01002), AASX V3.1 (IDTA-01005)");
	return EX_OK;
}

static int asset(int argc, char **argv)
{
	if (argc && !strcmp(argv[0], "pump-station"))
		return asset_pump_station(argc, argv);
	if (argc)
		fprintf(stderr, "twinshell: there is no asset \"%s\"\n", argv[0]);
	fputs("usage: twinshell asset pump-station [OPTION]...\n"
	      "Plays an asset: a separate process that speaks only MQTT. See `twinshell asset pump-station --help`.\n", stderr);
	return EX_USAGE;
}

#define CLIENT_STATUS \
	"Exit status 0: done; 64: wrong words; 65: the data is refused; 66: a file cannot be read; 69: no such server, or it is\n" \
	"busy; 70: the server failed; 73, 74: a file cannot be written.\n"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);	/* the words after the name; a status of sysexits.h */
	const char *arguments, *text, *more;
} commands[] = {
	{ "serve", serve, "[OPTION]...", "run the server", NULL },
	{ "import", client_import, "[--url URL] [--ignore-duplicates | --replace] [--dry-run] [--jobs N] [--journal FILE]\n"
		"                        [--progress | --no-progress] PATH...",
	  "load AASX, JSON or XML files into a running server",
	  "  --url URL             the server (http://127.0.0.1:8080)\n"
	  "  --ignore-duplicates   leave what the server has already as it is\n"
	  "  --replace             replace it\n"
	  "  --dry-run             only say what would be done; nothing is written\n"
	  "  --jobs N              files that are sent at the same time (2)\n"
	  "  --journal FILE        note each file that the server has taken, and leave out those that are noted and have not changed since\n"
	  "  --progress            show a bar on standard error with rate and time left, also when that is no terminal; --no-progress: never\n\n"
	  "Of a directory all .aasx, .json and .xml files below it are taken, in the order of their names.  A file is imported whole or not at\n"
	  "all; one line per file says what came of it, for many files a terminal shows the bar instead.  Of a file that is refused every fault is\n"
	  "told, with its part of the package, its place and its rule.  An import that was interrupted is gone on with by the same words: what the\n"
	  "journal has is left out, and --ignore-duplicates or --replace do no harm to what was done just before the end.\n" CLIENT_STATUS },
	{ "export", client_export, "[--url URL] [--format json|xml|aasx] [--output FILE | --split DIR] [--progress | --no-progress]",
	  "save what a running server holds: FILE.aasx with all files, FILE.xml, else JSON",
	  "  --url URL             the server (http://127.0.0.1:8080)\n"
	  "  --output FILE         where to; standard output when not given\n"
	  "  --split DIR           a JSON file for each shell, with its submodels and their concept descriptions, all as of one moment.  What no\n"
	  "                        shell refers to is not there.  The same words go on with a run that was interrupted\n"
	  "  --format FORMAT       json, xml or aasx, whatever the name says.  With --split, aasx: packages with the stored files and thumbnails,\n"
	  "                        each as its shell is when it is written, which an import gives back\n"
	  "  --progress            show a bar on standard error, also when that is no terminal; --no-progress: never\n\n"
	  "A line on standard error says how much it was.\n" CLIENT_STATUS },
	{ "check", check_files, "[--strict] [--version 3.0|3.1] [--profile templates[=DIR]] [--json] FILE...",
	  "check AASX, JSON and XML files; one line per fault: FILE: path: [rule] text",
	  "  --strict              also what the server lets pass: docs/conformance-choices.md\n"
	  "  --version 3.0|3.1     of the metamodel (3.1); 3.0 asks for more\n"
	  "  --profile templates[=DIR]\n"
	  "                        also compare each submodel with the template that its semanticId names: cardinality, types, names, values\n"
	  "                        ([SMT-...]).  DIR has the published templates as JSON files; they are not part of the program.  Not given:\n"
	  "                        the directory in TWINSHELL_TEMPLATES, or else share/twinshell/templates of the installation\n"
	  "  --json                one array, an object per file: file, findings (path, line, rule, text), and for a right file what it holds\n\n"
	  "Exit status 0: all files are right; 65: some file is not; 66: some file cannot be read.\n" },
	{ "convert", convert_files, "[--from FORMAT] [--to FORMAT] [--to-version 3.0|3.1] [--anyway] IN OUT",
	  "write an AASX, JSON or XML file in another format, or as RDF",
	  "  --from FORMAT         json, xml or aasx; else the end of the name tells, else the first bytes\n"
	  "  --to FORMAT           json, xml, aasx (with JSON inside), aasx-xml, ttl (Turtle) or jsonld; else the end of the name tells\n"
	  "  --to-version 3.0|3.1  of the metamodel (3.1); one line on standard error for all that 3.0 does not have, and nothing is written\n"
	  "  --anyway              it is written all the same, as it is\n\n"
	  "\"-\" is standard input and standard output.  Texts of any size are read and written one shell, submodel or concept description at a\n"
	  "time.  From package to package the files and the thumbnail are kept; files that are left out are named.  OUT is replaced in one\n"
	  "step when all is well, else left as it was.  Rules of the metamodel beyond the form are not looked at: `twinshell check` does.\n"
	  "Exit status 0: done; 64: wrong words; 65: the data is refused; 66: IN cannot be read; 71: not enough memory; 73, 74: OUT cannot be\n"
	  "written.\n" },
	{ "audit", audit, "verify [--database CONNINFO] [--data DIR]", "look whether the history of changes is still what was written",
	  "  --database CONNINFO   the database; not given: the one in TWINSHELL_DATABASE, or of a running server on --data\n"
	  "  --data DIR            directory of a running server (var)\n\n"
	  "Every change has a position and a hash of itself and of the hash before it.  One line says that all are right, and the last hash,\n"
	  "or where the first fault is.  Note the hash elsewhere: who can change the whole chain cannot change the note.\n"
	  "Exit status 0: all is as it was written; 64: wrong words; 65: it is not; 66: no database is named; 69: no such\n"
	  "database; 70: it has no such history.\n" },
	{ "db", db_command, "status|migrate|verify [--database CONNINFO] [--data DIR]", "look at a database, bring its schema up to date",
	  "  --database CONNINFO   the database; not given: the one in TWINSHELL_DATABASE, or of a running server on --data\n"
	  "  --data DIR            directory of a running server (var)\n\n"
	  "status tells which server and schema it is, and how much is in it.  migrate applies what is missing of the schema.  verify reads every\n"
	  "document and compares what it is found by and the rows of its elements with it; a line per fault.  All may run beside servers.\n"
	  "Exit status 0: all is well; 64: wrong words; 65: faults were found; 66: no database is named; 69: it cannot be reached; 78: its\n"
	  "schema is not one that this program knows.\n" },
	{ "report", report, "create-view|drop-view|list-views [OPTION]...",
	  "make views for SQL reports: one row per submodel of a type, one column per element",
	  "  create-view --semantic-id IRI [--name NAME] [--columns N] [--replace]\n"
	  "                        a view of the schema report with all submodels whose semanticId is IRI, as they are now: one typed column per\n"
	  "                        element with a value, N at most (200).  Again: columns for new elements are added, the others stay as they are;\n"
	  "                        --replace makes the view anew.  Not given, the name is made of the submodels' idShort\n"
	  "  drop-view --name NAME\n"
	  "  list-views            name, columns and semanticId of each\n"
	  "  --database CONNINFO   the database; not given: the one in TWINSHELL_DATABASE, or of a running server on --data\n"
	  "  --data DIR            directory of a running server (var)\n\n"
	  "docs/reporting.md has the other views.\n"
	  "Exit status 0: done; 64: wrong words; 65: it is refused, and why is said; 66: no database is named; 69: no such database, or no\n"
	  "server has used it yet.\n" },
	{ "asset", asset, "pump-station [OPTION]...", "play the assets of the example plant", NULL },
	{ "version", version, "", "print the versions of the program and of the standards", NULL },
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static int usage(FILE *out, int status)
{
	fputs("usage: twinshell COMMAND [OPTION]...\n\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].text);
	fputs("\n`twinshell COMMAND --help` tells more.\n", out);
	return status;
}

static int help(const struct command *c)
{
	printf("usage: twinshell %s%s%s\n\n%s.\n", c->name, *c->arguments ? " " : "", c->arguments, c->text);
	if (c->run == serve) {
		puts("\nOptions; each may also stand in the file as `name = value`, and in the environment as TWINSHELL_NAME:\n");
		config_help(stdout);
		puts("\nLater wins: default, file, environment, flag.  SIGHUP reads the file again.\n"
		     "Exit status 0: stopped by SIGTERM or SIGINT; 64: wrong words; 66: a file is missing; 69: a port, a program or a service is\n"
		     "not available, or the directory is in use; 74: input or output failed; 78: a fault in the configuration.");
	} else if (c->more) {
		printf("\n%s", c->more);
	}
	return EX_OK;
}

/* Anywhere among the words; an asset has a --help of its own. */
static bool asks_for_help(const struct command *c, int argc, char **argv)
{
	for (int i = 0; i < (c->run == asset && argc > 1 ? 1 : argc); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr, EX_USAGE);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return usage(stdout, EX_OK);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return version(0, NULL);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		if (asks_for_help(&commands[i], argc - 2, argv + 2))
			return help(&commands[i]);
		return commands[i].run(argc - 2, argv + 2);
	}
	fprintf(stderr, "twinshell: there is no command \"%s\"\n", argv[1]);
	return usage(stderr, EX_USAGE);
}
