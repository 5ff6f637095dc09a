#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
# env: partition uml
# The direct form: frames that stay in the sender's memory, only where both nodes ask for it, and
# never used anew while the other side may still read them.

. "${0%/*}/net.sh"
boot_anew || exit
ktap_plan $((19 + BOOKS))
fresh_or_end
serve 1

trust() { # NODE on|off
	in_node "$1" "ethtool --set-priv-flags vni0 direct $2"
}
linked() {
	in_both 'within 8 carrier_is 1 && within 8 ping -c 1 -W 1 192.168.77.$((PEER + 1))'
}
# Node 1 is stopped without a word, and boots again.
if [ "$VNI_ENV" = uml ]; then
	stop() { "$VNI_LAB_COMMAND" kill 1; }
	start() { "$VNI_LAB_COMMAND" start 1; }
else
	stop() { node 0 vni-node stop 1; }
	start() { node 0 vni-node start 1; }
fi
tcp="iperf 0 -c 192.168.77.2 -n 40M"

check "off by default on both nodes" in_both 'ethtool --show-priv-flags vni0 | grep -Eq "^direct *: off"'
trust 0 on
check "one node that asks: the link comes back" linked
check "one node that asks: nothing goes in the direct form" grew_within 0 tx_direct_frames 0 0 $tcp
trust 1 on
check "both ask: the link comes back" linked
check "node 0 sends in the direct form" grew_within 0 tx_direct_frames 200 1000000 $tcp
check "node 1 sends in the direct form" grew_within 1 tx_direct_frames 200 1000000 $tcp -R
check "node 1 copies none of what it receives so" grew_within 1 rx_loan_copies 0 0 $tcp
check "pings of 60000 bytes arrive whole" in_both '
	ping -q -c 20 -i 0.02 -W 3 -s 60000 -p a5c3 192.168.77.$((PEER + 1)) | grep " 0% packet loss"'

# A megabyte of noise there and back again.
in_node 1 'setsid nc -l -p 7000 -e sh -c "cat >/run/noise; cat /run/noise" >/dev/null 2>&1 &'
check "content arrives as it was sent, both ways" in_node 0 '
	dd if=/dev/urandom of=/run/noise bs=64k count=64 2>/dev/null
	(cat /run/noise; sleep 2) | timeout 20 nc -w 5 192.168.77.2 7000 >/run/back
	cmp -n 1000000 /run/noise /run/back || { ls -l /run/noise /run/back; exit 1; }' ||
	in_node 1 'ls -l /run/noise'

# A program that reads nothing holds on to what came in.
in_node 1 'setsid nc -l -p 7001 -e sleep 600 >/dev/null 2>&1 </dev/null &'
writer=$(node_bg 0 sh -c 'while :; do cat /dev/zero | nc 192.168.77.2 7001; sleep 0.3; done')
held() {
	in_node 0 'within 8 sh -c "ethtool -S vni0 | grep -E \"slots_lent: [1-9]\""'
}
check "a program that reads nothing holds frames of node 0" held
check "other traffic goes on beside it" eval "$tcp >/dev/null"
in_node 1 'ip link set vni0 down && ip link set vni0 up'
check "node 1's link waits for that program" in_node 1 '
	sleep 1
	grep -q "link drain" /sys/kernel/debug/vni/*/status || { cat /sys/kernel/debug/vni/*/status; exit 1; }'
node 0 kill -9 -- "-$writer" 2>/dev/null
in_node 1 'killall -9 sleep' 2>/dev/null
check "when it has ended, the link comes back" linked
check "and frames go in the direct form again" grew_within 0 tx_direct_frames 200 1000000 $tcp

boot1=$(boot_of 1)
pid=$(iperf_bg -R)
sleep 1
stop
check "node 1 is stopped while it sends: its carrier is lost" in_node 0 'within 3 carrier_is 0'
node 0 kill -9 "$pid" 2>/dev/null
start
check "node 1 comes back" eval 'after_boot 1 "'"$boot1"'" &&
	in_node 1 "load_modules && configure 1 && ethtool --set-priv-flags vni0 direct on" && linked'
serve 1
check "its frames are used in place again" grew_within 0 rx_direct_frames 200 1000000 $tcp -R
check "modules are unloaded under such traffic and loaded again" eval '
	pid=$(iperf_bg) && sleep 1 && in_node 0 "rmmod vni && load_modules && configure 0" &&
		linked; code=$?; node 0 kill -9 "$pid"; exit $code'
# A new link that asks for it from the start: a frame that a change of mind loses is in no books.
in_both 'killall -9 iperf3 2>/dev/null; rmmod vni'
in_both 'load_modules && ethtool --set-priv-flags vni0 direct on && configure $NODE'
linked >/dev/null
serve 1
check "both ways at once" iperf 0 -c 192.168.77.2 -t 3 --bidir
check_books
