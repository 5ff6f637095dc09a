#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 90
# env: partition
# The commands that README.md gives for joining the window do what it says.
. "${0%/*}/net.sh"

# commands N: from the N-th block of commands that joins the window, what comes after the starter.
commands() {
	awk -v want="$1" '/^```sh/ { block = ""; inside = 1; next }
		/^```/ && inside { inside = 0; if (block ~ /insmod vni_shm/ && ++n == want) printf "%s", block }
		inside { block = block $0 "\n" }' "$VNI_TOP/README.md" | sed -n '/^insmod vni_shm/,$p'
}

cleanup() {
	for n in 0 1; do
		node "$n" sh -c 'rmmod vni vni_shm 2>/dev/null'
	done
}

ktap_plan 5
for n in 0 1; do
	node "$n" sh -c 'rmmod vni; rmmod vni_shm; true' >/dev/null 2>&1
done
for n in 0 1; do
	lines=$(commands $((n + 1)))
	check "README has commands for node $n" test -n "$lines"
	check "they run on node $n" node "$n" sh -ec "cd /vni; $lines"
done
check "and then node 0 reaches node 1" wait_for 10 node 0 ping -c 1 -W 1 192.168.77.2
