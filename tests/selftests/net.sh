# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# For selftests of the network device: two nodes, 192.168.77.1 and .2, fd77::1 and ::2.

. "${0%/*}/lib.sh"

_in_node=$(cat "${0%/*}/in-node.sh")

# in_node N SCRIPT [ARG...]: run a shell script in node N, with the functions of in-node.sh.
in_node() {
	_in=$1
	_script="SLOW=$VNI_SLOW
$_in_node
$2"
	shift 2
	node "$_in" sh -c "$_script" sh "$@"
}

# in_both SCRIPT [ARG...]: in both nodes at once; NODE is the node's number.
in_both() {
	_both=$1
	shift
	(in_node 0 "NODE=0 PEER=1; $_both" "$@") &
	_both_pid=$!
	(in_node 1 "NODE=1 PEER=0; $_both" "$@")
	_both_code=$?
	wait "$_both_pid" && return "$_both_code"
}

# fresh: fresh devices on both nodes, all counters 0, link up, an answer to a ping.
fresh() {
	in_both '
		for name in iperf3 ping tcpdump nc; do killall -9 $name; done 2>/dev/null
		[ ! -e /sys/module/vni ] || rmmod vni || exit' &&
		in_both 'load_modules && configure $NODE' &&
		in_both 'within 5 carrier_is 1 && within 5 ping -c 1 -W 1 192.168.77.$((PEER + 1))'
}

# fresh_or_end: a script that cannot start has failed.
fresh_or_end() {
	_fresh_said=$(fresh 2>&1) && return
	diag "$_fresh_said"
	diag "no link to test with"
	exit 1
}

# boot_anew: a User-Mode Linux node can map files over its memory while enough of that is in one
# piece, which it is after a boot. Elsewhere nothing needs to be done.
boot_anew() {
	[ "$VNI_ENV" = uml ] || return 0
	for _anew in 0 1; do
		"$VNI_LAB_COMMAND" kill "$_anew" && "$VNI_LAB_COMMAND" start "$_anew" || return
	done
}

# serve N: an iperf3 server in node N, ready.
serve() {
	in_node "$1" 'setsid iperf3 -s >/run/bg/iperf3.log 2>&1 </dev/null &'
	serving "$1"
}

# serving N: its server is ready, again after a test.
serving() {
	in_node "$1" 'within 10 sh -c "ss -Htln sport = :5201 | grep -q 5201"'
}

# iperf_bg OPTION...: an iperf3 client in node 0 of the server in node 1, left running for whoever
# called this to end; its pid.
iperf_bg() {
	serving 1 >/dev/null && node_bg 0 iperf3 -c 192.168.77.2 -t 3600 "$@"
}

# iperf N OPTION...: an iperf3 client in node N; its JSON on standard output.
iperf() {
	_iperf_node=$1
	shift
	_iperf=$(VNI_NODE_TIMEOUT=60 in_node "$_iperf_node" \
		'client "$@"' --json --connect-timeout 3000 "$@")
	_iperf_code=$?
	printf '%s\n' "$_iperf"
	return "$_iperf_code"
}

# numbers JSON PATH...: the numbers at these paths ("end.sum_sent.bytes"; * for each of a list).
numbers() {
	_numbers_of=$1
	shift
	printf '%s\n' "$_numbers_of" | python3 -c '
import json, sys
def walk(at, words):
    if not words:
        print(int(at))
    elif words[0] == "*":
        for one in at:
            walk(one, words[1:])
    else:
        walk(at[words[0]], words[1:])
data = json.load(sys.stdin)
for path in sys.argv[1:]:
    walk(data, path.split("."))' "$@"
}

# frames_agree FROM TO: what one side has sent since fresh() is what the other has received.
frames_agree() {
	_agree_until=$(($(date +%s) + $(scaled 4)))
	while :; do
		_sent=$(in_node "$1" 'stats tx_frames tx_bytes')
		_received=$(in_node "$2" 'stats rx_frames rx_bytes')
		[ -n "$_sent" ] && [ "$_sent" = "$_received" ] && return
		[ "$(date +%s)" -lt "$_agree_until" ] || break
	done
	echo "node $1 sent frames, bytes: $_sent; node $2 received: $_received"
	return 1
}

# grew_within NODE COUNTER LEAST MOST CMD...: by so much, while CMD ran.
grew_within() {
	_within_node=$1 _within_name=$2 _within_least=$3 _within_most=$4
	shift 4
	_within_before=$(in_node "$_within_node" "stat $_within_name") || return
	"$@" >/dev/null || return
	_within_by=$(($(in_node "$_within_node" "stat $_within_name") - _within_before))
	echo "$_within_name of node $_within_node grew by $_within_by"
	[ "$_within_by" -ge "$_within_least" ] && [ "$_within_by" -le "$_within_most" ]
}

# slots_return: what was lent is given back, and taken at the latest when the next frames come.
slots_return() {
	in_both 'echo mixed >$FORM && ping -q -c 2 -i 0.05 -W 2 192.168.77.$((PEER + 1))' >/dev/null
	in_both 'within 5 slots_home'
}

# check_books: nothing was lost and nothing is held: BOOKS tests, the last that a script of traffic
# does.
# shellcheck disable=SC2034 # for ktap_plan
BOOKS=4
check_books() {
	check "every frame that node 0 sent was received by node 1" frames_agree 0 1
	check "every frame that node 1 sent was received by node 0" frames_agree 1 0
	check "no frame was dropped by the driver" in_both 'no_drops'
	check "all slots are free again" slots_return
}
