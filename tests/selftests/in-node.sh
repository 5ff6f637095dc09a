# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2034 # its users are elsewhere
# For selftests: what runs inside a node. net.sh puts this text before each script it sends there,
# and SLOW, the factor for time limits, before that.

DEV=vni0
FORM=/sys/class/net/$DEV/vni/form

# stat NAME: a counter of ethtool -S, over all queues.
stat() {
	ethtool -S $DEV | awk -v name="$1" '
		sub(/^ *(q[0-9]+_)?/, "") && sub(":", "") && $1 == name { sum += $2; found = 1 }
		END { if (!found) exit 1; print sum }'
}

# stats NAME...: several of them, from one reading, on one line.
stats() {
	ethtool -S $DEV | awk -v names="$*" '
		sub(/^ *(q[0-9]+_)?/, "") && sub(":", "") { sum[$1] += $2; found[$1] = 1 }
		END {
			n = split(names, name, " ")
			for (i = 1; i <= n; i++) {
				if (!found[name[i]]) exit 1
				printf "%s%.0f", (i > 1 ? " " : ""), sum[name[i]]
			}
			print ""
		}'
}

# within SECONDS CMD...: try CMD until it succeeds; says how long it took, or fails.
within() {
	_limit=$(awk -v s="$1" -v f="$SLOW" 'BEGIN { print int(s * f * 100) }')
	shift
	_start=$(hundredths)
	until "$@" >/dev/null 2>&1; do
		if [ $(($(hundredths) - _start)) -gt "$_limit" ]; then
			echo "not in $_limit hundredths of a second: $*"
			"$@"
			return 1
		fi
		sleep 0.05
	done
	echo "after $(($(hundredths) - _start)) hundredths of a second: $*"
}

hundredths() {
	sed 's/ .*//; s/\.//' /proc/uptime
}

carrier_is() {
	[ "$(cat /sys/class/net/$DEV/carrier 2>/dev/null || echo 0)" = "$1" ]
}

# No frame was dropped by the driver, in either direction, for whatever cause.
no_drops() {
	_drops=$(stats rx_no_memory rx_bad_frame rx_stale tx_too_long tx_bad_offload tx_peer_full)
	[ "$_drops" = "0 0 0 0 0 0" ] && return
	echo "rx no_memory, bad_frame, stale; tx too_long, bad_offload, peer_full: $_drops"
	return 1
}

slots_home() {
	# shellcheck disable=SC2046 # three numbers
	set -- $(stats slots slots_free slots_lent)
	[ "$1" -gt 0 ] && [ "$1" = "$2" ] && [ "$3" = 0 ] && return
	echo "slots $1, free $2, lent $3"
	return 1
}

# client OPTION...: an iperf3 client. Between two tests iperf3's server closes its port for a moment
# and opens it anew: who comes then is refused, and comes again. What it warns of is kept apart from
# its JSON.
client() {
	for _client_try in 1 2 3 4 5 6 7 8 9 10; do
		_client=$(iperf3 "$@" 2>/run/client.$$)
		_client_code=$?
		case $_client$(cat /run/client.$$) in
		*"Connection refused"*) sleep "0.$_client_try" ;;
		*) break ;;
		esac
	done
	cat /run/client.$$ >&2
	printf '%s\n' "$_client"
	return "$_client_code"
}

# Checksums that the stack found wrong, IPv4 headers and TCP and UDP.
checksum_errors() {
	awk '/^(Tcp|Udp|Ip):/ {
			if (head[$1] == "") { head[$1] = $0; next }
			n = split(head[$1], name, " ")
			for (i = 1; i <= n; i++)
				if (name[i] == "InCsumErrors" || name[i] == "InHdrErrors") sum += $i
		}
		END { print sum + 0 }' /proc/net/snmp
}

# load_modules: both, if they are not there. Where time limits are longer, so is the time after
# which a node that makes no sign counts as dead: else a busy host takes links down.
load_modules() {
	_dead=$(awk -v f="$SLOW" 'BEGIN { if (f > 1) printf "dead_ms=%d", 1500 * f }')
	# shellcheck disable=SC2086 # no parameter or one
	[ -e /sys/module/vni_shm ] || insmod /vni/vni_shm.ko $_dead || return
	[ -e /sys/module/vni ] || insmod /vni/vni.ko
}

# configure NODE: link up with the addresses that the tests use.
configure() {
	ip link set $DEV up &&
		ip addr replace "192.168.77.$(($1 + 1))/24" dev $DEV &&
		ip -6 addr replace "fd77::$(($1 + 1))/64" dev $DEV nodad
}
