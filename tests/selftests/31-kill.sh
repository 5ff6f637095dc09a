#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 5400
# env: ivshmem
# lab: --nodes 3
# Machines are killed one after the other under traffic of all with all. The others lose the traffic
# with the one that went, notice within 2 s, lose nothing else, and take it back. VNI_KILLS: how
# often (3); for more machines: VNI_KILLS=20 tests/run --env ivshmem --only 31-kill -- --nodes 8

. "${0%/*}/net.sh"
kills=${VNI_KILLS:-3}
nodes=$(node_count)
[ "$nodes" -ge 2 ] || skip_all "two nodes are needed"
ktap_plan $((4 + kills * 6))
all=$(seq 0 $((nodes - 1)))

# each NODES SCRIPT [ARG...]: the script in all these nodes at once; fails if it does in one.
# NODE is the node's number, OTHERS are these nodes without it.
each() {
	_each=$1 _each_script=$2
	shift 2
	_each_pids=
	for _each_node in $_each; do
		_each_others=$(echo "$_each" | tr ' ' '\n' | grep -vx "$_each_node" | tr '\n' ' ')
		(in_node "$_each_node" "NODE=$_each_node OTHERS='$_each_others'; $_each_script" "$@") &
		_each_pids="$_each_pids $!"
	done
	_each_code=0
	for _each_pid in $_each_pids; do
		wait "$_each_pid" || _each_code=1
	done
	return "$_each_code"
}
all=$(echo "$all" | tr '\n' ' ')
but() { # N: all nodes but this one
	echo "$all" | tr ' ' '\n' | grep -vx "$1" | tr '\n' ' '
}

