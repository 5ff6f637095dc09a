#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
# env: partition ivshmem
# XDP in place: fragments of the frames that a program sees stay in the peer's slots, where that was
# asked for. Every verdict, programs that look into fragments and cut them off, a reader that holds.

. "${0%/*}/xdp.sh"

# flag on|off, refused: the administrator's word about programs of node 1.
flag() {
	in_node 1 'ethtool --set-priv-flags vni0 xdp-in-place "$1" &&
		ethtool --show-priv-flags vni0 | grep -E "^xdp-in-place *: $1$"' "$1"
}
refused() {
	! flag on && in_node 1 'ethtool --show-priv-flags vni0 | grep -E "^xdp-in-place *: off$" &&
		dmesg | grep "xdp-in-place: not possible here"'
}

fresh_or_end
allow_log 1 'xdp-in-place: not possible here|rx-copybreak 4096: not possible here'
if [ "$VNI_ENV" != partition ]; then
	ktap_plan 1
	check "it is refused where frames cannot be in place, with a reason" refused
	exit
fi
ktap_plan $((30 + BOOKS))

SIZE=59972 # a datagram that fills a frame of 60000 bytes: 15 slots
linked() {
	in_both 'within 8 carrier_is 1 && within 8 ping -c 1 -W 1 192.168.77.$((PEER + 1))'
}
# send COUNT WANTED [ADDRESS [MS]]: datagrams from node 0; what the sender says in the end.
send() {
	_sent=$(node 0 datagrams send "${3:-192.168.77.2}" 7000 $SIZE "$1" "${4:-3000}")
	echo "$_sent, wanted: $2"
	[ "$_sent" = "$2" ]
}
# server OPTION...: the only one on node 1; seen: what it has got, as "NUMBER BYTES whole|wrong".
server() {
	in_node 1 'killall -9 datagrams 2>/dev/null
		: >/run/got; setsid datagrams "$@" >>/run/got 2>&1 </dev/null &
		within 10 sh -c "ss -Huln sport = :7000 | grep -q 7000"' "$@"
}
seen() {
	in_node 1 'sort /run/got | uniq -c | sed "s/^ *//"'
}
saw() { # WANTED CMD...
	in_node 1 ': >/run/got'
	_saw_wanted=$1
	shift
	"$@" || return
	_saw=$(seen)
	echo "node 1 got: $_saw; wanted: $_saw_wanted"
	[ "$_saw" = "$_saw_wanted" ]
}
pings() { # PATTERN
	in_node 0 'ping -q -c 10 -i 0.02 -W "$2" -M "do" -s 59000 -p "$1" 192.168.77.2 |
		tee /run/pings; grep -q " $3% packet loss" /run/pings' "$@"
}
lent="rx_lent_frames rx_loan_copies"

cc -std=gnu11 -O2 -static -o "$SCRATCH/datagrams" "${0%/*}/datagrams.c" &&
	push 0 "$SCRATCH/datagrams" /bin/datagrams && push 1 "$SCRATCH/datagrams" /bin/datagrams &&
	programs 0 1 && programs lend 1 lend || exit

# A program that is there before the link is up: no frame is lost, so the books can be kept.
in_both 'rmmod vni && load_modules && sysctl -qw net.ipv6.conf.vni0.disable_ipv6=1 &&
	ip link set vni0 mtu 60000'
check "a program with fragments is attached, large frames are to stay in place" eval '
	attach 1 xdp_frags && in_node 1 "ethtool --set-tunable vni0 rx-copybreak 4096" &&
		in_both "configure \$NODE 2>/dev/null; ip addr replace \
			192.168.77.\$((NODE + 1))/24 dev vni0" && linked'
server serve 7000
serve 1
in_both 'ip neigh replace 192.168.77.$((PEER + 1)) dev vni0 nud permanent lladdr \
	$(ip neigh show 192.168.77.$((PEER + 1)) dev vni0 | sed "s/.*lladdr \([^ ]*\).*/\1/")'
check "not asked for, what programs see is copied" \
	grew 1 "$lent rx_xdp_pass" "0 0 10" send 10 "answered 10, returned 0"
