#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# The MTU: its limits, exact sizes, changes under traffic, different ones on the two sides.

. "${0%/*}/net.sh"
ktap_plan $((15 + BOOKS))
fresh_or_end

# A datagram of just this size crosses unfragmented, one byte more does not leave.
# shellcheck disable=SC2034 # used by eval
exact='
	mtu=$1
	ping -q -c 2 -i 0.01 -W 2 -M do -s $((mtu - 28)) $2 || exit
	! ping -q -c 1 -W 1 -M do -s $((mtu - 27)) $2'
for mtu in 1280 1500 9000 65517; do
	check "MTU $mtu: a datagram of that size crosses whole, a larger one is refused" eval "
		in_both 'ip link set vni0 mtu $mtu' && in_node 0 \"\$exact\" $mtu 192.168.77.2 &&
			in_node 1 \"\$exact\" $mtu 192.168.77.1"
done
check "MTU 65517: 65507 bytes of UDP's payload are one frame" in_node 0 '
	before=$(stat tx_frames)
	ping -q -c 10 -i 0.01 -s 65489 192.168.77.2 && after=$(stat tx_frames) &&
		[ $((after - before)) -ge 10 ] && [ $((after - before)) -le 15 ]'
# -S: ping's own send buffer is too small for so many fragments
check "MTU 68: a datagram of 1000 bytes crosses in fragments" in_both '
	ip link set vni0 mtu 68 && \
		within 5 ping -q -c 2 -i 0.05 -W 2 -S 262144 -s 1000 192.168.77.$((PEER + 1))'
check "a refused MTU leaves the old one" in_node 0 '
	! ip link set vni0 mtu 67 && ! ip link set vni0 mtu 65518 && ! ip link set vni0 mtu 0 &&
		[ "$(cat /sys/class/net/vni0/mtu)" = 68 ]'
check_fails "67 is refused" node 0 ip link set vni0 mtu 67
check_fails "65518 is refused" node 0 ip link set vni0 mtu 65518
check "ip -d link shows these limits" in_node 0 '
	ip -d link show vni0 | grep "minmtu 68 maxmtu 65517"'
check "the link does not go down when the MTU changes" in_node 0 '
	before=$(cat /sys/class/net/vni0/carrier_changes)
	ip link set vni0 mtu 9000 && ip link set vni0 mtu 1500 && sleep 0.3 &&
		[ "$(cat /sys/class/net/vni0/carrier_changes)" = "$before" ]'

in_both 'ip link set vni0 mtu 1500 && configure $NODE' >/dev/null
serve 1
check "MTU changed 40 times on both sides under TCP, which goes on" eval '
	pid=$(iperf_bg) &&
		in_both "
			for round in 1 2 3 4 5; do
				for mtu in 1280 9000 65517 1500; do
					ip link set vni0 mtu \$mtu && sleep 0.05 || exit
				done
			done" &&
		in_node 1 "before=\$(stat rx_bytes)
			more() { [ \$((\$(stat rx_bytes) - before)) -gt 300000 ]; }
			within 10 more" && node 0 kill "$pid"'
check "different MTUs: TCP from the larger to the smaller and back" eval '
	node 0 ip link set vni0 mtu 9000 && node 1 ip link set vni0 mtu 1500 &&
		in_node 1 "within 5 sh -c \"! ss -Htn sport = :5201 | grep -q ESTAB\"" &&
		iperf 0 -c 192.168.77.2 -n 2M >/dev/null &&
		iperf 0 -c 192.168.77.2 -n 2M -R >/dev/null'
check "different MTUs: a frame above one's own MTU is still received" in_node 0 '
	ping -q -c 2 -i 0.01 -W 2 -M do -s 8972 192.168.77.2'
check "no checksum was wrong" in_both '[ "$(checksum_errors)" = 0 ]'
check_books
