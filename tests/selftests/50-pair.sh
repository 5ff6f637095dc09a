#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
# env: partition pair
# Pairs in one kernel: made, moved, used and removed by ip, in whatever order. All on node 0.

. "${0%/*}/net.sh"
ktap_plan 27

# pairs SCRIPT [ARG...]: in node 0, with what the tests below have in common.
_pairs='
export IP_LIB_DIR=/bin # link_vni.so
there() { ip ${2:+-n $2} link show "$1" >/dev/null 2>&1; }
gone() { ! there "$@"; }
up() { # NAMESPACE DEVICE ADDRESS
	ip -n $1 addr add $3/24 dev $2 && ip -n $1 link set $2 up
}
carrier() { [ "$(ip netns exec $1 cat /sys/class/net/$2/carrier 2>/dev/null)" = 1 ]; }
reaches() { # NAMESPACE ADDRESS
	within 5 ip netns exec $1 ping -q -c 1 -W 1 $2
}
# a and b, with an end of NAME each, 10.5.0.1 and 10.5.0.2
split() { # NAME
	ip netns add a && ip netns add b && ip link add $1 type vni &&
		ip link set $1 netns a && ip link set $1-p netns b &&
		up a $1 10.5.0.1 && up b $1-p 10.5.0.2 && reaches a 10.5.0.2
}
refused() { # TEXT COMMAND...: fails, and says TEXT
	_text=$1
	shift
	! _said=$("$@" 2>&1) || { echo "not refused: $*"; return 1; }
	echo "$_said"
	echo "$_said" | grep -qF -- "$_text"
}
# windows in memory beyond the one that a lab of its own kind may have
pairs_left() { echo $(($(grep -c "pair_.*\[vni_shm\]" /proc/vmallocinfo) - $(cat /tmp/base))); }
'
pairs() {
	_pairs_script=$1
	shift
	in_node 0 "$_pairs
$_pairs_script" "$@"
}

cleanup() {
	pairs 'ip netns del a; ip netns del b; ip netns del c
		for dev in $(ls /sys/class/net); do
			case $dev in vp*) ip link del $dev ;; esac
		done; true' >/dev/null 2>&1
	in_both 'rmmod vni; rmmod vni_shm; true' >/dev/null 2>&1
}
cleanup
check "the modules load" pairs 'load_modules && echo 0 >/tmp/base && pairs_left >/tmp/base.new &&
	mv /tmp/base.new /tmp/base && cat /tmp/base'

check "ip link add NAME type vni makes NAME and NAME-p, each the other's link" pairs '
	ip link add vp0 type vni && ip -o link show type vni &&
		ip link show vp0 | grep -q "vp0@vp0-p:" && ip link show vp0-p | grep -q "vp0-p@vp0:"'
check "they have addresses of their own and no carrier" pairs '
	[ "$(cat /sys/class/net/vp0/address)" != "$(cat /sys/class/net/vp0-p/address)" ] &&
		ip link set vp0 up && within 2 sh -c "ip link show vp0 | grep NO-CARRIER"'
check "both up: a carrier within 2 s; one down: none" pairs '
	DEV=vp0; ip link set vp0-p up && within 2 carrier_is 1 && ip link set vp0-p down &&
		within 2 carrier_is 0'
check "form, statistics and MTU are there on both ends" pairs '
	for dev in vp0 vp0-p; do
		echo headtail >/sys/class/net/$dev/vni/form &&
			ethtool -S $dev | grep -q tx_frames && ip link set $dev mtu 9000 &&
			ethtool -i $dev | grep -q "bus-info: pair" || exit
	done'
check "ip link del of the first end removes both" pairs '
	ip link del vp0 && gone vp0 && gone vp0-p && [ "$(pairs_left)" = 0 ]'
check "ip link del of the other end removes both" pairs '
	ip link add vp0 type vni && ip link del vp0-p && gone vp0 && gone vp0-p'
check "without a name they are called vniN" pairs '
	before=$(ip -o link show type vni | wc -l)
	ip link add type vni && [ "$(ip -o link show type vni | wc -l)" = $((before + 2)) ] &&
		last=$(ip -o link show type vni | sed -n "\$s/^[0-9]*: \(vni[0-9]*\)@.*/\1/p") &&
		ip link del $last'
check "address and MTU are taken from the command" pairs '
	ip link add vp0 address 02:00:00:00:50:01 mtu 9000 type vni &&
		ip link show vp0 | tr "\n" " " | grep "mtu 9000 .*02:00:00:00:50:01" && ip link del vp0'
check "one queue if one is asked for" pairs '
	ip link add vp0 numtxqueues 1 numrxqueues 1 type vni &&
		[ "$(ethtool -S vp0 | grep -c _tx_frames:)" = 1 ] && ip link del vp0'
check "peer with a name, an address and a namespace" pairs '
	ip netns add a &&
		ip link add vp0 type vni peer name other address 02:00:00:00:50:02 netns a &&
		ip -n a link show other | grep 02:00:00:00:50:02 && ip link del vp0 && gone other a
	code=$?; ip netns del a; exit $code'

check "a name that is there is refused" pairs '
	ip link add vp0 type vni && refused "File exists" ip link add vp0 type vni &&
		refused "peer'\''s name" ip link add vp1 type vni peer name vp0 && gone vp1'
check "a name too long for its peer is refused" pairs '
	refused "at most 13 characters" ip link add vp34567890abcd type vni &&
		ip link add vp34567890abc type vni && ip link del vp34567890abc'
