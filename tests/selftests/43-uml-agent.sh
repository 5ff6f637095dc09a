#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 60
# env: uml
# More comes over a node's serial line than it holds while its agent does not read: nothing is lost.

. "${0%/*}/lib.sh"
ktap_plan 2

data=$(mktemp)
cleanup() { rm -f "$data"; }
head -c 300000 /dev/urandom >"$data"
node_bg 0 sh -c 'agent=$(pidof agent); sleep 1; kill -STOP $agent; sleep 3; kill -CONT $agent' \
	>/dev/null
sleep 1.5
check "a file reaches a node whose agent stands still for a while" push 0 "$data" /tmp/data
check_equal "it is the same file" "$(md5sum <"$data")" "$(node 0 sh -c 'md5sum </tmp/data')"
