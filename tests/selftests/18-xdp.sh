#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 400
# env: partition ivshmem
# XDP in the driver: every verdict, programs that come and go under traffic, frames of many pages,
# AF_XDP sockets.

. "${0%/*}/xdp.sh"
ktap_plan $((40 + BOOKS))

linked() {
	in_both 'within 8 carrier_is 1 && within 8 ping -c 1 -W 1 192.168.77.$((PEER + 1))'
}
# From node 0. lost: none comes back.
pings() {
	in_node 0 'ping -q -c 10 -i 0.02 -W 3 "$@" | tee /run/pings; grep -q " 0% packet loss" /run/pings' \
		"$@"
}
lost() {
	in_node 0 'ping -q -c 10 -i 0.02 -W 1 "$@" | grep "100% packet loss"' "$@"
}
echoes() { # echo requests that node 1's stack has seen
	in_node 1 'awk "/^Icmp:/ { if (n++) print \$9; else if (\$9 != \"InEchos\") exit 1 }" /proc/net/snmp'
}

programs 0 0 && programs 0 1 || exit
fresh_or_end

# A program that is there before the link is up: no frame is lost, so the books can be kept.
check "a program is attached in the driver before the link is up" eval '
	in_both "rmmod vni && load_modules && sysctl -qw net.ipv6.conf.vni0.disable_ipv6=1" &&
		attach 1 xdp_pass && in_both "configure \$NODE 2>/dev/null; ip addr replace \
			192.168.77.\$((NODE + 1))/24 dev vni0" && linked &&
		in_node 1 "ip -d link show vni0 | grep -q prog/xdp.id && ! ip link show vni0 | grep xdpgeneric"'
serve 1
in_both 'ip neigh replace 192.168.77.$((PEER + 1)) dev vni0 nud permanent lladdr \
	$(ip neigh show 192.168.77.$((PEER + 1)) dev vni0 | sed "s/.*lladdr \([^ ]*\).*/\1/")'
check "pass: pings are answered, and each is counted" \
	grew 1 "rx_xdp_pass rx_xdp_drop rx_xdp_refused" "10 0 0" pings 192.168.77.2
check "pass: pings of a full frame" grew 1 "rx_xdp_pass" "10" pings -s 1472 192.168.77.2
check "pass: pings in fragments, in slots" eval '
	in_both "echo offset >\$FORM" && pings -s 20000 192.168.77.2 && in_both "echo mixed >\$FORM"'
check "pass: TCP to the program's node: not one frame is refused" \
	grew 1 "rx_xdp_refused" "0" iperf 0 -c 192.168.77.2 -n 8M
check "pass: TCP from it" iperf 0 -c 192.168.77.2 -n 8M -R
check "no checksum was wrong" in_both '[ "$(checksum_errors)" = 0 ]'

changes=$(in_node 1 'cat /sys/class/net/vni0/carrier_changes')
attach 1 xdp_drop
check "drop: no ping is answered, and each is counted" \
	grew 1 "rx_xdp_drop" "10" lost 192.168.77.2
check "drop: TCP goes on" iperf 0 -c 192.168.77.2 -n 2M
attach 1 xdp_abort
check "abort: no ping is answered, and each is counted" \
	grew 1 "rx_xdp_drop rx_xdp_aborted" "0 10" lost 192.168.77.2
allow_log 1 'llegal XDP return value'
attach 1 xdp_wrong
check "a verdict that there is not counts as abort" \
	grew 1 "rx_xdp_aborted" "10" lost 192.168.77.2
attach 1 xdp_adjust
check "a program may move the frame's borders" \
	grew 1 "rx_xdp_pass rx_xdp_drop" "10 0" pings 192.168.77.2
attach 1 xdp_answer
seen=$(echoes)
check "tx: the program answers pings" \
	grew 1 "rx_xdp_tx rx_xdp_tx_errors" "10 0" pings 192.168.77.2
check_equal "tx: the stack has not seen them" "$seen" "$(echoes)"
check "tx: a flood of full frames is answered" in_node 0 '
	ping -q -c 2000 -f -s 1472 192.168.77.2 | tee /run/flood; grep -q " 0% packet loss" /run/flood'
check_equal "one program replaces another without touching the link" "$changes" \
	"$(in_node 1 'cat /sys/class/net/vni0/carrier_changes')"

# Redirected from vni0 of node 1 to a veth.
in_node 1 'modprobe veth; ip link add a0 type veth peer name a1 &&
	sysctl -qw net.ipv6.conf.a0.disable_ipv6=1 net.ipv6.conf.a1.disable_ipv6=1 &&
	ip link set a0 up && ip link set a1 up promisc on'
attach 1 xdp_pass a1
away=$(in_node 1 'cat /sys/class/net/a0/ifindex')
programs "$away" 1
attach 1 xdp_away vni0 "$away"
got=$(in_node 1 'cat /sys/class/net/a1/statistics/rx_packets')
check "redirect: frames go to a veth" \
	grew 1 "rx_xdp_redirect rx_xdp_redirect_errors" "10 0" lost 192.168.77.2
check_equal "redirect: and arrive there" $((got + 10)) \
	"$(in_node 1 'cat /sys/class/net/a1/statistics/rx_packets')"
attach 1 xdp_pass

# Redirected to vni0 of node 0 from a veth. The answers come the ordinary way.
in_node 1 'ip addr add 192.168.78.2/24 dev vni0 &&
	ip neigh replace 192.168.78.1 dev vni0 nud permanent lladdr \
		$(ip neigh show 192.168.77.1 dev vni0 | sed "s/.*lladdr \([^ ]*\).*/\1/")'
