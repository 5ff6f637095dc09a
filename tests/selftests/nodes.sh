# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# For selftests with three nodes on one segment: 192.168.77.1 to .3.

. "${0%/*}/net.sh"

# in_all SCRIPT [ARG...]: in the three nodes at once; NODE is the node's number.
in_all() {
	_all=$1
	shift
	(in_node 0 "NODE=0; $_all" "$@") &
	_all_0=$!
	(in_node 1 "NODE=1; $_all" "$@") &
	_all_1=$!
	(in_node 2 "NODE=2; $_all" "$@")
	_all_code=$?
	wait "$_all_0" && wait "$_all_1" && return "$_all_code"
}

# reaches_all: each node gets an answer from both others. For in_all.
# shellcheck disable=SC2034 # its users are elsewhere
reaches_all='for one in 1 2 3; do
	[ $one = $((NODE + 1)) ] || within 8 ping -c 1 -W 1 192.168.77.$one || exit; done'

# three_or_end: three nodes with fresh devices that reach each other, or the script has failed.
three_or_end() {
	_three=$(in_all '
		for name in iperf3 ping tcpdump nc; do killall -9 $name; done 2>/dev/null
		[ ! -e /sys/module/vni ] || rmmod vni || exit' &&
		in_all 'load_modules && configure $NODE' && in_all "$reaches_all" 2>&1) && return
	diag "$_three"
	diag "three nodes do not reach each other"
	exit 1
}

# gap FILE: the longest time in ms between two answers in a log of "ping -D". For a node's shell.
# shellcheck disable=SC2034 # its users are elsewhere
gap='gap() {
	awk -F"[][]" "/bytes from/ { if (last && \$2 - last > most) most = \$2 - last; last = \$2; n++ }
		END { if (n < 10) exit 1; printf \"%d\\n\", most * 1000 }" "$1"; }'
