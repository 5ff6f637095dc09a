#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# VLANs, groups, broadcast, frames for others, a second device on top.

. "${0%/*}/net.sh"
ktap_plan $((15 + BOOKS))
fresh_or_end

check "802.1Q: a VLAN over vni0 comes up" in_both '
	modprobe 8021q && ip link add link vni0 name vni0.7 type vlan id 7 &&
		ip addr add 10.7.0.$((NODE + 1))/24 dev vni0.7 && ip link set vni0.7 up'
check "full-size frames cross in it, both ways" in_both '
	within 5 ping -q -c 2 -i 0.05 -W 2 -M do -s 1472 10.7.0.$((PEER + 1))'
serve 1
check "TCP in it keeps the offloads: frames larger than the MTU" eval '
	before=$(in_node 0 "stats tx_frames tx_bytes") && iperf 0 -c 10.7.0.2 -t 1 >/dev/null &&
		set -- $(in_node 0 "stats tx_frames tx_bytes") $before &&
		echo $((($2 - $4) / ($1 - $3))) && [ $((($2 - $4) / ($1 - $3))) -gt 6000 ]'
check "TCP in it the other way" eval 'iperf 0 -c 10.7.0.2 -t 1 -R >/dev/null'
check "frames of the largest MTU cross with a tag" in_both '
	ip link set vni0 mtu 65517 && ip link set vni0.7 mtu 65517 &&
		within 5 ping -q -c 2 -i 0.05 -W 2 -M do -s 65489 10.7.0.$((PEER + 1))'
check "another VLAN's frames are not heard" eval '
	node 0 ip link set vni0.7 down && in_node 1 "! ping -q -c 1 -W 1 10.7.0.1"'
check "the VLAN is gone with its device" in_both 'ip link del vni0.7 && ip link set vni0 mtu 1500'

local1=$(in_node 1 'ip -6 -o addr show dev vni0 scope link' | sed -n 's/.*\(fe80[^/]*\).*/\1/p')
check "IPv6 all-nodes group: the other node answers" in_node 0 '
	ping -c 3 -i 0.05 -W 2 ff02::1%vni0 | grep "from $1%vni0"' "$local1"
check "IPv4 group: its members get it, once each" eval '
	node 1 sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0 &&
		node 1 ip addr add 239.7.7.7/32 dev vni0 autojoin &&
		in_node 0 "ip route replace 239.7.7.0/24 dev vni0 &&
			ping -q -c 5 -i 0.05 -W 2 -t 1 239.7.7.7 | grep \" 5 received\""'
check "IPv4 broadcast: the other node answers" in_node 0 '
	ping -q -b -c 5 -i 0.05 -W 2 192.168.77.255 | grep " 5 received"'
check "ARP: the other node answers a broadcast request" in_node 0 '
	arping -c 2 -I vni0 192.168.77.2'

# Frames for an address that neither node has. The stack of node 1 must see them, as frames for
# others, only where somebody asked for them.
# shellcheck disable=SC2034 # used by eval
foreign='
	ip neigh replace 192.168.77.50 lladdr 02:00:00:00:00:50 dev vni0 nud permanent
	ping -q -c 5 -i 0.02 -W 1 192.168.77.50; :'
listen() {
	in_node 1 '
		rm -f /run/dump /run/dump.err
		setsid timeout 20 tcpdump -Z root -l -nn -i vni0 "icmp and dst 192.168.77.50" \
			>/run/dump 2>/run/dump.err </dev/null &
		within 5 grep -q listening /run/dump.err'
}
check "promiscuous: frames for another address are seen" eval '
	listen && in_node 0 "$foreign" && in_node 1 "
		ip -d link show vni0 | grep -q \"promiscuity 1\" &&
			within 3 sh -c \"grep -c echo /run/dump | grep -qx 5\"; code=\$?
		killall tcpdump; exit \$code"'
check "not promiscuous: they are not received by anything above" eval '
	node 1 ip addr add 192.168.77.50/32 dev lo && in_node 0 "
		ip neigh replace 192.168.77.50 lladdr 02:00:00:00:00:50 dev vni0 nud permanent
		! ping -q -c 3 -i 0.05 -W 1 192.168.77.50"'
node 1 ip addr del 192.168.77.50/32 dev lo

check "macvlan: a second address on the same link" eval '
	node 1 sh -c "
		modprobe macvlan && ip link add link vni0 name mv0 type macvlan mode bridge &&
			ip netns add other && ip link set mv0 netns other &&
			ip -n other addr add 192.168.77.60/24 dev mv0 &&
			ip -n other link set mv0 up" &&
		in_node 0 "within 5 ping -q -c 3 -i 0.05 -W 1 192.168.77.60"'
check "macvlan: its frames are not delivered to the device below" in_node 1 '
	ip netns exec other ping -q -c 2 -i 0.05 -W 1 192.168.77.1 && ip netns del other'
check_books
