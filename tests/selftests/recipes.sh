# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# For selftests of Documentation/outside.rst: what the document says is what they run. There, a
# comment names the literal block that follows it:
#
#	.. recipe: NAME PART
#
# A part is what is typed on a node ("node0") or what must then succeed on it ("check1"); its last
# character is the node's number.

. "${0%/*}/net.sh"

OUTSIDE=$VNI_TOP/Documentation/outside.rst

# recipe NAME PART: the block's lines.
recipe() {
	awk -v label=".. recipe: $1 $2" '
		$0 == label { wanted = 1; next }
		/^\.\. recipe: / { wanted = inside = 0 }
		wanted && $0 == "::" { inside = 1; wanted = 0; next }
		inside && /^[^\t]/ { inside = 0 }
		inside && sub(/^\t/, "") { print; lines++ }
		END { exit !lines }' "$OUTSIDE" && return
	echo "$OUTSIDE has no block \"$1 $2\"" >&2
	return 1
}

_on() {
	_on_lines=$(recipe "$1" "$2") || return
	in_node "${2#"${2%?}"}" "set -ex
$_on_lines"
}

# follow NAME PART: a test: the commands of a block run.
follow() {
	check "$1: the commands for node ${2#"${2%?}"} run" _on "$1" "$2"
}

# expect NAME PART BEHAVIOUR: a test: they do, before long.
expect() {
	check "$1: $3" wait_for 20 _on "$1" "$2"
}

# take_away [NIC]: nothing of a recipe is left, on vni0 or on the network card NIC; vni.ko is out.
take_away() {
	in_both '
		for name in iperf3 ping tcpdump nc; do killall -9 $name; done 2>/dev/null
		for name in br0 bond0 vx42; do ip link del $name; done 2>/dev/null
		ip netns del box 2>/dev/null
		nft delete table ip outside 2>/dev/null
		sysctl -qw net.ipv4.ip_forward=0
		if [ -e "/sys/class/net/${1:-none}" ]; then
			ip link set $1 down && ip addr flush dev $1
		fi
		[ ! -e /sys/module/vni ] || rmmod vni' "$@"
}

cleanup() {
	take_away >/dev/null 2>&1
}

# start_bare [NIC]: both nodes as each recipe finds them: modules loaded, vni0 down and without
# address; so is the network card NIC.
start_bare() {
	_bare_said=$(take_away "$@" && in_both load_modules) && return
	diag "$_bare_said"
	diag "no vni0 to begin with"
	exit 1
}

# offload_kept FROM TO CMD...: frames that CMD makes node FROM send are larger than an MTU of 1500
# on the average, and node TO finds no checksum wrong.
offload_kept() {
	_kept_from=$1
	_kept_to=$2
	shift 2
	_kept_errors=$(in_node "$_kept_to" checksum_errors)
	_kept=$(in_node "$_kept_from" 'stats tx_frames tx_bytes') && "$@" || return
	# shellcheck disable=SC2046,SC2086 # four numbers
	set -- $(in_node "$_kept_from" 'stats tx_frames tx_bytes') $_kept
	echo "$(($1 - $3)) frames of $((($2 - $4) / ($1 - $3))) bytes on the average"
	[ $((($2 - $4) / ($1 - $3))) -gt 3000 ] &&
		[ "$(in_node "$_kept_to" checksum_errors)" = "$_kept_errors" ]
}
