#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# house.sh - TAP around the checks of layers and style; then a small house of its own, in which each kind of fault must be found.
top=$(cd "${srcdir:-.}" && pwd)
n=0
status=0
result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		printf '%s\n' "$out" | sed 's/^/# /'
		status=1
	fi
}

for check in check-layers check-style; do
	out=$(perl "$top/tools/$check" "$top" 2>&1)
	result $? "$check: $(printf %s "$out" | tail -1)"
done

folders='base aas submodels sql twin_engine server examples tests tools'
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" && mkdir $folders tests/unit examples/pump_station || exit 1
head='/* SPDX-License-Identifier: Apache-2.0 */'
lines() { awk -v n="$1" -v text="$2" 'BEGIN { while (n-- > 0) print text }'; }

# good CHECK FILE TEXT: no fault is found in that file.  bad CHECK FILE WHAT TEXT: just one, and it is told with the file and WHAT.
good() {
	printf '%s\n' "$3" >"$2"
	out=$(perl "$top/tools/$1" . 2>&1)
	result $? "$1 lets pass in $2: $(printf %s "$3" | sed -n 2p)"
	rm "$2"
}
bad() {
	printf '%s\n' "$4" >"$2"
	out=$(perl "$top/tools/$1" . 2>&1)
	[ $? = 1 ] && printf %s "$out" | grep -F "$2:" | grep -qF "$3" && printf %s "$out" | grep -q ' 1 faults$'
	result $? "$1 finds in $2: $3"
	rm "$2"
}

# Which folder may include which: what is not named here is found, and only that.
while read -r from may; do
	wrong=0
	echo "$head" >"$from/x.c"
	for other in $folders; do
		echo "#include \"$other/x.h\"" >>"$from/x.c"
	done
	out=$(perl "$top/tools/check-layers" . 2>&1)
	for other in $folders; do
		case " $may " in
		*" $other "*) expect=1 ;;
		*) expect=0 ;;
		esac
		printf %s "$out" | grep -qxE "$from/x.c:[0-9]+: $from may not include \"$other/x.h\""
		[ $? = $expect ] || wrong=1
	done
	result $wrong "check-layers: $from may include $may"
	rm "$from/x.c"
done <<'END'
base base
aas base aas
submodels base aas submodels
sql base aas sql
twin_engine base aas submodels twin_engine
server base aas submodels server
examples base examples
END
for other in sql twin_engine examples; do
	good check-layers server/serve.c "$head
#include \"$other/x.h\""
done
bad check-layers base/x.h 'base may not include "arena.h"' "$head
#include \"arena.h\""
bad check-layers aas/x.def 'aas may not include "../base/arena.h"' "$head
#include \"../base/arena.h\""
bad check-layers base/x.c 'is of the house' "$head
#include <aas/tree.h>"

# A foreign header: a wrapper that may have it, and a file that may not.
while read -r header wrapper other; do
	good check-layers "$wrapper" "$head
#include <$header>"
	bad check-layers "$other" "<$header> is allowed only in its wrapper" "$head
#include <$header>"
done <<'END'
microhttpd.h server/http.c server/call.c
libpq-fe.h sql/pg.c sql/store_pg.c
MQTTAsync.h twin_engine/mqtt.c twin_engine/engine.c
jansson.h server/config.c aas/tree.c
libxml/parser.h aas/xml_read.c aas/zip.c
zlib.h aas/zip_write.c aas/aasx.c
curl/curl.h server/client.c server/http.c
END

# Style.
good check-style base/x.c "$head
static int f(void)
{
	return strcmp(\"TO DO: strcpy(a, b)\", x.sprintf(1));	/* no strcpy() here */
}"
for f in base/x.c aas/x.def sql/x.sql server/x.ts server/x.tsx tests/x.mjs tests/x.sh base/x.inc tools/x; do
	bad check-style "$f" 'no SPDX line' 'x'
done
bad check-style base/x.c 'more than 600' "$head
$(lines 600 'int x;')"
good check-style base/x.c "$head
$(lines 599 'int x;')"
bad check-style tests/x.c 'more than 900' "$head
$(lines 900 'int x;')"
good check-style tests/x.c "$head
$(lines 899 'int x;')"
bad check-style base/x.c 'blank at the end of the line' "$head
int x; "
for word in TO''DO FIX''ME X''XX; do	# so that this file is not unfinished itself
	bad check-style base/x.h 'unfinished work' "$head
/* $word: all of it */"
done
for call in strcpy strcat sprintf gets setlocale atoi atof strtok alloca system popen; do
	bad check-style base/x.c "$call: use" "$head
	$call (x);"
done
good check-style tests/x.c "$head
	system(\"true\");"
bad check-style base/x.c 'line of 151 characters' "$head
	$(lines 1 0 | awk '{ while (n++ < 143) printf "x" }')"
good check-style base/x.c "$head
	$(lines 1 0 | awk '{ while (n++ < 142) printf "x" }')"
bad check-style base/x.c 'function of 61 lines: int f(void)' "$head
int f(void)
{
$(lines 60 '	x();')
}"
good check-style base/x.c "$head
int f(void)
{
$(lines 59 '	x();')
}"
good check-style base/x.c "$head
 * Made by tools/embed.  Do not edit. */
$(lines 900 'int x;')"
out=$(perl "$top/tools/check-layers" . 2>&1)
[ $? = 1 ]
result $? 'check-layers is not content with an empty house'
echo "1..$n"
exit $status
