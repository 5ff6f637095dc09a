#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 120
# env: uml
# A User-Mode Linux node that is killed and boots again finds its seat, and the others find it.

. "${0%/*}/net.sh"
ktap_plan 6
fresh_or_end

lab() {
	"$VNI_LAB_COMMAND" "$@"
}

before=$(boot_of 1)
check "node 1 is killed in mid-traffic" eval '
	node_bg 0 ping -q -f -w 3 192.168.77.2 >/dev/null && sleep 0.5 && lab kill 1'
check "node 0 notices" in_node 0 'within 10 carrier_is 0'
check "node 1 boots again" lab start 1
check "it is another boot" test "$(boot_of 1)" != "$before"
check "it takes its seat, and both have a link" in_both '
	load_modules && configure $NODE && within 10 carrier_is 1'
check "they reach each other" in_both '
	within 5 ping -c 1 -W 1 192.168.77.$((PEER + 1)) &&
		said=$(ping -q -f -c 500 -W 3 192.168.77.$((PEER + 1))) && echo "$said" | grep " 0% packet loss"'
