#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# run.sh PROGRAM...: run the models and add up. VNI_SLOW=N multiplies the time limit.
limit=$((900 * ${VNI_SLOW:-1}))
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for program in "$@"; do
	nice timeout "$limit" "$program" >"$log" 2>&1
	status=$?
	grep -vE '^[0-9]+ passed, [0-9]+ failed$' "$log"
	good=$(grep -c '^ok ' "$log")
	bad=$(grep -c '^FAILED ' "$log")
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "FAILED $(basename "$program"): exit $status"
		bad=1
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