in_node 0 'modprobe veth; ip link add b0 type veth peer name b1 &&
	sysctl -qw net.ipv6.conf.b0.disable_ipv6=1 net.ipv6.conf.b1.disable_ipv6=1 &&
	ip link set b0 up && ip link set b1 up && ip addr add 192.168.78.1/24 dev b0 &&
	ip neigh replace 192.168.78.2 dev b0 nud permanent lladdr \
		$(ip neigh show 192.168.77.2 dev vni0 | sed "s/.*lladdr \([^ ]*\).*/\1/")'
away=$(in_node 0 'cat /sys/class/net/vni0/ifindex')
programs "$away" 0
attach 0 xdp_away b1 "$away"
check "redirect to this device: frames of a veth reach node 1" \
	grew 0 "tx_xdp_xmit tx_xdp_xmit_errors" "10 0" pings 192.168.78.2
check "redirect to this device: many, full ones" in_node 0 '
	ping -q -c 1000 -f -s 1472 192.168.78.2 | tee /run/flood; grep -q " 0% packet loss" /run/flood'
in_node 0 'ip link del b0'
in_node 1 'ip link del a0; ip addr del 192.168.78.2/24 dev vni0'
check_books

# Sizes.
allow_log 1 'MTU 9000: expected at most|XDP: the MTU is 9000'
check_fails "an MTU above what fits into a page is refused" node 1 ip link set vni0 mtu 9000
check "and the log says how much fits" eval 'node 1 dmesg | grep "MTU 9000: expected at most 3"'
detach 1
in_both 'ip link set vni0 mtu 9000'
check "a program without fragments is refused at that MTU, with a reason" eval '
	said=$(attach 1 xdp_pass 2>&1) && exit 1; echo "$said"; echo "$said" | grep -q "MTU"'
attach 1 xdp_frags
check "one with fragments is taken" linked
check "pass: pings of 8972 bytes, not cut up" pings -M "do" -s 8972 192.168.77.2
attach 1 xdp_answer_frags
check "tx: frames of three pages are answered" \
	grew 1 "rx_xdp_tx" "10" pings -M "do" -s 8972 192.168.77.2
attach 1 xdp_shorten
check "a program may cut pages off" \
	grew 1 "rx_xdp_drop" "10" lost -M "do" -s 8972 192.168.77.2
attach 1 xdp_frags
check "all that leaves room for TCP" iperf 0 -c 192.168.77.2 -n 8M

# AF_XDP sockets; their program goes with them.
in_both 'ip link set vni0 mtu 1500'
detach 1
gcc -O2 -static -o "$SCRATCH/afxdp" "$SOURCES/afxdp.c" && push 1 "$SCRATCH/afxdp" /root/afxdp
queues=$(in_node 1 'ls -d /sys/class/net/vni0/queues/rx-* | wc -l')
for mode in copy zerocopy; do
	socket=$(node_bg 1 sh -c "/root/afxdp vni0 $queues $mode >/run/afxdp 2>&1")
	check "AF_XDP, $mode: sockets and their program are there" eval '
		in_node 1 "within 10 grep ready /run/afxdp || { cat /run/afxdp; exit 1; }" &&
			in_both "within 8 carrier_is 1"'
	seen=$(echoes)
	own=$([ $mode = zerocopy ] && echo 10 || echo 0)
	check "AF_XDP, $mode: pings go to the sockets and are answered there" \
		grew 1 "rx_xdp_redirect rx_xdp_redirect_errors rx_xsk tx_xsk" "10 0 $own $own" \
		pings 192.168.77.2
	check_equal "AF_XDP, $mode: the stack has not seen them" "$seen" "$(echoes)"
	check "AF_XDP, $mode: a flood of full frames" in_node 0 '
		ping -q -c 2000 -f -s 1472 192.168.77.2 | tee /run/flood
		grep -q " 0% packet loss" /run/flood'
	[ $mode = zerocopy ] || node 1 kill -9 -- "-$socket" 2>/dev/null
done
check "AF_XDP, zerocopy: the device goes down and up, and they answer again" eval '
	in_node 1 "ip link set vni0 down && ip link set vni0 up" && in_both "within 8 carrier_is 1" &&
		grew 1 "rx_xsk tx_xsk" "10 10" pings 192.168.77.2'
check "AF_XDP, zerocopy: the sockets die, and the stack answers" eval '
	node 1 kill -9 -- "-$socket"; linked && grew 1 "rx_xsk" "0" pings 192.168.77.2'

# Programs come and go while frames flow, and so does the module.
check "attached and detached 6 times under TCP, both ways" eval '
	pid=$(iperf_bg -t 600 --bidir) && for i in 1 2 3 4 5 6; do
		attach 1 xdp_pass && sleep 0.5 && detach 1 && sleep 0.5 || exit
	done && in_node 0 "
		past() { [ \"\$(stat tx_frames)\" -ge \"\$1\" ]; }
		within 10 past \$((\$(stat tx_frames) + 500))" && node 0 kill "$pid"'
attach 1 xdp_pass
check "a module is unloaded with a program and traffic" eval '
	linked && pid=$(iperf_bg -t 60) && sleep 1 && in_node 1 "rmmod vni && load_modules && configure 1" &&
		linked; code=$?; node 0 kill -9 "$pid"; exit $code'
