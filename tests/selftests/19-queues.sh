#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# env: partition ivshmem uml
# Several queues: which of them a pair of nodes uses, how many of them, changed under traffic.

. "${0%/*}/net.sh"
ktap_plan $((11 + BOOKS))
fresh_or_end

# grew NODE COUNTER QUEUES CMD...: CMD makes this counter grow in just these queues ("0 1").
grew() {
	_grew_node=$1 _grew_wanted=$3
	_grew='ethtool -S $DEV | sed -n "s/^ *q\([0-9]*\)_'$2': /\1 /p"'
	shift 3
	_grew_before=$(in_node "$_grew_node" "$_grew") || return
	"$@" >/dev/null || return
	_grew_now=$(in_node "$_grew_node" "$_grew") || return
	_grew_by=$(printf '%s\n' "$_grew_before" "$_grew_now" |
		awk '$1 in was { if ($2 > was[$1]) printf "%s%d", sep, $1; if ($2 > was[$1]) sep = " "; next }
			{ was[$1] = $2 }')
	echo "it grew in: $_grew_by; wanted: $_grew_wanted"
	[ "$_grew_by" = "$_grew_wanted" ]
}
# use NODE COUNT: as a person would.
use() {
	in_node "$1" 'ethtool -L $DEV combined $1 &&
		[ "$(ethtool -l $DEV | sed -n "\$s/[^0-9]//gp")" = "$1" ]' "$2"
}
linked() {
	in_both 'within 8 carrier_is 1 && within 8 ping -c 1 -W 1 192.168.77.$((PEER + 1))'
}
# from NODE QUEUE: TCP that node NODE sends from a queue of its choice, chosen for all its CPUs.
from() {
	in_node "$1" 'last=$(sed "s/.*-//" /sys/devices/system/cpu/possible)
		for q in /sys/class/net/$DEV/queues/tx-*; do
			mask=0; [ $q != ${q%-*}-$1 ] || mask=$(printf %x $(((2 << last) - 1)))
			echo $mask >$q/xps_cpus || exit
		done' "$2" && iperf "$1" -c "192.168.77.$((2 - $1))" -n 2M
}

# A kernel for one CPU has no XPS.
chosen() {
	if in_node 0 'ls /sys/class/net/$DEV/queues/tx-1/xps_cpus' >/dev/null 2>&1; then
		check "$@"
	else
		ok "$1 # SKIP this kernel does not let the queue be chosen"
	fi
}

check "queues=4 makes 4, on any number of CPUs" in_both '
	rmmod vni && insmod /vni/vni.ko queues=4 && configure $NODE &&
		[ "$(ls -d /sys/class/net/$DEV/queues/tx-* | wc -l)" = 4 ]'
linked >/dev/null
serve 1
chosen "each CPU has a transmit queue to begin with" in_node 0 '
	cd /sys/class/net/$DEV/queues || exit
	for cpu in $(cat /sys/devices/system/cpu/online | tr ",-" "  "); do
		mask=$(cat tx-$((cpu % 4))/xps_cpus) && [ $((0x${mask##*,} >> cpu & 1)) = 1 ] ||
			{ grep . tx-*/xps_cpus; exit 1; }
	done'
chosen "what is sent from the last queue comes in that queue" grew 1 rx_frames "3" from 0 3
use 1 2
linked >/dev/null
chosen "one node uses 2: what is sent from the other's queue 3 comes in 1" \
	grew 1 rx_frames "1" from 0 3
use 0 1
linked >/dev/null
check "the other uses 1: that is queue 0" grew 1 rx_frames "0" iperf 0 -c 192.168.77.2 -P 4 -n 2M
check "and likewise back" grew 0 rx_frames "0" iperf 0 -c 192.168.77.2 -P 4 -n 2M -R
check_fails "5 are refused" use 0 5
check_fails "none is refused" use 0 0
check_fails "a number of its own for receiving is refused" in_node 0 'ethtool -L $DEV rx 2'
check "changed 8 times on both sides under TCP, which goes on" eval '
	pid=$(iperf_bg -P 4 --bidir) && in_both "
		for count in 2 3 1 4 1 2 3 4; do
			ethtool -L \$DEV combined \$count && sleep 0.0\$((NODE * 5 + 2)) || exit
		done
		before=\$(stat rx_bytes)
		more() { [ \$((\$(stat rx_bytes) - before)) -gt 300000 ]; }
		within 20 more"; code=$?; node 0 kill -9 "$pid"; exit $code'
linked >/dev/null

# A new link, so that the books can be kept: its first frame has new counters at both ends.
in_both 'rmmod vni'
in_both 'insmod /vni/vni.ko queues=3 && configure $NODE'
linked >/dev/null
in_node 1 'killall -9 iperf3'
serve 1
check "streams in several queues, both ways" eval '
	iperf 0 -c 192.168.77.2 -P 4 -n 4M >/dev/null &&
		iperf 0 -c 192.168.77.2 -P 4 -n 4M -R >/dev/null'
check_books
in_both 'rmmod vni'
