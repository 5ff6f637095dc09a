#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
# env: ivshmem
# lab: --plain
# A window without doorbells: traffic, and a device that QEMU takes and gives under traffic.

. "${0%/*}/net.sh"
. "${0%/*}/late.sh"
ktap_plan 23
fresh_or_end
# shellcheck disable=SC2034 # in what is evaluated
lab=$VNI_LAB_COMMAND
cleanup() {
	in_both 'rm -f /run/traffic; killall -9 ping' >/dev/null 2>&1
}

check "the device has no doorbell" in_both 'grep "doorbell \"none, polls" /sys/kernel/debug/vni/*/status'
check "pings of all sizes" in_both '
	for size in 0 56 1000 1472 3000 30000; do
		ping -q -c 20 -i 0.05 -s $size -W 5 192.168.77.$((PEER + 1)) >/run/said ||
			{ cat /run/said; exit 1; }
		grep -q " 0% packet loss" /run/said || { cat /run/said; exit 1; }
	done'
serve 1 >/dev/null
check "TCP" iperf 0 -c 192.168.77.2 -t 3
boots=$(boot_of 0)$(boot_of 1)
in_both '
	: >/run/traffic
	setsid sh -c "while [ -e /run/traffic ]; do
		ping -q -i 0.02 -s 3000 -w 5 192.168.77.$((PEER + 1)) || sleep 1
	done" >/dev/null 2>&1 </dev/null &'
for node in 0 1 0; do
	check "QEMU takes the device of node $node" eval '
		"$lab" unplug $node && in_node $node "within 5 [ ! -e /sys/class/net/vni0 ]"'
	check "the other loses its carrier within 2 s, its slots return" in_node $((1 - node)) '
		within 2 carrier_is 0 && within 5 slots_home'
	check "QEMU gives it back, and the link is there" eval '
		"$lab" plug $node && in_node $node "
			within 10 [ -e /sys/class/net/vni0 ] && configure $node" &&
			in_both "within 5 carrier_is 1"'
	check "an answer comes" in_both 'within 5 ping -q -c 1 -W 1 192.168.77.$((PEER + 1))'
done
in_both 'rm -f /run/traffic; killall -9 ping' >/dev/null 2>&1

# Memory goes that a program has not read yet.
check "frames stay in place" eval 'lend && serve 1 >/dev/null && stay_in_place'
check "a program that reads late holds some of them" late 7001
check "QEMU takes the device beside it" eval '
	"$lab" unplug 1 && in_node 1 "within 15 [ ! -e /sys/class/net/vni0 ]"'
check "the program reads, whatever is there now" in_node 1 '
	: >/run/go
	within 10 [ -s /run/late.7001 ] && wc -c /run/late.7001'
check "QEMU gives the device back, and the link is there" eval '
	"$lab" plug 1 && in_node 1 "within 10 [ -e /sys/class/net/vni0 ] && configure 1" && lend'
check "frames stay in place again" stay_in_place
check "nothing holds memory besides devices" in_node 1 '
	within 5 sh -c "! grep \"VNI, being read\" /proc/iomem"'
check_equal "nobody has booted meanwhile" "$boots" "$(boot_of 0)$(boot_of 1)"
