#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# env: uml
# More comes over a node's serial line than it holds while its agent does not read: nothing is lost.

. "${0%/*}/lib.sh"
ktap_plan 3

data=$(mktemp)
cleanup() { rm -f "$data"; }
head -c 300000 /dev/urandom >"$data"
node_bg 0 sh -c 'agent=$(pidof agent); sleep 1; kill -STOP $agent; sleep 3; kill -CONT $agent' \
	>/dev/null
sleep 1.5
check "a file reaches a node whose agent stands still for a while" push 0 "$data" /tmp/data
check_equal "it is the same file" "$(md5sum <"$data")" "$(node 0 sh -c 'md5sum </tmp/data')"

# Each of them is more than the line holds at once, and the host is quicker than the node.
head -c 900000 /dev/urandom >"$data"
sum=$(md5sum <"$data")
all_the_same() {
	for n in 1 2 3 4 5 6 7 8 9 10; do
		push 0 "$data" /tmp/data || return
		[ "$(node 0 sh -c 'md5sum </tmp/data')" = "$sum" ] || { echo "file $n differs"; return 1; }
	done
}
check "10 large files in a row arrive as they were sent" all_the_same
