#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# Statistics add up to what was sent, exactly; doorbells are few where traffic is heavy.

. "${0%/*}/net.sh"
ktap_plan $((12 + BOOKS))
fresh_or_end

in_both 'ip neigh replace 192.168.77.$((PEER + 1)) dev vni0 nud permanent lladdr \
		$(ip neigh show 192.168.77.$((PEER + 1)) dev vni0 | sed "s/.*lladdr \([^ ]*\).*/\1/") &&
	sysctl -qw net.ipv6.conf.vni0.disable_ipv6=1' || diag "neighbours could not be set"

# pings COUNT SIZE: what they add to tx frames and bytes, rx frames and bytes of ethtool -S, the
# same of ip -s link, on node 0, then on node 1.
# all_of NODE: these eight numbers as they are.
all_of() {
	in_node "$1" 'set -- $(stats tx_frames tx_bytes rx_frames rx_bytes)
		for what in tx_packets tx_bytes rx_packets rx_bytes; do
			set -- "$@" $(cat /sys/class/net/vni0/statistics/$what)
		done
		echo "$@"'
}
pings() {
	_pings_before="$(all_of 0) $(all_of 1)"
	in_node 0 'ping -q -c $1 -s $2 -i 0.005 192.168.77.2' "$1" "$2" >/dev/null || return
	echo "$_pings_before $(all_of 0) $(all_of 1)" |
		awk '{ for (i = 1; i <= 16; i++) printf "%d%s", $(i + 16) - $i, (i < 16 ? " " : "\n") }'
}

# wanted FRAMES BYTES: those many each way, as seen by both nodes in both places.
wanted() {
	echo "$1 $2 $1 $2 $1 $2 $1 $2 $1 $2 $1 $2 $1 $2 $1 $2"
}
check_equal "100 pings of 56 bytes are 100 frames of 98 bytes each way" \
	"$(wanted 100 9800)" "$(pings 100 56)"
check_equal "50 pings of 1472 bytes are 50 frames of 1514 bytes each way" \
	"$(wanted 50 75700)" "$(pings 50 1472)"
# 1480 bytes of payload a fragment: 28 of 1514 bytes, and one of 34 + 56
check_equal "10 pings of 41488 bytes are 290 frames each way" \
	"$(wanted 290 $((10 * (28 * 1514 + 34 + 56))))" "$(pings 10 41488)"
check "ip -s link shows the same as sysfs" in_node 0 '
	ip -s link show vni0 | grep -q "^ *$(cat /sys/class/net/vni0/statistics/rx_bytes) *$(cat \
		/sys/class/net/vni0/statistics/rx_packets) "'

check "in slots too: 100 pings of 1000 bytes in the offset form" eval '
	in_both "echo offset >\$FORM" && got=$(pings 100 1000) && in_both "echo mixed >\$FORM" &&
		echo "$got" && [ "$got" = "$(wanted 100 104200)" ]'
check "slots that were lent came back" slots_return

check "a frame without a peer is counted as dropped, not as sent" eval '
	node 1 ip link set vni0 down && in_node 0 "
		within 3 carrier_is 0 || exit
		before=\$(stat tx_frames)
		ping -q -c 2 -i 0.2 -W 1 192.168.77.2
		[ \$(stat tx_frames) = \$before ]" && node 1 ip link set vni0 up &&
		in_node 0 "within 3 carrier_is 1"'
# the link is a new one: so are the counters, for the books at the end
fresh_or_end
serve 1

# bells NODE OPTION...: doorbells that NODE rings for 600 frames in the midst of a bulk transfer.
# Each pause of a busy host may ring one; the demo shows how few it takes without pauses.
bells() {
	_bells_node=$1
	shift
	_bells_pid=$(iperf_bg "$@")
	in_node "$_bells_node" '
		past() { [ "$(stat tx_frames)" -ge "$1" ]; }
		within 10 past $(($(stat tx_frames) + 100)) || exit
		before=$(stats tx_frames tx_bells_rung)
		within 20 past $((${before% *} + 600)) || exit
		after=$(stats tx_frames tx_bells_rung)
		frames=$((${after% *} - ${before% *})) bells=$((${after#* } - ${before#* }))
		echo "$frames frames, $bells doorbells"
		[ $((3 * bells)) -lt $frames ]'
	_bells_code=$?
	node 0 kill "$_bells_pid"
	in_node 1 'within 5 sh -c "! ss -Htn sport = :5201 | grep -q ESTAB"' >/dev/null
	return $_bells_code
}
check "bulk TCP from node 0 rings fewer than one doorbell in 3 frames" bells 0
check "bulk TCP from node 1 rings fewer than one doorbell in 3 frames" bells 1 -R
check "slots are lent while they are under way and all are back afterwards" eval '
	in_both "echo offset >\$FORM" && pid=$(iperf_bg) && in_node 0 "
		lent() { [ \$(stat slots_lent) -gt 0 ]; }
		within 10 lent" && node 0 kill "$pid" && slots_return'
check "free and lent add up to all, in the midst of traffic" eval '
	in_node 1 "within 5 sh -c \"! ss -Htn sport = :5201 | grep -q ESTAB\"" &&
		pid=$(iperf_bg) && in_node 0 "
			for i in \$(seq 30); do
				set -- \$(stats slots slots_free slots_lent)
				[ \$1 = \$((\$2 + \$3)) ] || { echo \$*; exit 1; }
			done" && node 0 kill "$pid"'
# The two sides are asked one after the other: a frame of the system's own may pass in between.
forms_agree() {
	frames_agree 0 1 && [ "$(in_node 0 'stat tx_inline_frames')" = \
		"$(in_node 1 'stat rx_inline_frames')" ]
}
check "frames in the ring, in slots and all of them agree on both sides" eval '
	in_node 1 "within 5 sh -c \"! ss -Htn sport = :5201 | grep -q ESTAB\"" &&
		wait_for 5 forms_agree'
check_books
