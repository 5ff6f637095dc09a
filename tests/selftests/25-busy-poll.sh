#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
# env: partition ivshmem uml
# Who polls anyway is not rung: sockets that poll, interrupts that NAPI defers, the thread that
# waits while the processor is idle. Whoever stops polling is rung again, and no frame is lost.

. "${0%/*}/net.sh"
cleanup() {
	rm -rf "$tool"
	in_both 'killall rr flow; rm -f /bin/rr /bin/flow
		for name in read poll; do echo 0 >/proc/sys/net/core/busy_$name; done'
} >/dev/null 2>&1
node 0 test -e /proc/sys/net/core/busy_read || skip_all "a kernel without busy polling of sockets"
ktap_plan $((14 + BOOKS))
tool=$(mktemp -d)
fresh_or_end
cc -std=gnu11 -O2 -static -o "$tool/rr" "${0%/*}/../../tools/demo/rr.c" &&
	cc -std=gnu11 -O2 -static -o "$tool/flow" "${0%/*}/../../tools/bench/flow.c" || exit
for node in 0 1; do
	push $node "$tool/rr" /bin/rr && push $node "$tool/flow" /bin/flow || exit
done

# sockets USECS: those that are made from now on poll for so long before they sleep, the server's
# too.
sockets() {
	in_both 'for name in read poll; do echo $1 >/proc/sys/net/core/busy_$name; done
		[ $NODE = 0 ] && exit
		killall rr 2>/dev/null
		for n in $(seq 50); do pidof rr >/dev/null || break; sleep 0.05; done
		rr -s' "$1" >/dev/null
}
# coalesce OPTION...: ethtool -C in both nodes, which complains where nothing changes.
coalesce() {
	in_both 'ethtool -C $DEV "$@"' "$@" >/dev/null 2>&1
}
# trips PROTOCOL SECONDS: how many round trips there were; fails if an answer was lost.
trips() {
	_trips=$(node 0 rr -c 192.168.77.2 -p "$1" -t "$2" -w "$(scaled 1)000") || return
	numbers "$_trips" count lost | {
		read -r count && read -r lost && echo "$count" && [ "$lost" = 0 ]
	}
}
# counted COUNTER: of both nodes together.
counted() {
	echo $(($(in_node 0 "stat $1") + $(in_node 1 "stat $1")))
}
# few_bells PROTOCOL N: fewer than one doorbell in N round trips, of both nodes. If both slept until
# they are rung there would be 8. A node that stands still for a moment may cost one.
few_bells() {
	_few_before=$(counted tx_bells_rung)
	_few_trips=$(trips "$1" 2) || return
	_few=$(($(counted tx_bells_rung) - _few_before))
	echo "$_few doorbells in $_few_trips round trips"
	[ "$_few_trips" -ge 20 ] && [ $(($2 * _few)) -lt "$_few_trips" ]
}

# The thread would hide what sockets do.
coalesce adaptive-rx on rx-usecs 0
sockets 100000
# Each trip has two frames. One that comes between two calls of a program rings: where a host makes
# calls as slow as answers, that is one of the two over TCP.
check "sockets that poll: TCP rings fewer than one doorbell in a round trip" few_bells tcp 1
check "likewise UDP, in 4 round trips" eval 'few_bells udp 4 || few_bells udp 4'
check "their frames are counted as theirs" in_both '[ "$(stat rx_busy_frames)" -ge 40 ]'
check "after that a doorbell tells of frames: 10 pings each way, none lost" in_both '
	before=$(stat bells_seen)
	ping -q -c 10 -i 0.1 -W 1 192.168.77.$((PEER + 1)) || exit
	[ $(($(stat bells_seen) - before)) -ge 5 ]'