check "it can be asked for, and the link stays up" eval '
	changes="cat /sys/class/net/vni0/carrier_changes"
	before=$(node 1 $changes) && flag on && [ "$before" = "$(node 1 $changes)" ]'
check "pass: frames are in place" \
	grew 1 "$lent rx_xdp_pass" "20 0 20" send 20 "answered 20, returned 0"
check_equal "pass: all of them, and the copied ones, came whole" "30 $SIZE whole" "$(seen)"
check "pass: small frames are copied" \
	grew 1 "$lent rx_xdp_pass" "0 0 10" in_node 0 '
		ping -q -c 10 -i 0.02 -s 3000 192.168.77.2 | grep " 0% packet loss"'
check "pass: TCP, whole there and back" eval '
	in_node 1 "setsid nc -l -p 7001 -e cat >/dev/null 2>&1 </dev/null &" && in_node 0 "
		dd if=/dev/urandom of=/run/noise bs=64k count=64 2>/dev/null
		(cat /run/noise; sleep 2) | timeout 20 nc -w 5 192.168.77.2 7001 >/run/back
		cmp -n 1000000 /run/noise /run/back"'
check "pass: much TCP" grew_within 1 rx_lent_frames 300 1000000 iperf 0 -c 192.168.77.2 -n 40M

attach 1 xdp_peek vni0 lend
check "a program reads a fragment, and passes what is right" \
	grew 1 "$lent rx_xdp_pass rx_xdp_drop" "10 0 10 0" pings a5 3 0
check "and drops what is not" \
	grew 1 "$lent rx_xdp_pass rx_xdp_drop" "10 0 0 10" pings c3 1 100

attach 1 xdp_drop_large vni0 lend
check "drop: all are in place and dropped" \
	grew 1 "$lent rx_xdp_drop" "20 0 20" send 20 "answered 0, returned 0" 192.168.77.2 5
node 0 datagrams flood 192.168.77.2 7000 $SIZE 2
check "drop: after a flood nothing is left out" in_node 0 'within 2 slots_home'
attach 1 xdp_return vni0 lend
check "tx: frames in place go back, whole" \
	grew 1 "$lent rx_xdp_tx rx_xdp_tx_errors" "20 0 20 0" send 20 "answered 20, returned 20"
check "tx: their slots are home" in_node 0 'within 2 slots_home'

# What a program cuts off.
attach 1 xdp_cut vni0 lend
check "cut: a program cuts pages in place off, and the rest is whole" \
	saw "20 $((SIZE - 20500)) whole" \
	grew 1 "$lent rx_xdp_pass" "20 0 20" send 20 "answered 20, returned 0"
attach 1 xdp_stump vni0 lend
check "cut: all fragments and more" \
	grew 1 "$lent rx_xdp_drop rx_xdp_aborted" "20 0 20 0" \
	send 20 "answered 0, returned 0" 192.168.77.2 5
check "cut: no slot is lost" in_node 0 'within 2 slots_home'
attach 1 xdp_grow vni0 lend
check "grow: there is no room behind fragments" \
	grew 1 "$lent rx_xdp_drop rx_xdp_aborted" "5 0 5 0" \
	send 5 "answered 0, returned 0" 192.168.77.2 5
attach 1 xdp_write vni0 lend
check "a program that writes all the same changes these frames" \
	saw "5 $SIZE wrong" grew 1 "$lent" "5 0" send 5 "answered 5, returned 0"
attach 1 xdp_frags
check "and no others" saw "40 $SIZE whole" send 40 "answered 40, returned 0"

# Redirected from vni0 of node 1 to a veth, in whose namespace is one with node 1's addresses.
in_node 1 'modprobe veth; ip netns add away && ip link add a0 mtu 60000 type veth peer name a1 \
		mtu 60000 address "$(cat /sys/class/net/vni0/address)" netns away &&
	sysctl -qw net.ipv6.conf.a0.disable_ipv6=1 &&
	ip link set a0 up && ip -n away link set a1 up &&
	ip -n away addr add 192.168.77.2/24 dev a1 &&
	ip netns exec away ip -force link set a1 xdpdrv obj /root/0.o program xdp_frags
	killall -9 datagrams
	ip netns exec away setsid datagrams serve 7000 >>/run/got 2>&1 </dev/null &
	within 10 sh -c "ip netns exec away ss -Huln sport = :7000 | grep -q 7000"'
