#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 60
# env: uml
# What tools/uml/fp.patch leaves out is not missed.

. "${0%/*}/net.sh"
ktap_plan 1
fresh_or_end

tool=$(mktemp -d)
cleanup() { rm -rf "$tool"; }
cc -std=gnu11 -O2 -static -pthread -o "$tool/fpkeep" "${0%/*}/fpkeep.c" &&
	push 0 "$tool/fpkeep" /bin/fpkeep || exit
check "programs keep their floating point registers" in_node 0 '
	fpkeep 4 >/run/looks; ret=$?
	echo "looks of each thread:" $(cat /run/looks)
	[ $ret = 0 ] && [ "$(wc -l </run/looks)" = 9 ]'
