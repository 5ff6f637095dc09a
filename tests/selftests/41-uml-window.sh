#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 90
# env: uml
# A User-Mode Linux node finds its window and its id by itself, and says what it refuses.

. "${0%/*}/net.sh"
ktap_plan 8
fresh_or_end

# refused BEHAVIOUR TEXT PARAMETER...: vni_shm is not loaded on node 0, and TEXT is in its log.
refused() {
	_refused=$1
	shift
	check "$_refused" in_node 0 '
		text=$1
		shift
		echo "vni-test: $$" >/dev/kmsg
		! insmod /vni/vni_shm.ko "$@" && [ ! -e /sys/module/vni_shm ] || exit
		dmesg | sed "1,/vni-test: $$\$/d" >/run/said
		cat /run/said
		grep -qF -- "$text" /run/said' "$@"
}

# rung N: how often node N's doorbells rang.
rung() {
	in_node "$1" 'awk "/vni-bell/ { sum += \$2 } END { print sum + 0 }" /proc/interrupts'
}

check "each node took the seat that its command line names" in_both '
	grep "^window uml node $NODE " /sys/kernel/debug/vni/uml/status'
before=$(rung 1)
check "frames ring" in_node 0 'ping -q -c 5 -i 0.1 192.168.77.2'
check "doorbells are interrupts of the host's signals" test "$(rung 1)" -gt "$before"

in_node 0 'rmmod vni vni_shm'
refused "a node id beyond all seats" "expected 0 to 63" node=64
refused "a node id beyond the seats there are" "expected a node below that" node=63
refused "a number of seats that is no power of two" "expected a power of two" seats=3
refused "the seat of a living node" "seat 1 is taken by a living node" node=1
check "without any parameter it comes back" in_node 0 '
	load_modules && configure 0 && within 10 carrier_is 1 && ping -c 3 192.168.77.2'
