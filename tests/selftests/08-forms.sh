#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# Head/tail, offset manager, or by size: selectable at any time, proved by the counters. And the
# other settings that ethtool shows.

. "${0%/*}/net.sh"
ktap_plan $((19 + BOOKS))
fresh_or_end

# use NODE FORM: as a person would.
use() {
	in_node "$1" 'echo "$1" >$FORM && [ "$(cat $FORM)" = "$1" ]' "$2"
}

# inline NODE SIZE COUNT: ping from NODE; prints what node NODE sent and the other received, frames
# and those of them that lay in the ring.
inline() {
	_inline_peer=$((1 - $1))
	_inline_tx=$(in_node "$1" 'stats tx_frames tx_inline_frames')
	_inline_rx=$(in_node "$_inline_peer" 'stats rx_frames rx_inline_frames')
	in_node "$1" 'ping -q -c $2 -i 0.01 -s $1 192.168.77.'$((_inline_peer + 1)) "$2" "$3" \
		>/dev/null || return
	# shellcheck disable=SC2046,SC2086 # numbers
	set -- $(in_node "$1" 'stats tx_frames tx_inline_frames') $_inline_tx \
		$(in_node "$_inline_peer" 'stats rx_frames rx_inline_frames') $_inline_rx
	echo "$(($1 - $3)) $(($2 - $4)) $(($5 - $7)) $(($6 - $8))"
}

# Only what the pings send is to be counted: neighbours are known, IPv6 is silent.
in_both 'ip neigh replace 192.168.77.$((PEER + 1)) dev vni0 nud permanent lladdr \
		$(ip neigh show 192.168.77.$((PEER + 1)) dev vni0 | sed "s/.*lladdr \([^ ]*\).*/\1/") &&
	sysctl -qw net.ipv6.conf.vni0.disable_ipv6=1' || diag "neighbours could not be set"

check_equal "the form is mixed at first" mixed "$(node 0 cat /sys/class/net/vni0/vni/form)"
check_equal "mixed: small frames lie in the ring" "20 20 20 20" "$(inline 0 100 20)"
check_equal "mixed: and those of Ethernet's usual size" "20 20 20 20" "$(inline 0 1472 20)"
in_both 'ethtool --set-tunable vni0 tx-copybreak 1024'
check_equal "mixed: ones larger than tx-copybreak lie in slots" "20 0 20 0" "$(inline 0 1400 20)"
use 0 headtail
check_equal "headtail: large frames lie in the ring too" "20 20 20 20" "$(inline 0 1400 20)"
check_equal "headtail: the other node's form is its own affair" "20 0 20 0" "$(inline 1 1400 20)"
use 0 offset
check_equal "offset: small frames lie in slots too" "20 0 20 0" "$(inline 0 16 20)"
use 0 mixed
check "tx-copybreak moves the threshold, exactly" eval '
	node 0 ethtool --set-tunable vni0 tx-copybreak 242 &&
		[ "$(inline 0 200 5) $(inline 0 201 5)" = "5 5 5 5 5 0 5 0" ]'
check "tx-copybreak 0: all in slots; 4096: all of an Ethernet frame in the ring" eval '
	node 0 ethtool --set-tunable vni0 tx-copybreak 0 && [ "$(inline 0 16 5)" = "5 0 5 0" ] &&
		node 0 ethtool --set-tunable vni0 tx-copybreak 4096 &&
		[ "$(inline 0 1472 5)" = "5 5 5 5" ] &&
		node 0 ethtool --set-tunable vni0 tx-copybreak 1024'
check_fails "tx-copybreak 4097 is refused" node 0 ethtool --set-tunable vni0 tx-copybreak 4097
check "nonsense is refused as a form, says what is expected, and changes nothing" in_node 0 '
	echo "vni-test: nonsense" >/dev/kmsg
	for word in nonsense "" mixedd 1; do
		! echo "$word" >$FORM || exit
	done
	[ "$(cat $FORM)" = mixed ] &&
		dmesg | sed "1,/vni-test: nonsense/d" | grep "expected mixed, headtail or offset"'

serve 1
check "switched 60 times on both sides under TCP both ways, which goes on" eval '
	pid=$(iperf_bg --bidir) &&
		in_both "
			for round in 1 2 3 4 5 6 7 8 9 10; do
				for form in headtail offset mixed; do
					echo \$form >\$FORM && sleep 0.05 || exit
				done
			done
			before=\$(stat rx_bytes)
			more() { [ \$((\$(stat rx_bytes) - before)) -gt 300000 ]; }
			within 10 more" && node 0 kill "$pid" && node 1 killall iperf3'
for form in headtail offset; do
	use 0 $form
	use 1 $form
	check "$form on both sides: largest datagrams, both ways" in_both '
		ping -q -c 5 -i 0.01 -W 3 -s 65507 192.168.77.$((PEER + 1))'
done

check "ethtool -i names driver, version and place" in_node 0 '
	ethtool -i vni0 | tr "\n" " " | grep "driver: vni version: window .*bus-info: [^ ]"'
check "ethtool -g and -l show rings and queues" in_node 0 '
	ethtool -g vni0 | grep -q "^TX:[^0-9]*[1-9]" &&
		[ "$(ethtool -l vni0 | grep -c "^Combined:[^0-9]*[1-9]")" = 2 ] &&
		[ "$(ethtool -S vni0 | grep -c "_tx_frames:")" = \
			"$(ethtool -l vni0 | sed -n "\$s/[^0-9]//gp")" ] || { ethtool -l vni0; exit 1; }'
check "rx-usecs and adaptive-rx can be set and read back" in_node 0 '
	ethtool -C vni0 rx-usecs 200 adaptive-rx off && ethtool -c vni0 | grep "^rx-usecs:[^0-9]*200" &&
		ethtool -c vni0 | grep "Adaptive RX: off" &&
		ping -q -f -c 200 192.168.77.2 | grep " 0% packet loss" &&
		ethtool -C vni0 rx-usecs 0 && ping -q -f -c 200 192.168.77.2 | grep " 0% packet loss" &&
		ethtool -C vni0 rx-usecs 64 adaptive-rx on'
check_fails "rx-usecs 10001 is refused" node 0 ethtool -C vni0 rx-usecs 10001
check_fails "a setting that there is not is refused" node 0 ethtool -C vni0 tx-usecs 5
check_books
