#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
# TCP: both directions, several streams, content.

. "${0%/*}/net.sh"
ktap_plan $((11 + BOOKS))
fresh_or_end
serve 1

# moves NODE LEAST OPTION...: every stream of the run carries at least LEAST bytes.
moves() {
	_moves_node=$1
	_moves_least=$2
	shift 2
	_moves=$(iperf "$_moves_node" "$@") || { echo "$_moves" | tail -5; return 1; }
	_moves_bytes=$(numbers "$_moves" 'end.streams.*.receiver.bytes') || return
	echo "$_moves_bytes"
	[ -n "$_moves_bytes" ] || return
	for _moves_one in $_moves_bytes; do
		[ "$_moves_one" -ge "$_moves_least" ] || return
	done
}

check "one stream, node 0 to 1" moves 0 1000000 -c 192.168.77.2 -t 2
check "one stream, node 1 to 0" moves 0 1000000 -c 192.168.77.2 -t 2 -R
check "four streams, node 0 to 1, none starves" moves 0 100000 -c 192.168.77.2 -t 2 -P 4
check "four streams, node 1 to 0, none starves" moves 0 100000 -c 192.168.77.2 -t 2 -P 4 -R
check "both directions at once" moves 0 100000 -c 192.168.77.2 -t 2 --bidir
check "IPv6, node 0 to 1" moves 0 1000000 -c fd77::2 -t 1
check "IPv6, node 1 to 0" moves 0 1000000 -c fd77::2 -t 1 -R
check "small writes of 100 bytes" moves 0 10000 -c 192.168.77.2 -t 1 -l 100
check "the server can be the other node" eval 'serve 0 && moves 1 1000000 -c 192.168.77.1 -t 1'

export VNI_NODE_TIMEOUT=90
# A file goes to the other node while one of that node's comes here.
check "58 MB of random bytes go each way at once" in_both '
	trap "rm -f /tmp/content /tmp/sum" EXIT
	head -c 58720256 /dev/urandom >/tmp/content
	nc -l -p 7777 -e sh -c "head -c 58720256 | md5sum" &
	within 5 sh -c "ss -Htln sport = :7777 | grep -q 7777"
	bash -c "
		# the peer may still be making its file
		for try in \$(seq 200); do
			exec 3<>/dev/tcp/192.168.77.$((PEER + 1))/7777 && break
			sleep 0.1
		done 2>/dev/null
		cat /tmp/content >&3 && cat <&3" >/tmp/sum
	md5sum </tmp/content | tee /dev/stderr | cmp - /tmp/sum && wait'
check "no checksum was wrong" in_both '[ "$(checksum_errors)" = 0 ]'
check_books