# Sockets that give up about when the answer comes: each of these trips is on, off, on.
edges() {
	for _edge in 1 5 20 50 100 200 500; do
		sockets $_edge
		for _protocol in tcp udp; do
			trips $_protocol 0.5 || return
		done
	done
}
check "polling that ends at any moment of a round trip loses no answer" edges
check "set and taken back 40 times while trips go on, none lost" eval '
	pid=$(node_bg 1 sh -c "while :; do for us in 0 50 0 1000; do
		echo \$us >/proc/sys/net/core/busy_read; echo \$us >/proc/sys/net/core/busy_poll
		sleep 0.05; done; done")
	code=0
	for n in 1 2 3 4 5 6 7 8 9 10; do trips udp 0.2 && trips tcp 0.2 || { code=1; break; }; done
	node 1 kill -9 "$pid"; exit $code'
sockets 0

# Deferred: once rung, a queue polls by NAPI's timer for many times before it asks for a doorbell.
defer() { # TIMES NANOSECONDS
	in_both 'echo $1 >/sys/class/net/$DEV/napi_defer_hard_irqs &&
		echo $2 >/sys/class/net/$DEV/gro_flush_timeout' "$@"
}
check "interrupts that NAPI defers are not asked for: 40 pings, at most 8 doorbells" eval '
	defer 2000 5000000 && before=$(counted tx_bells_rung) &&
		node 0 ping -q -c 40 -i 0.05 -W 2 192.168.77.2 &&
		rung=$(($(counted tx_bells_rung) - before)) && echo "$rung doorbells" && [ $rung -le 8 ]'
check "deferred no more: 10 pings each way, none lost" eval 'defer 0 0 && in_both "
	ping -q -c 10 -i 0.1 -W 2 192.168.77.\$((PEER + 1))"'

# The thread that waits while the processor is idle, with more patience than it has by itself.
caught() {
	_caught=$(counted rx_busy_frames)
	trips udp 2 >/dev/null && _caught=$(($(counted rx_busy_frames) - _caught)) &&
		echo "$_caught frames"
}
# Where a host gives the other node's processor to somebody else, it does not pay to wait, and then
# the thread rests: so it has some tries.
coalesce adaptive-rx on rx-usecs 10000
check "rx-usecs 10000: frames come while a node waits for them" eval '
	for n in 1 2 3 4 5 6; do
		got=$(caught) && echo "$got" && [ "${got% *}" -ge 10 ] && break
	done'
check "which ends: an idle node does nothing" in_both '
	used() { sed "s/.*) //" /proc/$1/stat | awk "{ print \$12 + \$13 }"; }
	sleep 1
	for dir in /proc/[0-9]*; do
		read -r name 2>/dev/null <$dir/comm || continue
		case $name in $DEV-idle*) found=${dir#/proc/}; break ;; esac
	done
	[ -n "$found" ] && before=$(used $found) && sleep 1 && after=$(used $found) &&
		echo "$before $after" && [ $((after - before)) -le 5 ]'

# Under heavy traffic polls come by timer; but not while both ends sleep and wait for each other.
# The trip times are TCP's own, in ms; there and back a frame would meet a timer at each end.
short_window() {
	in_node 1 'cp /proc/sys/net/ipv4/tcp_rmem /run/rmem
		echo "4096 131072 131072" >/proc/sys/net/ipv4/tcp_rmem && flow -s' &&
		in_node 0 'flow -c 192.168.77.2 -l 131072 -t 3 >/dev/null & pid=$!
			for n in 1 2 3 4 5 6 7 8; do
				sleep 0.3
				ss -Htin dst 192.168.77.2 dport = :5400 | sed -n "s/.* rtt:\([0-9.]*\).*/\1/p"
			done
			wait $pid' >"$tool/rtt"
	in_node 1 'cat /run/rmem >/proc/sys/net/ipv4/tcp_rmem; killall flow'
	echo "round trips of a stream in ms: $(tr '\n' ' ' <"$tool/rtt")"
	awk '$1 < 10 { found = 1 } END { exit !found }' "$tool/rtt"
}
check "rx-usecs 10000: a stream whose window is small does not wait for that" short_window
coalesce adaptive-rx off rx-usecs 10000
check_equal "adaptive-rx off: nobody waits" "0 frames" "$(caught)"
coalesce adaptive-rx on rx-usecs 0
check_equal "rx-usecs 0: nobody waits" "0 frames" "$(caught)"
coalesce adaptive-rx on rx-usecs 160

# Each write is acknowledged by itself where the reader is quick. One processor: the doorbell of an
# acknowledgement would interrupt the program that writes.
small_writes() {
	_small_before=$(in_node 1 'stat bells_seen') &&
		_small=$(node 1 flow -c 192.168.77.1 -l 64 -t 2) || return
	_small_bells=$(($(in_node 1 'stat bells_seen') - _small_before))
	_small=$(numbers "$_small" sent_messages)
	echo "$_small writes, $_small_bells doorbells"
	[ "$_small" -ge 100 ] && [ $((8 * _small_bells)) -lt "$_small" ]
}
if [ "$(node 1 nproc)" = 1 ]; then
	# at a slow moment of the host it looks like question and answer
	check "writes of 64 bytes: the writer has fewer than one doorbell in 8" eval '
		node 0 flow -s && { small_writes || small_writes || small_writes; }'
else
	skip "writes of 64 bytes" "node 1 has several processors"
fi
check_books
