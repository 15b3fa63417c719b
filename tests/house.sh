#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# house.sh - TAP around the checks of layers and style.
top=${srcdir:-.}
n=0
status=0
for check in check-layers check-style; do
	n=$((n + 1))
	if out=$(perl "$top/tools/$check" "$top" 2>&1); then
		echo "ok $n - $check: $(printf %s "$out" | tail -1)"
	else
		echo "not ok $n - $check"
		printf '%s\n' "$out" | sed 's/^/# /'
		status=1
	fi
done
echo "1..$n"
exit $status
