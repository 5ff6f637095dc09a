#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# run.sh CLANG SECONDS CFLAGS SOURCES: called by fuzz.mk, from the top of the tree.
clang=$1 seconds=$2 cflags=$3 sources=$4
out=build/fuzz
passed=0
failed=0

result() {
	if [ "$1" -eq 0 ]; then
		echo "ok     $2"
		passed=$((passed + 1))
	else
		echo "FAILED $2"
		failed=$((failed + 1))
	fi
}

nice $out/random 5
result $? "random inputs, 5 s"

# shellcheck disable=SC2086 # flags and sources are lists
if [ -n "$clang" ] && $clang $cflags -fsanitize=fuzzer,address,undefined -o $out/hostile $sources \
		2>$out/clang.log; then
	mkdir -p $out/corpus
	nice $out/hostile -seed=1 -max_total_time="$seconds" -timeout=10 -max_len=2048 \
		-print_final_stats=1 -artifact_prefix=$out/ $out/corpus >$out/hostile.log 2>&1
	status=$?
	grep -E 'cov:|number_of_executed_units' $out/hostile.log | tail -n 2
	[ $status -eq 0 ] || tail -n 40 $out/hostile.log
	result $status "libFuzzer, $seconds s"
else
	echo "skipped libFuzzer: clang with its runtime (libclang-rt-14-dev) is not here"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
