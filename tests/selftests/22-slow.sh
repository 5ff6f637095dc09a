#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
# lab: --nodes 3
# env: partition
# A node that is alive and hardly reads holds up nobody but who sends to it.

. "${0%/*}/nodes.sh"
ktap_plan 8
three_or_end

# Node 2 receives in threads of the lowest priority, beside loops of a higher one. The loops leave
# enough for the rest of the node: its heartbeat, and who is to end them.
hogs=
cleanup() {
	[ -z "$hogs" ] || node 2 kill -9 -- "-$hogs"
	node 2 sh -c 'echo 0 >/sys/class/net/vni0/threaded'
	node 0 killall -9 ping iperf3
} >/dev/null 2>&1
check "node 2 is made slow" in_node 2 'echo 1 >/sys/class/net/$DEV/threaded || exit
	for dir in /proc/[0-9]*; do
		read -r name 2>/dev/null <$dir/comm || continue
		case $name in napi/*) renice -n 19 -p "${dir#/proc/}" && found=1 ;; esac
	done
	[ "$found" = 1 ]'
hogs=$(node_bg 2 sh -c 'renice -n -5 -p $$; for cpu in $(seq 2 $(nproc)); do
	while :; do :; done & done; while :; do :; done')
before=$(in_node 0 'stats tx_waited tx_wait_ends tx_peer_full')
in_node 1 'iperf3 -s -D >/dev/null 2>&1'
# Not the ping of busybox, which cannot flood.
floods=$(node_bg 0 sh -c 'while :; do /usr/bin/ping -q -f -l 200 -w 2 -s 60000 192.168.77.3; done &
	while :; do /usr/bin/ping -q -b -f -w 5 -s 3000 192.168.77.255; done')
check "it falls behind: frames for it wait" in_node 0 \
	'within 10 eval "[ \$(stat tx_waited) -gt $1 ]"' "${before%% *}"
check "what waits for too long is dropped" in_node 0 \
	'within 10 eval "[ \$(stat tx_peer_full) -gt $1 ]"' "${before##* }"
check "nodes 0 and 1 pass 20 MB by TCP" node_for "$(scaled 40)" 0 \
	iperf3 -c 192.168.77.2 -n 20M
check "and the other way" node_for "$(scaled 40)" 0 iperf3 -c 192.168.77.2 -n 20M -R
check "20 pings between them, none lost" node 0 ping -q -c 20 -i 0.05 -W 4 192.168.77.2
diag "waited, sent then, dropped before: $before; now: $(in_node 0 '
	stats tx_waited tx_wait_ends tx_peer_full')"

# Now it reads by fits and starts, whatever the speed of this host: its loops are stopped and go on
# in turns, and the floods come in bursts with pauses in which it can catch up.
node 0 kill -9 -- "-$floods" 2>/dev/null
node 0 killall -9 ping 2>/dev/null
turns=$(node_bg 2 sh -c 'renice -n -20 -p $$; while :; do
	kill -STOP -- "-$1"; sleep 0.3; kill -CONT -- "-$1"; sleep 0.05; done' sh "$hogs")
floods=$(node_bg 0 sh -c 'while :; do
	/usr/bin/ping -q -f -l 200 -c 200 -w 1 -s 60000 192.168.77.3; sleep 0.2; done')
ends=$(in_node 0 'stat tx_wait_ends')
check "of what waits for a node that reads now and then, some finds room in time" in_node 0 \
	'within 20 eval "[ \$(stat tx_wait_ends) -gt $1 ]"' "$ends"
diag "then: $(in_node 0 'stats tx_waited tx_wait_ends tx_peer_full')"
node 2 kill -9 -- "-$turns" 2>/dev/null
node 0 kill -9 -- "-$floods" 2>/dev/null
cleanup
hogs=
check "node 2 reads again and is reached" in_node 0 'within 20 ping -c 1 -W 1 192.168.77.3'
