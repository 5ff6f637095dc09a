#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 150
# UDP at a rate that both nodes keep up with, unless the machine is busy with something else. What a
# full socket drops is not VNI's; what VNI is given, it brings over: the books say whether it did.

. "${0%/*}/net.sh"
ktap_plan $((14 + BOOKS))
fresh_or_end
serve 1

# overflows NODE: datagrams that found its sockets full, so far.
overflows() {
	in_node "$1" 'awk "
		/^Udp:/ && !at { for (at = NF; \$at != \"RcvbufErrors\"; at--) if (at == 1) exit 1; next }
		/^Udp:/ { sum += \$at }
		\$1 == \"Udp6RcvbufErrors\" { sum += \$2 }
		END { print sum + 0 }" /proc/net/snmp /proc/net/snmp6'
}

# arrive RECEIVER OPTION...: node 0 is the client; datagrams were sent, and most arrived, in the
# socket or at a socket that was full because the receiver's program did not get to read.
arrive() {
	_arrive_at=$1
	shift
	_arrive_before=$(overflows "$_arrive_at") || return
	_arrive=$(iperf 0 -u "$@") || { echo "$_arrive" | tail -5; return 1; }
	_arrive_full=$(($(overflows "$_arrive_at") - _arrive_before))
	# shellcheck disable=SC2046 # two numbers
	set -- $(numbers "$_arrive" end.sum.packets end.sum.lost_packets)
	echo "of $1 datagrams $2 did not get into the socket, which was full for $_arrive_full"
	[ "$1" -gt 0 ] && [ "$2" -lt "$1" ] && [ $((2 * ($2 - _arrive_full))) -le "$1" ]
}

for back in '' -R; do
	way="node 0 to 1" to=1
	[ "$back" ] && way="node 1 to 0" to=0
	# shellcheck disable=SC2086 # no option or one
	{
		check "64 bytes, $way" arrive $to -c 192.168.77.2 -t 1 -l 64 -b 500K $back
		check "1472 bytes, $way" arrive $to -c 192.168.77.2 -t 1 -l 1472 -b 10M $back
		check "16 KB in fragments, $way" arrive $to -c 192.168.77.2 -t 1 -l 16384 -b 20M $back
		check "IPv6, 1452 bytes, $way" arrive $to -c fd77::2 -t 1 -l 1452 -b 10M $back
	}
done
check "both directions at once" eval '
	run=$(iperf 0 -u -c 192.168.77.2 -t 1 -l 1000 -b 5M --bidir) &&
		[ "$(numbers "$run" end.sum.packets)" -gt 0 ]'
check "16 KB as single frames at MTU 65517" eval '
	in_both "ip link set vni0 mtu 65517" &&
		arrive 1 -c 192.168.77.2 -t 1 -l 16384 -b 20M'
check "so far every frame arrived" frames_agree 0 1

# As fast as the sender can: sockets overflow, rings must not.
check "a flood of 64 bytes is held up, not dropped, by the driver" eval '
	iperf 0 -u -c 192.168.77.2 -t 1 -l 64 -b 0 >/dev/null && frames_agree 0 1'
check "a flood of 16 KB is held up, not dropped, by the driver" eval '
	iperf 0 -u -c 192.168.77.2 -t 1 -l 16384 -b 0 -R >/dev/null && frames_agree 1 0'
check "no checksum was wrong" in_both '[ "$(checksum_errors)" = 0 ]'
check_books
