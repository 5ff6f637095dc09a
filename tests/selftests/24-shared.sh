#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
# lab: --nodes 3
# env: partition uml
# One skb that its owner sends again and again, in bursts, as pktgen does where a device allows it:
# each time a frame of its own arrives, whole, or is counted as dropped.

. "${0%/*}/nodes.sh"
have_feature module:pktgen || skip_all "this kernel has no pktgen"
ktap_plan 9
three_or_end

FRAMES=20000	# a multiple of what the rings and the queues for frames that wait can hold

# Both receivers have the address that the frames are for, and no socket there. The stack counts a
# datagram for nobody (NoPorts) only after its checksum was found right, and counts wrong ones, too.
in_all '[ $NODE = 0 ] || { ip link set lo up && ip addr replace 10.99.0.9/32 dev lo; }' || exit
in_node 0 'modprobe pktgen && ethtool -K $DEV tx off >/dev/null' || exit

# shellcheck disable=SC2016 # for a node's shell
generate='generate() {
	P=/proc/net/pktgen
	echo rem_device_all >$P/kpktgend_0
	echo "add_device $DEV" >$P/kpktgend_0
	for word in "count $1" "pkt_size $2" "dst_mac $3" "delay 0" "dst 10.99.0.9" \
		"flag UDPCSUM" "clone_skb 1000000" "burst $4"; do
		echo "$word" >$P/$DEV || return
	done
	echo start >$P/pgctrl
	sed -n "s/.*Result: OK: .* usec, \([0-9]*\) .*/\1/p" $P/$DEV
	echo rem_device_all >$P/kpktgend_0
}'

# right N: datagrams that have come to node N and were right.
right() {
	in_node "$1" 'awk "/^Udp:/ { for (i = 2; i <= NF; i++)
		if (at) { if (i == at) print \$i } else if (\$i == \"NoPorts\") found = i
		at = found }" /proc/net/snmp'
}

peers_up() {
	in_node 0 'within 8 eval "[ \$(grep -c \" link up \" /sys/kernel/debug/vni/*/status) = $1 ]"' "$1"
}

# counted: right at node 1, at node 2, dropped and waited so far.
counted() {
	echo "$(right 1) $(right 2) $(in_node 0 'stats tx_peer_full tx_waited')"
}

# arrive SIZE BURST MAC COPIES: send, and see what became of it: COPIES receivers for each frame.
# All that has arrived or was dropped is what was sent; "dropped" and "waited" are left behind.
arrive() {
	_copies=$4
	_before=$(counted)
	_sent=$(in_node 0 "$generate
		generate \"\$@\"" "$FRAMES" "$1" "$3" "$2")
	_arrive_until=$(($(date +%s) + $(scaled 5)))
	while :; do
		# shellcheck disable=SC2046,SC2086 # numbers
		set -- $(counted) $_before
		dropped=$(($3 - $7)) waited=$(($4 - $8))
		_said="sent $_sent, right at node 1 $(($1 - $5)), at node 2 $(($2 - $6)),"
		_said="$_said dropped $dropped, waited $waited"
		# the last burst may go beyond what was asked for
		[ "${_sent:-0}" -ge "$FRAMES" ] &&
			[ $(($1 - $5 + $2 - $6 + dropped)) = $((_sent * _copies)) ] && break
		[ "$(date +%s)" -lt "$_arrive_until" ] || { diag "$_said"; return 1; }
	done
	diag "$_said"
}

# shellcheck disable=SC2034 # used by eval
mac=$(node 1 cat /sys/class/net/vni0/address)
bad=$(in_node 1 checksum_errors)$(in_node 2 checksum_errors)

# frames of both forms
node 0 ethtool --set-tunable vni0 tx-copybreak 1024
# One peer: the transmit queue stops, and pktgen waits.
node 2 ip link set vni0 down
check "node 0 has a single peer" peers_up 1
for size in 60 1400; do
	check "one peer: $FRAMES times one skb of $size bytes, all right and none dropped" eval '
		arrive $size 1 "$mac" 1 && [ $dropped = 0 ]'
done
check "the same in bursts of 32" eval 'arrive 60 32 "$mac" 1 && [ $dropped = 0 ]'

# Several: it does not stop; what has no room waits as a clone, as many as may wait.
node 2 ip link set vni0 up
check "node 0 has two peers" peers_up 2
for size in 60 1400; do
	check "two peers, to one: $size bytes, what is not right there was counted as dropped" eval '
		arrive $size 32 "$mac" 1 && [ $waited -gt 0 ]'
done
check "two peers, to both: the same" eval 'arrive 60 32 ff:ff:ff:ff:ff:ff 2 && [ $waited -gt 0 ]'
check_equal "no checksum was wrong" "$bad" "$(in_node 1 checksum_errors)$(in_node 2 checksum_errors)"
