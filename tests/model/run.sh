#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# run.sh COMMAND...: run the models side by side and add up. VNI_SLOW=N multiplies the time limit.
limit=$((900 * ${VNI_SLOW:-1}))
passed=0
failed=0
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

n=0
for command in "$@"; do
	n=$((n + 1))
	# shellcheck disable=SC2086 # a command and its words
	{
		nice timeout "$limit" $command
		echo $? >"$logs/$n.status"
	} >"$logs/$n" 2>&1 &
done
wait

n=0
for command in "$@"; do
	n=$((n + 1))
	status=$(cat "$logs/$n.status")
	grep -vE '^[0-9]+ passed, [0-9]+ failed$' "$logs/$n"
	good=$(grep -c '^ok ' "$logs/$n")
	bad=$(grep -c '^FAILED ' "$logs/$n")
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "FAILED $command: exit $status"
		bad=1
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
