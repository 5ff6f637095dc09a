#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
# The recipes of Documentation/outside.rst for devices over vni0: VLAN, MACVLAN, VXLAN.

. "${0%/*}/recipes.sh"
ktap_plan 20

# every_recipe: each block of the document is run by one of these scripts.
every_recipe() {
	_every=$(sed -n 's/^\.\. recipe: //p' "$OUTSIDE")
	[ -n "$_every" ] || return
	echo "$_every" | while read -r name part; do
		grep -qE "^(follow|expect) $name $part( |\$)" "${0%/*}"/6[0-6]-outside-*.sh && continue
		echo "no script runs the block \"$name $part\""
		exit 1
	done
}
check "each block of the document is run" every_recipe

start_bare
follow vlan node0
follow vlan node1
expect vlan check0 "node 0 reaches node 1 in it"
serve 1
check "vlan: TCP keeps the offloads" offload_kept 0 1 iperf 0 -c 10.7.0.2 -n 4M
check "vlan: full-size frames cross with a tag" in_node 0 '
	ping -q -c 2 -i 0.05 -W 2 -M do -s 1472 10.7.0.2'

start_bare
follow macvlan node0
follow macvlan node1
expect macvlan check0 "node 0 reaches the box on node 1"
check "macvlan: vni0 is not promiscuous for it" in_node 1 '
	ip -d link show vni0 | grep "promiscuity 0"'
# shellcheck disable=SC2034 # used by eval
box_to_0='VNI_NODE_TIMEOUT=60 in_node 1 "ip netns exec box iperf3 -c 192.168.77.1 -n 4M"'
check "macvlan: TCP out of the box keeps the offloads" eval '
	serve 0 && offload_kept 1 0 eval "$box_to_0"'
check "macvlan: the box hears a group that it joins" eval '
	in_node 1 "ip -n box addr add 239.7.7.8/32 dev mv0 autojoin &&
		ip netns exec box sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0" &&
	in_node 0 "ip route replace 239.7.7.0/24 dev vni0 &&
		ping -q -c 3 -i 0.05 -W 2 -t 1 239.7.7.8 | grep \" 3 received\""'

start_bare
follow vxlan node0
follow vxlan node1
expect vxlan check0 "node 0 reaches node 1 in it"
check "vxlan: its MTU is vni0's but 50 bytes" in_both '
	ip link show vx42 | grep "mtu 65467 "'
check "vxlan: frames of that size cross, both ways" in_both '
	ping -q -c 2 -i 0.05 -W 2 -M do -s 65439 10.42.0.$((PEER + 1))'
serve 1
check "vxlan: TCP crosses in large frames" offload_kept 0 1 iperf 0 -c 10.42.0.2 -n 4M
check "vxlan: TCP crosses over the MTU of a LAN" eval '
	in_both "ip link set vni0 mtu 1500 && ip link set vx42 mtu 1450" &&
		iperf 0 -c 10.42.0.2 -n 1M >/dev/null'
check "no frame was dropped by the driver" in_both no_drops
