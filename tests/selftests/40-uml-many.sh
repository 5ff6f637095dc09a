#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
# lab: --nodes 16
# env: uml
# Sixteen nodes at one window: every one reaches every other.

. "${0%/*}/net.sh"
nodes=$(node_count)
ktap_plan 5

# in_all SCRIPT: in all nodes at once; NODE is the node's number. Says which node failed and how.
said=$(mktemp -d)
cleanup() { rm -rf "$said"; }
in_all() {
	for node in $(seq 0 $((nodes - 1))); do
		(in_node "$node" "NODE=$node NODES=$nodes; $1" >"$said/$node" 2>&1 ||
			echo "node $node: $(cat "$said/$node")" >"$said/$node.bad") &
	done
	wait
	for node in $(seq 0 $((nodes - 1))); do
		[ ! -e "$said/$node.bad" ] || { cat "$said"/*.bad; rm "$said"/*.bad; return 1; }
	done
}

began=$(date +%s.%N)
diag "boot: $(sed -n 's/.*all nodes are up: //p' "$VNI_TOP/build/lab/run/$VNI_LAB/progress")"
check_equal "the lab has sixteen nodes" 16 "$nodes"
check "modules load and addresses are set on all of them" in_all 'load_modules && configure $NODE' || exit
all_up='[ "$(grep -c " link up " /sys/kernel/debug/vni/*/status)" -ge $((NODES - 1)) ]'
check "every node has a link to each other" in_all "within 10 eval '$all_up'"
check "every node has an answer from each other" in_all '
	for peer in $(seq 1 $NODES); do
		[ $peer = $((NODE + 1)) ] && continue
		within 5 ping -c 1 -W 1 192.168.77.$peer || exit
	done'
diag "from the first insmod to the last ping: $(echo "$(date +%s.%N) $began" |
	awk '{ printf "%.1f s", $1 - $2 }')"
check "no frame was dropped by any driver" in_all 'no_drops'
