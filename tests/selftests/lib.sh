# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# For selftests: shell scripts that run on the host, against a lab that is up (tests/run sees to
# that), and report in KTAP. A script looks like this:
#
#	#!/bin/sh
#	# SPDX-License-Identifier: GPL-2.0
#	# timeout: 60
#	. "${0%/*}/lib.sh"
#	ktap_plan 2
#	check "node 1 answers a ping" node 0 ping -c 1 192.168.77.2
#	check_fails "a nonsense MTU is refused" node 0 ip link set vni0 mtu 1
#
# Comments in the head (up to the first empty line) tell tests/run what the script needs:
# "# timeout: SECONDS", "# lab: OPTIONS FOR vni-lab up", "# env: KINDS OF NODES IT IS FOR".

VNI_TOP=$(cd "${0%/*}/../.." && pwd)
: "${VNI_LAB_COMMAND:=$VNI_TOP/tools/vni-lab}"
: "${VNI_SLOW:=1}"
: "${VNI_NODE_TIMEOUT:=60}"	# seconds that one command in a node may take

_ktap_planned=
_ktap_count=0
_ktap_failed=0

# ktap_plan N: how many tests there will be. The first thing a script does.
ktap_plan() {
	_ktap_planned=$1
	echo "KTAP version 1"
	echo "1..$1"
	trap _ktap_end EXIT
}

# skip_all REASON: nothing of this script can be tested here. Instead of ktap_plan.
skip_all() {
	echo "KTAP version 1"
	echo "1..0 # SKIP $*"
	exit 4
}

_ktap_end() {
	_ktap_code=$?
	trap - EXIT
	if command -v cleanup >/dev/null; then
		cleanup
	fi
	[ "$_ktap_code" -ne 0 ] && echo "# the script ended with exit code $_ktap_code"
	echo "# $((_ktap_count - _ktap_failed)) of $_ktap_planned did not fail"
	[ "$_ktap_code" -eq 0 ] && [ "$_ktap_failed" -eq 0 ] &&
		[ "$_ktap_count" -eq "$_ktap_planned" ] && exit 0
	exit 1
}

# diag TEXT: a note for whoever reads the log. Every line of a multi-line text is marked.
diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# ok BEHAVIOUR, not_ok BEHAVIOUR: the outcome of the next test.
ok() {
	_ktap_count=$((_ktap_count + 1))
	echo "ok $_ktap_count - $1"
}

not_ok() {
	_ktap_count=$((_ktap_count + 1))
	_ktap_failed=$((_ktap_failed + 1))
	echo "not ok $_ktap_count - $1"
}

# skip BEHAVIOUR REASON: the next test cannot be done here.
skip() {
	_ktap_count=$((_ktap_count + 1))
	echo "ok $_ktap_count - $1 # SKIP $2"
}

# check BEHAVIOUR CMD...: passes if CMD succeeds; shows what CMD said if it does not.
check() {
	_check_name=$1
	shift
	_check_out=$("$@" 2>&1)
	_check_code=$?
	if [ "$_check_code" -eq 0 ]; then
		ok "$_check_name"
		return 0
	fi
	diag "exit code $_check_code: $*"
	diag "$_check_out"
	not_ok "$_check_name"
	return 1
}

# check_fails BEHAVIOUR CMD...: passes if CMD is refused. A lab that is gone or a time limit is no
# refusal.
check_fails() {
	_check_name=$1
	shift
	_check_out=$("$@" 2>&1)
	_check_code=$?
	case $_check_code in
	0 | 124 | 125)
		diag "exit code $_check_code: $*"
		diag "$_check_out"
		not_ok "$_check_name"
		return 1
		;;
	esac
	ok "$_check_name"
}

# check_equal BEHAVIOUR WANTED GOT
check_equal() {
	[ "$2" = "$3" ] && ok "$1" && return 0
	diag "wanted: $2"
	diag "got:    $3"
	not_ok "$1"
	return 1
}

# scaled N: N seconds of an ordinary machine, as whole seconds of this one.
scaled() {
	awk -v n="$1" -v slow="$VNI_SLOW" 'BEGIN { s = n * slow; print (s > int(s) ? int(s) + 1 : s) }'
}

# node N CMD...: run CMD in node N; its output, errors and exit code. 124: it took longer than
# VNI_NODE_TIMEOUT (times VNI_SLOW) seconds. 125: the node is gone.
node() {
	_node=$1
	shift
	"$VNI_LAB_COMMAND" exec "$_node" --timeout "$VNI_NODE_TIMEOUT" -- "$@"
}

# node_for SECONDS N CMD...: the same with another time limit.
node_for() {
	_node_limit=$1
	_node=$2
	shift 2
	"$VNI_LAB_COMMAND" exec "$_node" --timeout "$_node_limit" -- "$@"
}

# node_bg N CMD...: start CMD in node N and leave it running; prints its pid there.
node_bg() {
	_node=$1
	shift
	"$VNI_LAB_COMMAND" exec "$_node" -d -- "$@"
}

# push N FILE DEST, pull N PATH FILE
push() {
	"$VNI_LAB_COMMAND" push "$@"
}

pull() {
	"$VNI_LAB_COMMAND" pull "$@"
}

# boot_of N: the id of node N's boot. after_boot N ID: wait until it has booted anew.
boot_of() {
	"$VNI_LAB_COMMAND" wait "$1"
}

after_boot() {
	"$VNI_LAB_COMMAND" wait "$1" --after "$2" >/dev/null
}

# wait_for SECONDS CMD...: try CMD until it succeeds, for so many seconds (times VNI_SLOW).
wait_for() {
	_wait_until=$(($(date +%s) + $(scaled "$1")))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$(date +%s)" -ge "$_wait_until" ]; then
			echo "in vain: $*" >&2
			"$@"
			return
		fi
		sleep 0.2
	done
}

# node_count: how many nodes the lab has.
node_count() {
	"$VNI_LAB_COMMAND" status --json | sed -n 's/.*"nodes": \[\(.*\)\].*/\1/p' | grep -o '"node":' |
		wc -l
}

# have_feature NAME [NODE]: program:NAME, module:NAME (can be loaded), device:NAME, nodes:N
have_feature() {
	# shellcheck disable=SC2016 # $0 is expanded in the node
	case $1 in
	program:*) node "${2:-0}" sh -c 'command -v "$0"' "${1#*:}" >/dev/null 2>&1 ;;
	module:*) node "${2:-0}" modprobe -n "${1#*:}" >/dev/null 2>&1 ;;
	device:*) node "${2:-0}" test -e "/sys/class/net/${1#*:}" ;;
	nodes:*) [ "$(node_count)" -ge "${1#*:}" ] ;;
	*)
		echo "have_feature: $1: what is that?" >&2
		return 2
		;;
	esac
}

# allow_log NODE REGEX: this script makes node NODE's kernel log lines that match, on purpose.
# Any other trouble in a kernel log fails the script.
allow_log() {
	[ -z "${VNI_LOG_ALLOW-}" ] || echo "$1 $2" >>"$VNI_LOG_ALLOW"
}