# seat_of N: the seat that node N has at the window.
seat_of() {
	in_node "$1" 'sed -n "s/^window .* node \([0-9]*\) seats .*/\1/p" /sys/kernel/debug/vni/*/status'
}
# shellcheck disable=SC2034 # in what is evaluated
linked='# linked SEAT: alive, and its first channel has a link
	linked() {
		grep -A 1 "^node $1 alive" /sys/kernel/debug/vni/*/status | grep -q "link up"
	}
'
# TCP to the next node, and pings of all sizes to all. Whatever ends starts anew, which is little:
# on an emulated machine it is the start of programs that takes all the time there is.
traffic='
	for name in iperf3 ping; do killall -9 $name; done 2>/dev/null
	setsid iperf3 -s --rcv-timeout 4000 >/dev/null 2>&1 </dev/null &
	count=$1
	# some 80 pings a second in all, and some 24 Mbit of TCP: emulated machines need time to
	# spare, or what is measured is how late they are themselves
	pause=$(awk -v n=$count "BEGIN { print n * n / 80 }")
	: >/run/traffic
	setsid sh -c "while [ -e /run/traffic ]; do
		iperf3 --connect-timeout 1000 --snd-timeout 4000 --pacing-timer 100000 -t 600 \
			-b $((24 / count))M -c 192.168.77.$(((NODE + 1) % count + 1)) || sleep 2
	done" >/dev/null 2>&1 </dev/null &
	for other in $(seq 0 $((count - 1))); do
		[ $other = $NODE ] && continue
		setsid ping -q -i $pause -s $((other * 700 + 56)) 192.168.77.$((other + 1)) \
			>/dev/null 2>&1 </dev/null &
	done'
# shellcheck disable=SC2034
reach='
	for other in $OTHERS; do
		within 5 ping -q -c 1 -W 1 192.168.77.$((other + 1)) || exit
	done'

scratch=$(mktemp -d)
cleanup() {
	rm -rf "$scratch"
}

# gone SEAT: wait until the kernel says that the link with it ends, once more than is noted in
# /run/downs; when that was by the clock of its log, in us. Sleeps in a read of the log: who looks
# again and again would only measure a busy machine.
gone='gone() {
	grep -m $(($(cat /run/downs) + 1)) "node $1: link down" </dev/kmsg | tail -n 1 |
		cut -d , -f 3
}
'
now() {
	echo $(($(date +%s%N) / 1000000))
}
# clock_of N: by what the clock of node N's log is behind this host's, in ms: between the two
# numbers. The node writes marks into its log; the one that took the shortest way counts. What a
# busy host takes to bring a word out of a node is no part of any time that is measured by this.
clock_of() {
	_clock_marks=
	for _clock_mark in 1 2 3 4 5; do
		_clock_before=$(now)
		in_node "$1" "echo clock mark $_clock_mark >/dev/kmsg"
		_clock_after=$(now)
		_clock_marks="$_clock_marks $_clock_before $_clock_after"
	done
	in_node "$1" 'dmesg | sed -n "s/^\[ *\([0-9]*\.[0-9]*\)\] clock mark [1-5]\$/\1/p" | tail -n 5' |
		awk -v marks="$_clock_marks" '
			BEGIN { split(marks, host, " ") }
			{ before = host[2 * NR - 1]; after = host[2 * NR] }
			NR == 1 || after - before < best {
				best = after - before
				least = before - $1 * 1000
				most = after - $1 * 1000
			}
			END { if (NR != 5) exit 1; printf "%.0f %.0f\n", least, most }'
}
# watch NODES SEAT: begin to wait, in all these nodes, for the end of the link with that seat.
# seen MS: all links ended, so soon after the kill at the latest.
watch() {
	rm -f "$scratch"/*
	watchers=
	for _watch in $1; do
		clock_of "$_watch" >"$scratch/clock.$_watch" || return 1
	done
	for _watch in $1; do
		(at=$(in_node "$_watch" "$gone gone $2" 2>"$scratch/said.$_watch") &&
			read -r least most <"$scratch/clock.$_watch" &&
			echo $((at / 1000 + least)) $((at / 1000 + most)) >"$scratch/at.$_watch") &
		watchers="$watchers $!"
	done
}
seen() {
	[ "$watchers" ] || { echo "no clock of a node could be read"; return 1; }
	for _seen in $watchers; do
		wait "$_seen" || { cat "$scratch"/said.*; return 1; }
	done
	cat "$scratch"/at.* | awk -v killed="$killed" -v most="$1" '
		NR == 1 || $1 < first { first = $1 }
		NR == 1 || $2 > last { last = $2 }
		$2 - $1 > error { error = $2 - $1 }
		END {
			printf "after %.0f to %.0f ms, up to %.0f of them are what the clocks may be off\n",
				first - killed, last - killed, error
			exit last - killed > most
		}'
}

check "all $nodes machines load, and everybody reaches everybody" eval '
	each "$all" "load_modules && configure \$NODE" && each "$all" "$reach"'
seats=$(for node in $all; do seat_of "$node"; done)
check_equal "each has a seat of its own" "$nodes" "$(echo "$seats" | sort -u | wc -l)"
each "$all" "$traffic" "$nodes"

# The pings that are counted: for 10 seconds, 80 a second in all, but every 0.15 s at most.
interval=$(awk -v n="$nodes" 'BEGIN { i = (n - 1) * (n - 2) / 80; print (i < 0.15 ? 0.15 : i) }')
pings=$(awk -v i="$interval" 'BEGIN { print int(10.5 / i) }')
sure=$((pings * 5 / 7))
first=$(od -An -N2 -tu2 /dev/urandom)
diag "begins with node $((first % nodes))"
for kill in $(seq "$kills"); do
	victim=$(((first + kill - 1) % nodes))
	rest=$(but "$victim")
	seat=$(seat_of "$victim")
	# Among the others: pings that begin before and end after it, none of which may be lost but
	# of the last: for those, ping waits for twice the longest time so far only. Not the
	# ping of busybox, which setsid would take: its socket has room for a few only. And with a
	# socket of its own kind (ping_group_range): raw ones get the answers to all others as well.
	each "$rest" 'sysctl -qw net.ipv4.ping_group_range="0 0"
	dmesg | grep -c "node $1: link down" >/run/downs
	for other in $OTHERS; do
		setsid /usr/bin/ping -c $3 -i $2 -W 10 192.168.77.$((other + 1)) \
			>/run/loss.$other 2>&1 </dev/null &
	done' "$seat" "$interval" "$pings"
	boots=$(for node in $rest; do boot_of "$node"; done)
	watch "$rest" "$seat"
	# what starts all these is busy for a while, on this host and in the nodes
	sleep "$(scaled 3)"
	check "kill $kill: node $victim (seat $seat) is killed" eval '
		"$VNI_LAB_COMMAND" kill "$victim" >"$scratch/killed"'
	killed=$(cat "$scratch/killed")
	# not by check, whose shell has no children to wait for
	if seen "$(scaled 2)000" >"$scratch/seen"; then
		ok "kill $kill: the others see it go within 2 s"
	else
		not_ok "kill $kill: the others see it go within 2 s"
	fi
	diag "$(cat "$scratch/seen")"
	if [ "$nodes" -eq 2 ]; then
		check "kill $kill: no carrier is left" each "$rest" 'within 2 carrier_is 0'
	else
		check "kill $kill: among the others no ping is lost, and the carrier stays" each "$rest" '
			carrier_is 1 || exit
			for other in $OTHERS; do
				within 30 grep -q "packets transmitted" /run/loss.$other
				awk -F"icmp_seq=" -v sure=$1 "
					/bytes from/ { seq = \$2 + 0 }
					/bytes from/ && seq > 0 && seq <= sure {
						n += !got[seq]++ }
					END { exit n != sure }" /run/loss.$other ||
					{ tail -n 3 /run/loss.$other
					awk "{ print \"drops of ping sockets:\", \$NF }" /proc/net/icmp
					no_drops; exit 1; }
			done' "$sure"
	fi
	diag "booting began after $(($(now) - killed)) ms"
	check "kill $kill: node $victim boots and loads" eval '
		"$VNI_LAB_COMMAND" start "$victim" && in_node "$victim" "load_modules && configure $victim"'
	seat=$(seat_of "$victim")
	check "kill $kill: all have a link with it again (seat $seat)" eval '
		each "$rest" "$linked within 5 linked \$1" "$seat" && each "$all" "$reach"'
	diag "all have it back after $(($(now) - killed)) ms"
	check_equal "kill $kill: the others have run all the time" "$boots" \
		"$(for node in $rest; do boot_of "$node"; done)"
	each "$victim" "$traffic" "$nodes"
done

each "$all" 'rm /run/traffic; for name in iperf3 ping; do killall -9 $name; done' >/dev/null 2>&1
check "no link was refused for a fault, no frame was malformed" each "$all" '
	! grep "faults [1-9]" /sys/kernel/debug/vni/*/status && [ "$(stat rx_bad_frame)" = 0 ]'
check "all slots return" eval 'each "$all" "$reach" && each "$all" "within 5 slots_home"'
