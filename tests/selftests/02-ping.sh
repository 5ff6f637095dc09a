#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# Round trips over IPv4 and IPv6: every size, content, many at once.

. "${0%/*}/net.sh"
ktap_plan $((12 + BOOKS))
fresh_or_end
# so that frames of either form are among all of these
in_both 'ethtool --set-tunable $DEV tx-copybreak 1024' || diag "the threshold could not be set"

SIZES='0 1 17 18 46 64 200 981 982 983 1000 1471 1472 1473 4000 4054 4055 8192 16384 40000 65507'
each_size='
	for size in $*; do
		said=$(ping -q -c 3 -i 0.01 -W 3 -s $size -p a5c3 $target) &&
			! echo "$said" | grep -q "wrong data" || { echo "$size: $said"; exit 1; }
	done'

# shellcheck disable=SC2086 # sizes are words
sizes() { # NODE TARGET
	in_node "$1" "target=$2; $each_size" $SIZES
}

check "IPv4, every size, node 0 asks" sizes 0 192.168.77.2
check "IPv4, every size, node 1 asks" sizes 1 192.168.77.1
SIZES='0 1 64 1000 1452 1453 4000 16384 65487'
check "IPv6, unique local address, node 0 asks" sizes 0 fd77::2
check "IPv6, unique local address, node 1 asks" sizes 1 fd77::1
local0=$(in_node 0 'ip -6 -o addr show dev vni0 scope link' | sed -n 's/.*\(fe80[^/]*\).*/\1/p')
local1=$(in_node 1 'ip -6 -o addr show dev vni0 scope link' | sed -n 's/.*\(fe80[^/]*\).*/\1/p')
check "IPv6, link-local address, node 0 asks" sizes 0 "$local1%vni0"
check "IPv6, link-local address, node 1 asks" sizes 1 "$local0%vni0"

flood='
	said=$(ping -q -f -c $3 -s $2 -W 3 $1) && echo "$said" | grep " 0% packet loss" ||
		{ echo "$said"; exit 1; }'
check "flood ping of 56 bytes loses nothing" in_node 0 "$flood" 192.168.77.2 56 1500
check "flood ping of 1472 bytes loses nothing" in_node 1 "$flood" 192.168.77.1 1472 1500
check "flood ping of 8192 bytes in fragments loses nothing" in_node 0 "$flood" fd77::2 8192 300
check "flood pings of both nodes at once lose nothing" in_both '
	said=$(ping -q -f -c 1000 -s 200 -W 3 192.168.77.$((PEER + 1))) &&
		echo "$said" | grep " 0% packet loss" || { echo "$said"; exit 1; }'
check "largest datagrams as single frames at the largest MTU" eval '
	in_both "ip link set vni0 mtu 65517" &&
		node 0 ping -q -c 5 -i 0.01 -s 65489 -M do 192.168.77.2'
check "an address that nobody has is not answered" in_node 0 '
	! ping -c 1 -W 1 192.168.77.99'
check_books
