#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# Loading, the device's name and address, and a carrier that follows the other side.

. "${0%/*}/net.sh"
ktap_plan 21
fresh_or_end

check "rmmod vni_shm is refused while vni is loaded" in_node 0 '
	! rmmod vni_shm && [ -e /sys/module/vni_shm ] && carrier_is 1'

check "every module parameter is documented by modinfo" in_node 0 '
	count=0
	for module in vni_shm vni vni_node; do
		[ -d /sys/module/$module/parameters ] || continue
		for parameter in /sys/module/$module/parameters/*; do
			name=${parameter##*/}
			modinfo -F parm /vni/$module.ko | grep -q "^$name:..........*" ||
				{ echo "$module: $name"; exit 1; }
			count=$((count + 1))
		done
	done
	[ $count -ge 5 ]'
check "modinfo names licence and purpose of both" in_node 0 '
	for module in vni_shm vni; do
		modinfo -F license /vni/$module.ko | grep -qx GPL &&
			modinfo -F description /vni/$module.ko | grep -q .......... || exit
	done'
check "the device is vni0, up, with a carrier on both sides" in_both '
	ip -o link show vni0 | grep "LOWER_UP.*state UP"'
check "debugfs shows the other node alive and the link up" in_both '
	status=/sys/kernel/debug/vni/*/status
	grep "^node $PEER alive generation [1-9]" $status && grep "service 1 link up" $status'

# Bites where each node is a process of its own: they are let run again one after the other.
changes() {
	in_node 0 'cat /sys/class/net/$DEV/carrier_changes' &&
		in_node 1 'cat /sys/class/net/$DEV/carrier_changes'
}
before=$(changes)
check "the host stops the machine for longer than a node may be silent: no link is lost" eval '
	"$VNI_LAB_COMMAND" freeze "$(scaled 3)" && sleep 0.5 && after=$(changes) &&
		echo "changes before: $before; after: $after" && [ "$after" = "$before" ]'

check "carrier of node 0 is lost within 2 s of link set down on node 1" \
	eval 'node 1 ip link set vni0 down && in_node 0 "within 2 carrier_is 0"'
check "and is back within 2 s of link set up" \
	eval 'node 1 ip link set vni0 up && in_node 0 "within 2 carrier_is 1"'
check "carrier of node 1 is lost within 2 s of link set down on node 0" \
	eval 'node 0 ip link set vni0 down && in_node 1 "within 2 carrier_is 0"'
check "and is back within 2 s of link set up" \
	eval 'node 0 ip link set vni0 up && in_node 1 "within 2 carrier_is 1"'
check "without a peer there is no carrier, and down and up still work" eval '
	node 1 rmmod vni && in_node 0 "within 2 carrier_is 0 && ip link set vni0 down &&
		ip link set vni0 up && carrier_is 0 &&
		within 2 sh -c \"ip link show vni0 | grep NO-CARRIER\""'
check "the link comes back with the peer's module" eval '
	in_node 1 "load_modules && configure 1" && in_node 0 "within 3 carrier_is 1"'

macs() {
	in_node 0 'cat /sys/class/net/vni0/address'
	in_node 1 'cat /sys/class/net/vni0/address'
}
before=$(macs)
check "addresses are local, unicast, and differ between the nodes" eval '
	[ "$(echo "$before" | grep -cE "^.[26ae]:")" = 2 ] && [ "$(echo "$before" | uniq | wc -l)" = 2 ]'
check "rmmod vni without its user is possible, vni_shm afterwards too" in_both '
	rmmod vni && [ ! -e /sys/class/net/vni0 ] &&
		rmmod vni_shm && [ ! -e /sys/kernel/debug/vni ]'
check "vni without vni_shm is refused" in_node 0 '
	echo "vni-test: insmod alone" >/dev/kmsg
	! insmod /vni/vni.ko && [ ! -e /sys/module/vni ]'
check "the log says what vni lacks" in_node 0 '
	dmesg | sed "1,/vni-test: insmod alone/d" | grep "vni: Unknown symbol vni_shm_"'
check "both modules load again and the link comes up" eval '
	in_both "load_modules && configure \$NODE" && in_both "within 3 carrier_is 1"'
if [ "${VNI_ENV-}" = pair ]; then
	skip "the addresses are those from before the reload" "the lab gives a pair its addresses"
else
	check_equal "the addresses are those from before the reload" "$before" "$(macs)"
fi

check "the address can be changed on a live device and traffic goes on" eval '
	node 0 ip link set vni0 address 02:00:00:00:00:77 &&
		in_node 1 "ip neigh flush dev vni0; ping -c 3 -i 0.05 -W 2 192.168.77.1"'
check "the other side sees the new address" in_node 1 '
	ip neigh show 192.168.77.1 dev vni0 | grep -i 02:00:00:00:00:77'
check_fails "a multicast address is refused" node 0 ip link set vni0 address 01:00:5e:00:00:01
