#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
# lab: --nodes 3
# env: partition
# Three nodes on one segment: each hears what is for it, and one that goes holds nobody up.

. "${0%/*}/nodes.sh"
ktap_plan 9
three_or_end

# A neighbour that is asked for anew is a frame that others hear: none is asked for here.
in_all '
	ip -4 neigh show dev $DEV | sed -n "s/^\([0-9.]*\) lladdr \([0-9a-f:]*\).*/\1 \2/p" |
		while read -r address mac; do
			ip neigh replace "$address" lladdr "$mac" nud permanent dev $DEV || exit
		done'
before=$(in_node 2 'stat rx_frames')
check "50 pings between nodes 0 and 1" node 0 ping -q -c 50 -i 0.02 -W 4 192.168.77.2
after=$(in_node 2 'stat rx_frames')
diag "node 2 received $((after - before)) frames meanwhile"
check "node 2 received none of them" [ "$((after - before))" -lt 20 ]
check_equal "no address was unknown" 0 "$(in_node 0 'stat tx_floods')"

in_all 'tcpdump -p -n -i $DEV -w /tmp/cast.pcap "icmp and dst 192.168.77.255" 2>/tmp/cast.err &
	within 5 grep -q listening /tmp/cast.err' >/dev/null
in_node 0 'ping -q -b -c 5 -i 0.2 -w 3 192.168.77.255' >/dev/null 2>&1
heard='sleep 1; killall -INT tcpdump; sleep 1; tcpdump -n -r /tmp/cast.pcap 2>/dev/null | wc -l'
sent=$(in_node 0 "$heard")
for n in 1 2; do
	check "node $n hears each of $sent broadcasts once" \
		[ "$sent" -gt 0 -a "$sent" = "$(in_node $n "$heard")" ]
done

# All to all, then node 2 stops. Nobody is told: it is taken for dead after dead_ms.
in_all 'iperf3 -s -D >/dev/null 2>&1; iperf3 -s -D -p 5202 >/dev/null 2>&1'
# shellcheck disable=SC2034 # used by eval
boot2=$(boot_of 2)
tcp0=$(node_bg 0 sh -c 'iperf3 -c 192.168.77.2 -t 20 & iperf3 -c 192.168.77.3 -t 20; wait')
tcp1=$(node_bg 1 iperf3 -c 192.168.77.3 -p 5202 -t 20)
in_node 0 'ping -D -i 0.01 -w 12 192.168.77.2 >/tmp/gap.log' &
pings=$!
sleep "$(scaled 1)"
node 0 vni-node stop 2
wait "$pings"
# shellcheck disable=SC2154 # in nodes.sh
longest=$(in_node 0 "$gap
	gap /tmp/gap.log")
diag "the longest time without an answer: $longest ms"
check "node 2 stops: nodes 0 and 1 go on without a gap above 0.5 s" \
	[ "${longest:-99999}" -le "$((500 * VNI_SLOW))" ]
node 0 kill -9 -- "-$tcp0" 2>/dev/null
node 1 kill -9 -- "-$tcp1" 2>/dev/null
check "nothing stays lent" in_node 0 'within 6 slots_home'
node 0 vni-node start 2
check "node 2 comes back" eval 'after_boot 2 "$boot2" && in_node 2 "load_modules && configure 2"'
in_all 'ip neigh flush nud permanent dev $DEV' >/dev/null 2>&1
# shellcheck disable=SC2154 # in nodes.sh
check "each node reaches both others again" in_all "$reaches_all"
