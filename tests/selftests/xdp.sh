# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# For selftests of XDP: programs in nodes. Instead of net.sh, before the plan.

. "${0%/*}/net.sh"
command -v clang >/dev/null || skip_all "clang is not here; see tools/deps check"

SOURCES=${0%/*}/xdp
SCRATCH=$(mktemp -d)
cleanup() { rm -rf "$SCRATCH"; }

# programs NAME NODE [SOURCE]: the test programs of a source, as /root/NAME.o. A NAME that is a
# number is the index of the interface that they redirect to.
programs() {
	clang -O2 -g -Wall -Werror -target bpf -I"/usr/include/$(uname -m)-linux-gnu" \
		-DTARGET="$1" -c "$SOURCES/${3:-verdict}.c" -o "$SCRATCH/$1.o" &&
		push "$2" "$SCRATCH/$1.o" "/root/$1.o"
}
# attach NODE PROGRAM [DEV [NAME]]: instead of what there is.
attach() {
	in_node "$1" 'ip -force link set "$2" xdpdrv obj "/root/$3.o" program "$1"' "$2" \
		"${3:-vni0}" "${4:-0}"
}
detach() {
	in_node "$1" 'ip link set vni0 xdpdrv off'
}
# grew NODE "COUNTER..." "NUMBER..." CMD...: all by exactly so much, while CMD ran.
grew() {
	_grew_node=$1 _grew_names=$2 _grew_wanted=$3
	shift 3
	_grew_before=$(in_node "$_grew_node" "stats $_grew_names") || return
	"$@" || return
	_grew_now=$(in_node "$_grew_node" "stats $_grew_names") || return
	_grew_by=$(echo "$_grew_before $_grew_now" |
		awk '{ for (i = 1; i <= NF / 2; i++) printf "%s%d", (i > 1 ? " " : ""), $(i + NF / 2) - $i }')
	echo "$_grew_names of node $_grew_node grew by $_grew_by, wanted: $_grew_wanted"
	[ "$_grew_by" = "$_grew_wanted" ]
}
