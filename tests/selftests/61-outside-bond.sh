#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
# env: partition
# The recipe of Documentation/outside.rst for a bond: vni0 and a second link, one in use.

. "${0%/*}/recipes.sh"
ktap_plan 18

scratch=$(mktemp -d)
pids=
# shellcheck disable=SC2086 # pids
cleanup() {
	take_away >/dev/null 2>&1
	[ -z "$pids" ] || kill $pids 2>/dev/null
	rm -rf "$scratch"
}

# The second link, eth1 in the recipe: a TAP device in each node, and the lab's own byte streams,
# which have nothing to do with vni0, between them.
second_link() {
	cc -std=gnu11 -O2 -Wall -Werror -static -o "$scratch/tapwire" "${0%/*}/tapwire.c" &&
		mkfifo "$scratch/0to1" "$scratch/1to0" || return
	for n in 0 1; do
		push $n "$scratch/tapwire" /bin/tapwire && node $n modprobe tun || return
	done
	# Each opens its FIFOs in the other's order: neither waits for ever.
	"$VNI_LAB_COMMAND" exec 0 -i -- tapwire eth1 >"$scratch/0to1" <"$scratch/1to0" &
	pids="$pids $!"
	"$VNI_LAB_COMMAND" exec 1 -i -- tapwire eth1 <"$scratch/0to1" >"$scratch/1to0" &
	pids="$pids $!"
	wait_for 10 in_both 'ip link show eth1'
}

# active DEVICE: both bonds use it.
active() {
	in_both 'within 10 grep -q "Currently Active Slave: $1" /proc/net/bonding/bond0' "$1"
}

# crosses LINK: of two devices of node 0, a ping of three was seen by this one and not by the other.
crosses() {
	in_node 0 '
		sent() { cat /sys/class/net/$1/statistics/tx_packets; }
		one=$(sent $1) two=$(sent $2)
		ping -q -c 3 -i 0.05 -W 5 192.168.78.2 | grep " 3 received" || exit
		echo "$1 $one -> $(sent $1), $2 $two -> $(sent $2)"
		[ $(($(sent $1) - one)) -ge 3 ] && [ $(($(sent $2) - two)) -lt 3 ]' "$1" "$2"
}

start_bare
second_link || exit
in_both 'ip link set eth1 up && ip addr add 10.1.0.$((NODE + 1))/24 dev eth1' || exit
check "the second link carries frames by itself" in_node 0 'within 20 ping -q -c 1 -W 2 10.1.0.2'
in_both 'ip addr flush dev eth1' || exit

follow bond node0
follow bond node1
active vni0 >/dev/null
expect bond check0 "traffic takes vni0"
check "and nothing of it takes the other link" crosses vni0 eth1

# Answers are counted on both sides of the failover, under a ping that runs all the time.
answers() {
	in_node 0 'grep -c "bytes from" /run/ping.log'
}
more_answers() {
	[ "$(answers)" -ge $((before + 5)) ]
}
in_node 0 'setsid ping -n -i 0.1 192.168.78.2 >/run/ping.log 2>&1 </dev/null &'
before=$(answers)
check "under a ping" wait_for 20 more_answers
check "vni0 goes down on node 1: both bonds take the other link" eval '
	node 1 ip link set vni0 down && active eth1'
before=$(answers)
check "and the ping goes on" wait_for 20 more_answers
check "over it alone" crosses eth1 vni0
check "vni0 comes back: both bonds take it again" eval '
	node 1 ip link set vni0 up && active vni0'
before=$(answers)
check "and the ping goes on" wait_for 20 more_answers

check "both links have the bond's MAC address" in_both '
	for name in vni0 eth1; do
		cat /sys/class/net/$name/address | cmp - /sys/class/net/bond0/address || exit
	done'
active_on_0() {
	in_node 0 'grep "Active Slave: $1" /proc/net/bonding/bond0' "$1"
}
check "vni0 goes on node 1 with its module: the bond goes on" eval '
	node 1 rmmod vni && wait_for 10 active_on_0 eth1 &&
		before=$(answers) && wait_for 20 more_answers'
check "and comes back with it" eval '
	in_node 1 "insmod /vni/vni.ko && ip link set vni0 master bond0" && active vni0 &&
		before=$(answers) && wait_for 20 more_answers'
check "TCP over the bond keeps the offloads" eval '
	serve 1 && offload_kept 0 1 iperf 0 -c 192.168.78.2 -n 4M'
check "no frame was dropped by the driver" in_both no_drops

# The same bond, but each link keeps its own address and the bond takes that of the link in use.
own_address() {
	for n in 0 1; do
		_lines=$(recipe bond node$n | sed 's/mode active-backup/& fail_over_mac active/') &&
			in_node $n "set -e; ip link del bond0; $_lines" || return
	done
}
check "fail_over_mac active: the same commands run with it" own_address
check "fail_over_mac active: the bond goes over to the other link and back" eval '
	active vni0 && in_node 0 "within 20 ping -q -c 1 -W 2 192.168.78.2" &&
		node 1 ip link set vni0 down && active eth1 &&
		in_node 0 "within 20 ping -q -c 1 -W 2 192.168.78.2" &&
		node 1 ip link set vni0 up && active vni0 &&
		in_node 0 "within 20 ping -q -c 1 -W 2 192.168.78.2"'
