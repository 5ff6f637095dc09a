#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 600
# Modules go and come, links go down and up, while traffic runs: nothing breaks, nothing leaks.

. "${0%/*}/net.sh"
ktap_plan 11
fresh_or_end
# ten rounds; each has its own limit
export VNI_NODE_TIMEOUT=120

# Traffic that starts anew whenever it breaks: TCP both ways, small UDP, pings.
server=$(node_bg 1 iperf3 -s)
tcp=$(node_bg 0 sh -c 'while :; do
	timeout 4 iperf3 --connect-timeout 500 -c 192.168.77.2 -t 3 --bidir || sleep 0.1; done')
ping=$(node_bg 1 sh -c 'while :; do timeout 3 ping -q -f -s 3000 192.168.77.1 || sleep 0.1; done')
end_traffic() {
	node 0 kill -9 -- "-$tcp" 2>/dev/null
	node 1 kill -9 -- "-$ping" "$server" 2>/dev/null
}

flows() {
	in_both '
		before=$(stat rx_bytes)
		more() { [ $(($(stat rx_bytes) - before)) -gt 200000 ]; }
		within 8 more'
}

check "traffic flows before" flows
for node in 0 1; do
	check "vni on node $node: 10 times out and in, link back within 3 s" in_node $node '
		for i in $(seq 10); do
			rmmod vni && load_modules && configure $1 && within 3 carrier_is 1 || exit
			sleep 0.$((i % 4))
		done' $node
	check "vni_shm and vni on node $node: 10 times out and in, link back within 3 s" in_node $node '
		for i in $(seq 10); do
			rmmod vni && rmmod vni_shm && load_modules && configure $1 &&
				within 3 carrier_is 1 || exit
			sleep 0.$((i % 4))
		done' $node
done
check "traffic flows again" flows
check "down and up on both nodes at once, 20 times" in_both '
	for i in $(seq 20); do
		ip link set vni0 down && ip link set vni0 up || exit
		sleep 0.0$(((i * (NODE + 2)) % 9))
	done'
check "the link is up after it" in_both 'within 3 carrier_is 1'
in_both 'configure $NODE' >/dev/null
check "traffic flows once more" flows
end_traffic
check "no link was refused for a fault, no frame was malformed" in_both '
	cat /sys/kernel/debug/vni/*/status
	! grep "faults [1-9]" /sys/kernel/debug/vni/*/status && [ "$(stat rx_bad_frame)" = 0 ]'
check "all slots are free" slots_return