check "bad addresses and MTUs are refused" pairs '
	refused "" ip link add vp1 address 01:00:5e:00:00:01 type vni &&
		refused "" ip link add vp1 mtu 67 type vni &&
		refused "unicast" ip link add vp1 type vni peer name x address 01:00:5e:00:00:01 &&
		gone vp1 && gone x'
check "more queues than there are is refused" pairs '
	refused "more queues" ip link add vp1 numtxqueues 9 numrxqueues 9 type vni && gone vp1-p'
check "a memory size out of range is refused" pairs '
	echo 1 >/sys/module/vni/parameters/pair_mib
	refused "pair_mib must be 2 to 64" ip link add vp1 type vni; code=$?
	echo 8 >/sys/module/vni/parameters/pair_mib; exit $code'
check "no memory left: refused with a message, nobody killed" pairs '
	before=$(dmesg | grep -c "Out of memory"); i=0
	echo 64 >/sys/module/vni/parameters/pair_mib
	while [ $i -lt 40 ] && said=$(ip link add vpm$i type vni 2>&1); do i=$((i + 1)); done
	echo "$i pairs of 128 MiB, then: $said"
	for n in $(seq 0 $((i - 1))); do ip link del vpm$n; done
	echo 8 >/sys/module/vni/parameters/pair_mib
	echo "$said" | grep -q "no memory for a window" &&
		[ "$(dmesg | grep -c "Out of memory")" = "$before" ]'
pairs 'ip link del vp0'

check "an end in each of two namespaces: they reach each other" pairs 'split vp0'
check "TCP between them" pairs '
	ip netns exec b iperf3 -s -D && sleep 0.5 &&
		ip netns exec a iperf3 -c 10.5.0.2 -n 20M --bidir | tail -5'
check "doorbells were rung and nothing was dropped" pairs '
	for at in "a vp0" "b vp0-p"; do
		set -- $at
		ip netns exec $1 ethtool -S $2 | awk "
			/bells_seen/ { bells += \$2 }
			/no_memory|bad_frame|too_long|bad_offload|peer_full/ { bad += \$2 }
			END { print bells, bad; exit !bells || bad }" || exit
	done'
check "an end moves to a third namespace and goes on there" pairs '
	ip netns add c && ip -n b link set vp0-p netns c && up c vp0-p 10.5.0.2 &&
		reaches a 10.5.0.2'
check "four more pairs between the two, a bridge over their ends" pairs '
	ip -n b link add br0 type bridge && ip -n b link set br0 up &&
		ip -n b addr add 10.6.0.100/24 dev br0 &&
		ip netns exec a sysctl -qw net.ipv4.conf.all.arp_ignore=1 || exit
	for n in 1 2 3 4; do
		ip link add vp$n type vni && ip link set vp$n netns a &&
			ip link set vp$n-p netns b && ip -n b link set vp$n-p master br0 up &&
			up a vp$n 10.6.0.$n || exit
	done
	for n in 1 2 3 4; do
		within 5 ip netns exec a ping -q -c 1 -W 1 -I vp$n 10.6.0.100 || exit
	done'
check "a namespace that goes under traffic takes both ends of its pairs" pairs '
	ip netns exec a ping -q -f -s 3000 -I vp1 10.6.0.100 >/dev/null 2>&1 &
	ip netns exec a ping -q -f -s 3000 10.5.0.2 >/dev/null 2>&1 &
	sleep 1
	ip netns exec b killall iperf3
	ip netns del b && within 10 gone vp1 a && within 10 gone vp4 a && there vp0 a
	code=$?; killall ping; ip netns del c
	within 10 gone vp0 a && ip netns del a; exit $code'
check "their memory is free again" pairs 'within 10 eval "[ \$(pairs_left) = 0 ]"'

# shellcheck disable=SC2034 # for node()
VNI_NODE_TIMEOUT=100
check "100 times made and removed, 20 times with traffic: no memory is lost" pairs '
	free() { awk "/^MemAvailable/ { print \$2 }" /proc/meminfo; }
	for n in 1 2 3 4 5; do echo "link add vp0 type vni"; echo "link del vp0"; done >/tmp/five
	ip -batch /tmp/five && sleep 1 && before=$(free) || exit
	for round in $(seq 20); do
		ip -batch /tmp/five && ip link add vp0 type vni && ip link set vp0 up &&
			ip link set vp0-p up && ping -q -c 1 -W 1 -I vp0 ff02::1 >/dev/null 2>&1
		ip link del vp0-p || exit
	done
	# what the stack gives back late, too
	for second in $(seq 20); do
		sleep 1
		after=$(free)
		[ $after -gt $((before - 6000)) ] && break
	done
	echo "MemAvailable in kB: $before before, $after after"
	[ $after -gt $((before - 6000)) ] && [ "$(pairs_left)" = 0 ]'
check "rmmod vni under traffic removes all pairs, and it loads again" pairs '
	split vp0 && ip link add vp1 type vni || exit
	ip netns exec a ping -q -f -s 3000 10.5.0.2 >/dev/null 2>&1 &
	ip netns exec b ping -q -f -s 3000 10.5.0.1 >/dev/null 2>&1 &
	sleep 0.5
	rmmod vni && gone vp1 && gone vp0 a && gone vp0-p b &&
		! grep "pair_.*\[vni_shm\]" /proc/vmallocinfo && rmmod vni_shm && load_modules && ip link add vp1 type vni; code=$?
	killall ping; ip link del vp1; ip netns del a; ip netns del b; exit $code'
check "no pair is left" pairs '[ "$(pairs_left)" = 0 ]'
