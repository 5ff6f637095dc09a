# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# For selftests, after net.sh: a program in node 1 that reads late what stays in place. An iperf3
# serves there.

# linked: both have a carrier, and an answer comes. lend: and what node 1 receives stays in place.
linked() {
	in_both 'within 10 carrier_is 1 && within 8 ping -c 1 -W 1 192.168.77.$((PEER + 1))'
}
lend() {
	in_node 1 "ethtool --set-tunable vni0 rx-copybreak 4096" && linked
}

stay_in_place() {
	serving 1 >/dev/null && grew_within 1 rx_lent_frames 100 1000000 \
		iperf 0 -c 192.168.77.2 -n 20M
}

# late PORT: the program begins, and is sent so much that it holds slots of node 0. It reads, into
# /run/late.PORT, when there is /run/go.
late() {
	in_node 1 "rm -f /run/go /run/late.$1
	setsid nc -l -p $1 -e sh -c 'echo \$\$ >/run/late.pid
		until [ -e /run/go ]; do sleep 0.1; done
		exec cat >/run/late.$1' >/dev/null 2>&1 </dev/null &
	within 10 sh -c 'ss -Htln sport = :$1 | grep -q $1'"
	# in large writes: small ones would be small frames on a busy host, and copied
	in_node 0 "yes vni-window-line | head -c 2000000 >/run/late.lines
	setsid nc 192.168.77.2 $1 -e \\
		sh -c 'exec dd if=/run/late.lines bs=64k 2>/dev/null' >/dev/null 2>&1 &
	within 10 sh -c 'ethtool -S vni0 | grep -qE \"slots_lent: [1-9]\"'"
}

end_late() {
	in_node 1 'kill -9 "$(cat /run/late.pid)"'
}
