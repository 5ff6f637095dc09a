#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
# env: partition
# lab: --append iomem=relaxed
# A node whose section is overwritten with noise costs itself its link, and nobody else anything.

. "${0%/*}/net.sh"
ktap_plan 26

tool=$(mktemp -d)
cleanup() { rm -rf "$tool"; }
cc -std=gnu11 -O2 -static -o "$tool/physmem" "${0%/*}/physmem.c" || exit
push 0 "$tool/physmem" /bin/physmem || exit
fresh_or_end
# noise meets frames in slots too
node 0 ethtool --set-tunable vni0 tx-copybreak 1024

# Where things lie in node 1's section; Documentation/window-abi.rst has the offsets.
window=$(in_node 0 'grep -i "VNI window" /proc/iomem' |
	sed 's/^ *\([0-9a-f]*\)-\([0-9a-f]*\) .*/\1 \2/')
base=$((0x${window% *}))
seats=$(in_node 0 'sed -n "s/^window .* seats \([0-9]*\) .*/\1/p" /sys/kernel/debug/vni/*/status')
section=$(((0x${window#* } + 1 - base) / seats))
word() { # ADDRESS
	node 0 physmem "$1"
}
peer=$((base + section))
chan=$((peer + $(word $((peer + 512 + 8)))))
eth=$((chan + 1024))
half=$(word $((eth + 20)))
queues=$((half & 0xffffffff))
lines=$((half >> 32))
ends=$((chan + $(word $((eth + 40)))))
rings=$((chan + $(word $((eth + 48)))))
gives=$((chan + $(word $((eth + 56)))))
diag "seed $$, section of node 1 at $peer, $queues queues, rings of $lines lines"

# noisy WHAT ADDRESS LEN: noise there for 4 seconds under traffic. Node 0 lives and goes on after
# it.
noisy() {
	in_node 0 'physmem $1 noise $2 4 $3 &
		noise=$!
		iperf3 -c 192.168.77.2 -t 3 --connect-timeout 1000 >/dev/null 2>&1 &
		one=$!
		ping -q -i 0.01 -s 1400 -c 300 -w 4 192.168.77.2 >/dev/null
		wait $noise
		kill $one 2>/dev/null
		true' "$2" "$3" "$$"
	check "noise in $1: node 0 answers" node 0 true
	check "noise in $1: node 1 answers" node 1 true
	# both sides may have refused each other for a while, and the ends heal with a new session
	if wait_for 40 node 0 ping -c 1 -W 1 192.168.77.2 2>/dev/null; then
		ok "noise in $1: the link comes back by itself"
	else
		diag "$(in_node 0 'cat /sys/kernel/debug/vni/*/status')"
		diag "$(in_node 1 'cat /sys/kernel/debug/vni/*/status')"
		not_ok "noise in $1: the link comes back by itself"
	fi
}

serve 1
to0=$((queues * 0)) # node 1's rings towards seat 0 come first
noisy "the ring ends" $((ends + to0 * 512)) $((queues * 512))
noisy "the frame ring" $((rings + to0 * lines * 64)) $((lines * 64))
noisy "the return ring" $((gives)) 4096
noisy "the links' cells" "$chan" 1024
in_node 0 'dmesg' >"$tool/log"
check "the log says which rule was broken" grep -q "node 1: link refused: " "$tool/log"
check "and does not say it hundreds of times" \
	sh -c '[ "$(grep -c "link refused" "$1")" -lt 100 ]' sh "$tool/log"
check "however often it was refused, it is tried again within 8 s" awk '
	match($0, /next try in [0-9]+ s/) {
		n++; seconds = substr($0, RSTART + 12) + 0; if (seconds > most) most = seconds }
	END { print n " refusals, waits up to " most " s"; exit !(n >= 4 && most == 8) }' "$tool/log"

# What no session repairs: the directory, the layout, the doorbells, and who it is.
in_node 0 'physmem $1 noise 4096 4 $2' "$peer" "$$"
in_node 0 'physmem $1 noise 128 3 $2' "$eth" "$$"
check "noise in all that node 1 says of itself: node 0 answers" node 0 true
check "noise in all that node 1 says of itself: node 1 answers" node 1 true
check "node 0 drops the link" in_node 0 'within 10 carrier_is 0'
in_node 1 'rmmod vni && rmmod vni_shm'
# a seat that holds garbage is not taken without a word from whoever owns the machine
in_node 0 'physmem $1 fill 4096 0' "$peer"
check "node 1 sits down again" in_node 1 'load_modules && configure 1'
check "and is reached" wait_for 15 node 0 ping -c 1 -W 1 192.168.77.2
check "no slot of node 0 is left with it" in_node 0 '
	ping -q -c 3 -i 0.2 192.168.77.2 >/dev/null
	ethtool -S vni0 | awk "/slots_lent/ { lent += \$2 } END { exit lent != 0 }"'

# What it says that it holds of node 0's slots is believed as far as a node may hold any.
chan0=$(word $((base + 512 + 8)))
eth0=$((base + chan0 + 1024))
held=$((chan + $(word $((eth + 104))))) # what is said to seat 0 comes first
bits=$(($(word $((eth + 100))) & 0xffffffff))
slots=$(($(word $((eth0 + 32))) & 0xffffffff))
queues=$(($(word $((eth0 + 20))) & 0xffffffff))
in_node 0 'physmem $1 = $2 $3 && physmem $(($1 + 64)) fill $4 255' "$held" \
	$((chan0 + $(word $((eth0 + 72))))) $((slots | (queues << 32))) $((bits / 8))
in_node 0 'ip link set vni0 down && ip link set vni0 up'
check "a node that says it holds all slots is refused" in_node 0 '
	within 8 sh -c "dmesg | grep -q \"refused: programs there have not read\""'
check "and half of them are left for others" in_node 0 '
	free=$(stat slots_free) && echo "$free of $(stat slots) are free" &&
		[ $((2 * free)) -ge "$(stat slots)" ] && [ "$free" -lt "$(stat slots)" ]'
in_node 0 'physmem $(($1 + 64)) fill $2 0' "$held" $((bits / 8))
check "it is a peer again when it says that it holds none" \
	wait_for 20 node 0 ping -c 1 -W 1 192.168.77.2
check "which are free then" in_node 0 'within 5 slots_home'
check "TCP runs as before" iperf 0 -c 192.168.77.2 -n 20M
