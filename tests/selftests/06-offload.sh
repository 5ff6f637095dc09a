#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 150
# Segments cross whole and without checksums; without offloads everything works as well.

. "${0%/*}/net.sh"
ktap_plan $((14 + BOOKS))
fresh_or_end
serve 1

# frame_size NODE -gt|-le BYTES OPTION...: bytes in a frame, on average, of those that
# node NODE sends while iperf3 runs.
frame_size() {
	_fs_node=$1
	_fs_test=$2
	_fs_bytes=$3
	shift 3
	_fs_before=$(in_node "$_fs_node" 'stats tx_frames tx_bytes') || return
	_fs_said=$(iperf 0 "$@") || { echo "$_fs_said" | tail -5; return 1; }
	# shellcheck disable=SC2046,SC2086 # numbers
	set -- $(in_node "$_fs_node" 'stats tx_frames tx_bytes') $_fs_before
	[ "$1" -gt "$3" ] || { echo "no frame"; return 1; }
	_fs_size=$((($2 - $4) / ($1 - $3)))
	echo "$_fs_size bytes a frame"
	test "$_fs_size" "$_fs_test" "$_fs_bytes"
}

offload() { # NODE FEATURE on|off ...
	_off=$1
	shift
	in_node "$_off" 'ethtool -K vni0 "$@" && ethtool -k vni0' "$@" >/dev/null
}

check "TCP over IPv4 crosses in frames larger than the MTU, from node 0" \
	frame_size 0 -gt 6000 -c 192.168.77.2 -t 1
check "TCP over IPv4 crosses in frames larger than the MTU, from node 1" \
	frame_size 1 -gt 6000 -c 192.168.77.2 -t 1 -R
check "TCP over IPv6 likewise" frame_size 0 -gt 6000 -c fd77::2 -t 1
serving 1 >/dev/null
check "their segment size is that of the MTU" in_node 0 '
	iperf3 -c 192.168.77.2 -t 10 >/dev/null &
	pid=$!
	within 5 sh -c "ss -Htin dst 192.168.77.2 | grep -q \" mss:1448 \""
	code=$?
	ss -Htin dst 192.168.77.2
	kill $pid
	exit $code'
for node in 0 1; do
	offload $node tso off gso off
	check "TSO and GSO off on node $node: frames of the MTU, from node 0" \
		frame_size 0 "$([ $node = 0 ] && echo -le || echo -gt)" 1514 -c 192.168.77.2 -t 1
	check "TSO and GSO off on node $node: traffic from node 1" \
		frame_size 1 "$([ $node = 1 ] && echo -le || echo -gt)" 1514 -c 192.168.77.2 -t 1 -R
	offload $node tx off
	check "checksums made by node $node's stack: traffic passes both ways" eval '
		iperf 0 -c 192.168.77.2 -n 1M >/dev/null &&
			iperf 0 -c 192.168.77.2 -n 1M -R >/dev/null &&
			iperf 0 -u -c 192.168.77.2 -b 1M -l 1000 -n 100K >/dev/null'
	offload $node tx on sg off
	check "scatter-gather off on node $node: traffic passes both ways" eval '
		iperf 0 -c 192.168.77.2 -n 1M >/dev/null && iperf 0 -c fd77::2 -n 1M -R >/dev/null'
	offload $node sg on tso on gso on rx off
done
offload 0 tx off
check "a checksum that the sender's stack made arrives as it was made" eval '
	in_node 1 "
		rm -f /run/dump /run/dump.err
		setsid timeout 20 tcpdump -Z root -l -vv -nn -i vni0 -Q in udp port 9 \
			>/run/dump 2>/run/dump.err </dev/null &
		within 5 grep -q listening /run/dump.err" &&
		node 0 bash -c "for i in 1 2 3 4; do echo hello >/dev/udp/192.168.77.2/9; done" &&
		in_node 1 "within 5 sh -c \"grep -c \\\"udp sum ok\\\" /run/dump | grep -qx 4\""'
node 1 killall tcpdump
check "no checksum was wrong" in_both '[ "$(checksum_errors)" = 0 ]'
check_books
