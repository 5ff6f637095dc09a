#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 200
# lab: --nodes 3
# env: partition
# Stations behind a bridge on a node: their addresses are learned, age, and move with them.

. "${0%/*}/nodes.sh"
ktap_plan 9
three_or_end

AGEING=/sys/class/net/vni0/vni/ageing_ms
station='02:00:00:00:77:63'
# A bridge over vni0 and one end of a veth pair; the other is a station of its own.
in_node 1 'modprobe -a bridge veth; ip netns add far && ip link add br0 type bridge &&
	ip link set br0 up && ip link set $DEV master br0 &&
	ip link add near type veth peer name far0 address '"$station"' netns far &&
	ip link set near master br0 up && ip -n far link set far0 up &&
	ip -n far addr add 192.168.77.99/24 dev far0' || diag "no bridge could be made"
cleanup() {
	in_node 1 'ip netns del far; ip link set $DEV nomaster; ip link del br0; ip link del near'
	in_node 2 'ip link del moved; ip link del br0'
	in_node 0 'ip neigh flush nud permanent dev $DEV'
} >/dev/null 2>&1

# Frames that node 2 hears while node 0 sends 20 to the station, which does not speak itself.
overheard() {
	_before=$(in_node 2 'stat rx_frames')
	in_node 0 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		ping -c 1 -W 0.05 192.168.77.98; done' >/dev/null 2>&1
	_after=$(in_node 2 'stat rx_frames')
	echo "$((_after - _before))"
}

check "a station behind node 1 answers" in_node 0 'within 5 ping -c 1 -W 1 192.168.77.99'
check "its address was learned" in_node 0 '[ "$(stat fdb_known)" -ge 1 ]'
# 192.168.77.98 has the address of the station, which drops what is for 98: no answer comes back
in_node 0 'ip neigh replace 192.168.77.98 lladdr '"$station"' nud permanent dev $DEV'
n=$(overheard)
diag "node 2 heard $n frames"
check "what is for it is not flooded" [ "$n" -lt 15 ]
check_fails "an ageing time that is none is refused" in_node 0 "echo soon >$AGEING"
in_node 0 "echo 500 >$AGEING; sleep 1"
check_equal "it is forgotten after the ageing time" 0 "$(in_node 0 'stat fdb_known')"
n=$(overheard)
diag "node 2 heard $n frames"
check "then it is flooded" [ "$n" -ge 20 ]
in_node 0 "echo 300000 >$AGEING"
node 1 ip netns exec far ping -c 1 -W 2 192.168.77.1 >/dev/null
check "it is learned again when it speaks" in_node 0 'within 3 eval "[ \$(stat fdb_known) -ge 1 ]"'

# The same address turns up behind node 2.
moves=$(in_node 0 'stat fdb_moves')
node 1 ip netns del far
in_node 2 'modprobe -a bridge macvlan; ip link add moved link $DEV type macvlan mode bridge &&
	ip link set moved address '"$station"' up && ip addr add 192.168.77.99/32 dev moved &&
	ping -I moved -c 2 -W 1 192.168.77.1' >/dev/null 2>&1
check "a station that moves to node 2 has moved" in_node 0 '
	within 3 eval "[ \$(stat fdb_moves) -gt $1 ]"' "$moves"
# Nobody may claim the address of a node. Node 1 speaks for itself again, not for its bridge.
in_node 1 'ip link set $DEV nomaster'
in_node 2 'ip link set moved address '"$(in_node 0 'cat /sys/class/net/$DEV/address')"'
	ping -I moved -c 2 -W 1 192.168.77.2' >/dev/null 2>&1
check "a node's own address is not learned elsewhere" in_node 1 '
	[ "$(stat fdb_refused)" -ge 1 ] && ping -c 2 -i 0.2 -W 2 192.168.77.1'
