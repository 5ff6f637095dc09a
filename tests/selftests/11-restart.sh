#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
# env: partition
# Node 1 stops, reboots and panics under traffic. Node 0 notices, goes on, and finds it again.

. "${0%/*}/net.sh"
ktap_plan 25
fresh_or_end

node0=$(boot_of 0)
server=$(node_bg 1 iperf3 -s)
tcp=$(node_bg 0 sh -c 'while :; do
	timeout 4 iperf3 --connect-timeout 500 -c 192.168.77.2 -t 3 --bidir || sleep 0.1; done')
udp=$(node_bg 0 sh -c 'while :; do ping -q -f -w 3 -s 3000 192.168.77.2 || sleep 0.1; done')
end_traffic() {
	node 0 kill -9 -- "-$tcp" "-$udp" 2>/dev/null
	node 1 kill -9 "$server" 2>/dev/null
}

flows() {
	in_node 0 '
		before=$(stat rx_bytes)
		more() { [ $(($(stat rx_bytes) - before)) -gt 200000 ]; }
		within 8 more'
}
gone() {
	check "$1: carrier of node 0 is lost within 2 s" in_node 0 'within 2 carrier_is 0'
	check "$1: node 0's slots return" in_node 0 'within 3 slots_home'
}
# back WHAT BOOT: node 1 has booted anew; with its modules the link comes back.
back() {
	check "$1: node 1 boots, loads, and the link is up" eval '
		after_boot 1 "$2" && in_node 1 "load_modules && configure 1" &&
			in_node 0 "within 3 carrier_is 1"'
	server=$(node_bg 1 iperf3 -s)
	check "$1: traffic flows again" flows
}

for round in 1 2 3; do
	boot1=$(boot_of 1)
	check "traffic flows before stop $round" flows
	node 0 vni-node stop 1
	gone "stop $round"
	node 0 vni-node start 1
	back "start $round" "$boot1"
done

boot1=$(boot_of 1)
node_bg 1 reboot -f >/dev/null
gone reboot
back reboot "$boot1"

boot1=$(boot_of 1)
allow_log 1 'sysrq|Kernel panic|Call Trace|Oops|BUG|RIP'
node_bg 1 sh -c 'sleep 0.3; echo c >/proc/sysrq-trigger' >/dev/null
check "panic: the starter notices" node 0 vni-node wait 1 panicked --timeout "$(scaled 8)"
gone panic
node 0 vni-node start 1
back panic "$boot1"
check_equal "node 0 has run all the time" "$node0" "$(boot_of 0)"
end_traffic
