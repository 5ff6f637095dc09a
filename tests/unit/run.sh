#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# run.sh PROGRAM...: run unit test programs and count. A program that ends otherwise than by itself,
# or that a sanitizer stopped, counts as a failure. VNI_SLOW=N multiplies the time limit.
limit=$((60 * ${VNI_SLOW:-1}))
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for program in "$@"; do
	nice timeout "$limit" "$program" >"$log" 2>&1
	status=$?
	good=$(grep -c '^\[       OK \]' "$log")
	bad=$(grep -c '^\[  FAILED  \] [a-z]' "$log")
	planned=$(sed -n 's/^\[==========\] Running \([0-9]*\) test.*/\1/p' "$log")
	if [ "$status" -ne 0 ] || [ "$good" -ne "${planned:-0}" ] || [ "$good" -eq 0 ]; then
		cat "$log"
		[ "$status" -eq 124 ] && echo "$program: TIMEOUT after $limit s"
		bad=$((${planned:-1} - good))
		[ "$bad" -gt 0 ] || bad=1
		echo "FAILED $(basename "$program"): exit $status, $good of ${planned:-?} passed"
	else
		grep -E 'VNI_SEED|[0-9] records,' "$log" | sort -u | sed 's/^/       /'
		echo "ok     $(basename "$program"): $good tests"
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
