#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 420
# env: ivshmem
# Devices come and go under traffic, two at once, and the server. 32-plain has unplugging by QEMU,
# which does not survive that of a device with doorbells (Documentation/lab.rst).

. "${0%/*}/net.sh"
ktap_plan 22
fresh_or_end
# shellcheck disable=SC2034 # in what is evaluated
lab=$VNI_LAB_COMMAND second=
end_traffic() {
	in_both 'rm -f /run/traffic; killall -9 iperf3; killall -9 ping' >/dev/null 2>&1
}
cleanup() {
	end_traffic
	in_both 'echo 1 >/sys/class/net/vni1/device/remove' >/dev/null 2>&1
}

boots=$(boot_of 0)$(boot_of 1)
begin_traffic() {
	in_both '
		: >/run/traffic
		setsid iperf3 -s >/dev/null 2>&1 </dev/null &
		setsid sh -c "while [ -e /run/traffic ]; do
			timeout 8 iperf3 --connect-timeout 1000 -t 6 \
				-c 192.168.77.$((PEER + 1)) || sleep 1
		done" >/dev/null 2>&1 </dev/null &
		setsid sh -c "while [ -e /run/traffic ]; do
			ping -q -i 0.02 -s 3000 -w 5 192.168.77.$((PEER + 1)) || sleep 1
		done" >/dev/null 2>&1 </dev/null &'
}
flows() {
	in_both '
		before=$(stat rx_bytes)
		more() { [ $(($(stat rx_bytes) - before)) -gt 200000 ]; }
		within 10 more'
}
# gone_and_back WHAT N TAKE GIVE: the device of node N goes and comes, by these two commands.
gone_and_back() {
	other=$((1 - $2))
	check "$1: the device of node $2 goes" eval "$3"' && in_node '"$2"' "
		within 5 [ ! -e /sys/class/net/vni0 ]"'
	check "$1: node $other loses its carrier within 2 s, its slots return" in_node $other '
		within 2 carrier_is 0 && within 5 slots_home'
	check "$1: it comes back, and so does the link" eval "$4"' && in_node '"$2"' "
		within 10 [ -e /sys/class/net/vni0 ] && configure '"$2"'" &&
			in_both "within 5 carrier_is 1"'
	check "$1: traffic flows again" flows
}

begin_traffic
check "traffic flows" flows
address=$(in_node 1 'basename "$(readlink /sys/class/net/vni0/device)"')
gone_and_back "removed by the guest ($address)" 1 \
	'in_node 1 "echo 1 >/sys/bus/pci/devices/$address/remove"' \
	'in_node 1 "echo 1 >/sys/bus/pci/rescan"'
gone_and_back "removed by the guest ($address)" 0 \
	'in_node 0 "echo 1 >/sys/bus/pci/devices/$address/remove"' \
	'in_node 0 "echo 1 >/sys/bus/pci/rescan"'
driver=$(in_node 1 'basename "$(readlink /sys/bus/pci/devices/'"$address"'/driver)"')
gone_and_back "unbound from $driver" 1 \
	'in_node 1 "echo $address >/sys/bus/pci/drivers/$driver/unbind"' \
	'in_node 1 "echo $address >/sys/bus/pci/drivers/$driver/bind"'

check "a second device is a second window: vni1 on both" eval '
	"$lab" plug 0 1 && "$lab" plug 1 1 && in_both "
		within 10 [ -e /sys/class/net/vni1 ] && ip link set vni1 up &&
			ip addr add 192.168.78.\$((NODE + 1))/24 dev vni1"'
check "both windows show in debugfs" in_both '[ "$(ls -d /sys/kernel/debug/vni/*/ | wc -l)" = 2 ]'
check "an answer comes by each of the two" in_both '
	within 5 ping -q -c 1 -W 1 -I vni1 192.168.78.$((PEER + 1)) &&
		within 5 ping -q -c 1 -W 1 -I vni0 192.168.77.$((PEER + 1))'
end_traffic
check "both carry traffic at once" in_both '
	ping -q -i 0.02 -c 150 -s 3000 -W 5 192.168.77.$((PEER + 1)) >/run/one &
	ping -q -i 0.02 -c 150 -s 3000 -W 5 192.168.78.$((PEER + 1)) >/run/two
	wait
	cat /run/one /run/two
	grep -q " 0% packet loss" /run/one && grep -q " 0% packet loss" /run/two'
# shellcheck disable=SC2034
second=$(in_node 0 'basename "$(readlink /sys/class/net/vni1/device)"')
check "vni1 goes from node 0 and loses node 1 its carrier, while vni0 loses nothing" eval '
	node_bg 1 sh -c "ping -q -c 200 -i 0.02 -W 5 192.168.77.1 >/run/one 2>&1" >/dev/null
	in_node 0 "echo 1 >/sys/bus/pci/devices/$second/remove" &&
		in_node 1 "DEV=vni1; within 2 carrier_is 0" && in_node 1 "
		within 20 grep -q transmitted /run/one && grep \" 0% packet loss\" /run/one ||
			{ cat /run/one; exit 1; }"'
check "both go on when the server has ended and another has come" eval '
	"$lab" server restart && in_both "ping -q -c 5 -i 0.1 -W 5 192.168.77.\$((PEER + 1))"'
check_equal "nobody has booted meanwhile" "$boots" "$(boot_of 0)$(boot_of 1)"
check "no link was refused for a fault" in_both '! grep "faults [1-9]" /sys/kernel/debug/vni/*/status'
check "all slots are free" slots_return