away=$(in_node 1 'cat /sys/class/net/a0/ifindex')
programs "$away" 1
attach 1 xdp_away_frags vni0 "$away"
check "redirect: frames go to a veth as copies, and arrive whole" \
	saw "20 $SIZE whole" grew 1 "$lent rx_xdp_redirect rx_xdp_redirect_errors" "20 20 20 0" \
	send 20 "answered 0, returned 0" 192.168.77.2 100
check "redirect: the slots are home" in_node 0 'within 2 slots_home'
attach 1 xdp_frags
in_node 1 'killall -9 datagrams; ip link del a0; ip netns del away'

# Redirected from a veth of node 0 to vni0, and in place on node 1.
in_node 0 'modprobe veth; ip link add b0 mtu 60000 type veth peer name b1 mtu 60000 &&
	sysctl -qw net.ipv6.conf.b0.disable_ipv6=1 net.ipv6.conf.b1.disable_ipv6=1 &&
	ip link set b0 up && ip link set b1 up && ip addr add 192.168.78.1/24 dev b0 &&
	ethtool -K b0 tx off >/dev/null &&
	ip neigh replace 192.168.78.2 dev b0 nud permanent lladdr \
		$(ip neigh show 192.168.77.2 dev vni0 | sed "s/.*lladdr \([^ ]*\).*/\1/")'
in_node 1 'ip addr add 192.168.78.2/24 dev vni0 &&
	ip neigh replace 192.168.78.1 dev vni0 nud permanent lladdr \
		$(ip neigh show 192.168.77.1 dev vni0 | sed "s/.*lladdr \([^ ]*\).*/\1/")'
away=$(in_node 0 'cat /sys/class/net/vni0/ifindex')
programs "$away" 0
attach 0 xdp_away_frags b1 "$away"
server serve 7000
check "ndo_xdp_xmit: large frames from a veth are in place and whole" \
	saw "20 $SIZE whole" eval 'grew 0 "tx_xdp_xmit tx_xdp_xmit_errors" "20 0" \
		grew 1 "rx_lent_frames" "20" send 20 "answered 20, returned 0" 192.168.78.2'
in_node 0 'ip link del b0'
in_node 1 'ip addr del 192.168.78.2/24 dev vni0'

# A program that reads nothing holds on to what was passed to it.
server hold 7000
check "a program that reads nothing holds slots of node 0" eval '
	send 10 "answered 0, returned 0" 192.168.77.2 5 && in_node 0 "
		sleep 0.5; stats slots_lent && [ \$(stat slots_lent) -ge 15 ]"'
check "other traffic goes on beside it, in place" \
	grew_within 1 rx_lent_frames 100 1000000 iperf 0 -c 192.168.77.2 -n 20M
in_node 1 'killall -9 datagrams'
check "when it has ended, the slots are home without any more frames" in_node 0 'within 5 slots_home'
check_books

check "off again, all is copied" eval '
	flag off && server serve 7000 && grew 1 "$lent" "0 0" send 10 "answered 10, returned 0"'
flag on >/dev/null
detach 1
linked >/dev/null
check "without a program the stack has frames in place, as ever" \
	grew_within 1 rx_lent_frames 10 1000 send 10 "answered 10, returned 0"
attach 1 xdp_frags
linked >/dev/null
check "modules are unloaded under such traffic" eval '
	pid=$(iperf_bg -t 60) && sleep 1 && in_node 1 "rmmod vni && load_modules && configure 1" &&
		linked; code=$?; node 0 kill -9 "$pid"; exit $code'
check "a device without pages refuses it" in_node 1 '
	export IP_LIB_DIR=/bin; ip link add vp0 type vni || exit
	! ethtool --set-priv-flags vp0 xdp-in-place on && dmesg | grep "vp0: xdp-in-place: not possible here"
	code=$?; ip link del vp0; exit $code'
