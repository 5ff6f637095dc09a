#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 180
# env: partition
# Wrong parameters and wrong windows are refused with words that say why, and nothing is touched.

. "${0%/*}/net.sh"
ktap_plan 40

tool=$(mktemp -d)
cleanup() { rm -rf "$tool"; }
cc -std=gnu11 -O2 -static -o "$tool/physmem" "${0%/*}/physmem.c" || exit
for node in 0 1; do
	push $node "$tool/physmem" /bin/physmem || exit
done
fresh_or_end

window=$(in_node 0 'grep -i "VNI window" /proc/iomem' |
	sed 's/^ *\([0-9a-f]*\)-\([0-9a-f]*\) .*/\1 \2/')
base=$((0x${window% *}))
size=$((0x${window#* } + 1 - base))
seats=$(in_node 0 'sed -n "s/^window .* seats \([0-9]*\) .*/\1/p" /sys/kernel/debug/vni/*/status')
section=$((size / seats))
mega=$((size >> 20))
at() { # SEAT OFFSET
	echo $((base + $1 * section + $2))
}
# The last 32 MiB of node 0's memory, and memory of the starter.
ram=$(in_node 0 'grep "System RAM" /proc/iomem | sort | tail -n 1' |
	sed 's/.*-\([0-9a-f]*\) .*/\1/')
half=$((0x$ram + 1 - (32 << 20)))
pool=$(in_node 0 'grep "vni_node pool" /proc/iomem' | sed 's/^ *\([0-9a-f]*\)-.*/\1/')
pool=$((0x$pool))
diag "window of $mega MiB at $base, $seats seats"

# refused BEHAVIOUR TEXT MODULE PARAMETER...: insmod on node 0 fails, TEXT is in its log, and the
# module is not there.
refused() {
	_refused=$1
	shift
	check "$_refused" in_node 0 '
		text=$1 module=$2
		shift 2
		echo "vni-test: $$" >/dev/kmsg
		! insmod /vni/$module.ko "$@" && [ ! -e /sys/module/$module ] || exit
		dmesg | sed "1,/vni-test: $$\$/d" >/run/said
		cat /run/said
		grep -qF -- "$text" /run/said && { [ $module = vni ] || ! grep "VNI window" /proc/iomem; }' \
		"$@"
}

in_node 0 'rmmod vni'
refused "queues=9" "queues=9; expected 1 to 8" vni queues=9
refused "queues=-1" "invalid for parameter" vni queues=-1
in_node 0 'rmmod vni_shm'

# Node 1 is alive at its seat from here on. All others are to stay as they are.
others() {
	in_node 0 'physmem $1 sum $2; physmem $3 sum $4' "$base" "$section" \
		"$(at 2 0)" $((size - 2 * section))
}
before=$(others)
refused "dead_ms=299" "dead_ms=299; expected 300 to 60000" vni_shm dead_ms=299
refused "dead_ms=60001" "dead_ms=60001; expected 300 to 60000" vni_shm dead_ms=60001
refused "a window that is no region" "expected SIZE@BASE" vni_shm window=nonsense node=0
refused "a window without a base" "expected SIZE@BASE" vni_shm window=64M node=0
refused "a window with text behind it" "expected SIZE@BASE" vni_shm window=64M@1536Mx node=0
refused "a window of no size" "expected SIZE@BASE" vni_shm "window=0@$base" node=0
refused "a window without the node's id" "without node=" vni_shm "window=$size@$base"
refused "a window in memory that Linux uses" "is memory that this kernel uses itself" \
	vni_shm window=64M@256M node=0
refused "a window half in memory that Linux uses" "is memory that this kernel uses itself" \
	vni_shm "window=64M@$half" node=0
refused "a window that is another driver's" "is in use by another driver" \
	vni_shm "window=64M@$pool" node=0
refused "a window that is too small" "is too small; expected at least 524288" \
	vni_shm "window=256K@$base" node=0
refused "a base that is not aligned" "expected both to be multiples of 65536" \
	vni_shm "window=16M@$((base + 4096))" node=0
refused "a size that is not aligned" "expected both to be multiples of 65536" \
	vni_shm "window=$((size - 4096))@$base" node=0
refused "a window beyond the end of memory" "goes beyond the end of memory" \
	vni_shm window=16M@0xffffffffffff0000 node=0
refused "node=64" "node=64; expected 0 to 63" vni_shm node=64
refused "a node beyond the seats" "in a window of $seats seats" vni_shm "node=$seats"
refused "seats=3" "expected a power of two from 2 to 64" vni_shm seats=3
refused "seats=1" "expected a power of two from 2 to 64" vni_shm seats=1
refused "seats=128" "expected a power of two from 2 to 64" vni_shm seats=128
refused "other seats than the living node's" \
	"uses $seats seats, this node was told $((seats / 2))" \
	vni_shm "seats=$((seats / 2))"
refused "another window than the living node's" "a living node sees a window of $size bytes" \
	vni_shm "window=$((size / 2))@$base" node=0
refused "the living node's seat" "seat 1 is taken by a living node" vni_shm node=1
refused "format=1 while a node is alive" "not formatted: node 1 is alive" vni_shm format=1
check_equal "all these refusals have left the window as it was" "$before" "$(others)"
check "node 1 took no notice: no peer, no fault, carrier off" in_node 1 '
	cat /sys/kernel/debug/vni/*/status
	! grep "^node 0 \(alive\|refused\)" /sys/kernel/debug/vni/*/status && carrier_is 0'

node 0 physmem "$base" fill 4096 165
refused "garbage at the own seat" "expected zeros or a VNI section at seat 0" vni_shm
check_equal "the garbage is still there" 0xa5a5a5a5a5a5a5a5 "$(node 0 physmem "$base")"

# Another seat's garbage is that seat's affair.
in_node 0 'physmem $1 fill 4096 0; physmem $2 fill 4096 165' "$base" "$(at 3 0)"
check "garbage at another seat does not keep two nodes apart" eval '
	in_node 0 "load_modules && configure 0 && within 3 carrier_is 1" &&
		in_node 0 "within 2 grep \"^node 3 refused .*no VNI section but 0xa5a5\" \
			/sys/kernel/debug/vni/*/status" && node 0 ping -c 1 -W 2 192.168.77.2'

# A seat with the right first word and wrong contents, seen by a living node: magic, version and
# seat, size of window and sections, seats and generation, and a heartbeat.
MAGIC=0x31304957494e5656
# forge SEAT VERSION WINDOW SECTION SEATS
forge() {
	in_node 0 'first=$1 life=$2 magic=$3
		shift 3
		physmem $first = 0 "$@" && physmem $life = $((100 << 32 | 1)) 1 && physmem $first = $magic' \
		"$(at "$1" 0)" "$(at "$1" 64)" $MAGIC $(($1 << 32 | $2)) "$3" "$4" $((1 << 32 | $5))
}
seen_as() {
	in_node 0 'within 2 grep "^node 3 refused .*because: $1" /sys/kernel/debug/vni/*/status &&
		carrier_is 1' "$1"
}
in_node 0 'rmmod vni; rmmod vni_shm'
forge 3 $((2 << 16)) $size $section "$seats"
in_node 0 'load_modules && configure 0 && within 3 carrier_is 1' >/dev/null
check "a dead section of another version is refused by a living node" \
	seen_as "window version 2.0, expected 1.0"

in_both 'rmmod vni; rmmod vni_shm'
forge 3 $((2 << 16)) $size $section "$seats"
# on node 1: on node 0 the mapping would end when vni_shm claims the window
pid=$(node_bg 1 physmem "$(at 3 72)" beat)
refused "a living node of another version" "a living node uses version 2.0 of the window" vni_shm
forge 3 $((1 << 16)) $((size * 2)) $section "$seats"
refused "a living node with a larger window" "a living node sees a window of $((size * 2)) bytes" \
	vni_shm
forge 3 $((1 << 16)) $size $section "$seats"
check "a living node of the same kind is no hindrance, but has no link" in_node 0 '
	load_modules && within 2 grep "^node 3 alive" /sys/kernel/debug/vni/*/status && carrier_is 0'
in_node 0 'rmmod vni; rmmod vni_shm'
node 1 kill "$pid"

node 0 physmem "$base" fill $size 165
refused "a window full of garbage" "in $seats of $seats seats" vni_shm
check_equal "the garbage has not been touched" \
	"$(node 0 physmem "$(at 1 0)" sum $section)" "$(node 0 physmem "$base" sum $section)"
check "with format=1 the same window is taken" in_node 0 '
	insmod /vni/vni_shm.ko format=1 && dmesg | tail -n 5 | grep formatted && load_modules &&
		configure 0'
check "and node 1 joins in it" eval '
	in_node 1 "load_modules && configure 1" && in_node 0 "within 3 carrier_is 1" &&
		node 0 ping -c 2 -i 0.1 -W 2 192.168.77.2'
check "fewer seats can be had when nobody is there" eval '
	in_both "rmmod vni; rmmod vni_shm" && node 0 insmod /vni/vni_shm.ko seats=2 &&
		node 0 grep "seats 2 " /sys/kernel/debug/vni/machine/status'
check "who joins takes over that number" eval '
	in_both "load_modules && configure \$NODE" && in_both "within 3 carrier_is 1" &&
		node 1 grep "seats 2 " /sys/kernel/debug/vni/machine/status'
in_both 'rmmod vni; rmmod vni_shm'
node 0 physmem "$base" fill $size 0
