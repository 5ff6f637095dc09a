#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 150
# env: partition
# The starter refuses what is wrong, in one line that says why, before it touches anything.

. "${0%/*}/net.sh"
ktap_plan 34

tool=$(mktemp -d)
cleanup() { rm -rf "$tool"; }
cc -std=gnu11 -O2 -static -o "$tool/physmem" "${0%/*}/physmem.c" || exit
push 0 "$tool/physmem" /bin/physmem || exit
fresh_or_end

# refused BEHAVIOUR TEXT VNI-NODE-ARGUMENT...: it ends with an error and one line with TEXT in it.
refused() {
	_refused=$1
	shift
	check "$_refused" in_node 0 '
		text=$1
		shift
		! said=$(vni-node "$@" 2>&1 >/dev/null) || { echo "not refused"; exit 1; }
		echo "$said"
		[ "$(echo "$said" | wc -l)" = 1 ] && echo "$said" | grep -qF -- "$text"' "$@"
}
state() {
	in_node 0 'vni-node list --json | grep -o "\"node.*\"low_base\": [0-9]*" |
			sed "s/\"uptime_ns[^,]*,//"
		cat /sys/devices/system/cpu/online; grep -i vni /proc/iomem'
}
list=$(node 0 vni-node list --json)
field() {
	printf '%s\n' "$list" | sed -n "s/.*\"$1\": \[*\([0-9]*\).*/\1/p"
}
cpu=$(field cpus) mem=$(field mem_base) mem_size=$(field mem_size)
kernel='--kernel /boot/vmlinuz'
beyond=$((mem + mem_size))

# shellcheck disable=SC2086 # $kernel is two words
{
	before=$(state)
	refused "a CPU that another node owns" "CPU $cpu belongs to node 1" \
		load 2 $kernel --cpus "$cpu" --mem 64M
	refused "node 0's first CPU" "CPU 0 cannot be given away" load 2 $kernel --cpus 0 --mem 64M
	refused "a CPU that does not exist" "CPU 99 does not exist" load 2 $kernel --cpus 99 --mem 64M
	refused "a CPU given twice" "CPU 1 is given twice" load 2 $kernel --cpus 1,1 --mem 64M
	refused "no list of CPUs" "expected a list" load 2 $kernel --cpus one --mem 64M
	node 0 sh -c 'echo 0 >/sys/devices/system/cpu/cpu1/online'
	refused "a CPU that is offline" "CPU 1 was taken offline by somebody else" \
		load 2 $kernel --cpus 1 --mem 64M
	node 0 sh -c 'echo 1 >/sys/devices/system/cpu/cpu1/online'
	refused "memory of another node" "overlaps node 1" \
		load 2 $kernel --cpus 1 --mem "64M@$((mem + (64 << 20)))"
	refused "memory outside the pool" "is outside the pool" \
		load 2 $kernel --cpus 1 --mem "64M@$beyond"
	refused "memory half outside the pool" "is outside the pool" \
		load 2 $kernel --cpus 1 --mem "64M@$((beyond - (32 << 20)))"
	refused "memory that is not aligned" "must be a multiple of 2 MiB" \
		load 2 $kernel --cpus 1 --mem "64M@$((mem + 4096))"
	refused "too little memory" "at least 64M is needed" load 2 $kernel --cpus 1 --mem 32M
	refused "no memory free" "no 64M in one piece free" load 2 $kernel --cpus 1 --mem 64M
	refused "memory that is no size" "expected" load 2 $kernel --cpus 1 --mem lots
	refused "a kernel that is not there" "No such file" load 2 --kernel /none --cpus 1 --mem 64M
	refused "a node that is loaded" "node 1 is loaded already" load 1 $kernel --cpus 1 --mem 64M
	refused "node 0 as a node" "is no node" load 0 $kernel --cpus 1 --mem 64M
	refused "node 64" "is no node" start 64
	refused "start of a node that runs" "node 1 is running already" start 1
	refused "start of a node that is not loaded" "node 2 is not loaded" start 2
	refused "unload of a node that runs" "node 1 is running: stop it first" unload 1
	refused "a verb that there is not" "is no command" explode 1
	refused "wait that ends in vain" "node 1 is running, not panicked" \
		wait 1 panicked --timeout 0.1
	check_equal "nodes, CPUs and memory are as they were" "$before" "$(state)"
	check "a CPU of a node does not come online on node 0" in_node 0 '
		! echo 1 >/sys/devices/system/cpu/cpu'"$cpu"'/online'
	check "node 1 answers as before" node 0 ping -c 2 -i 0.1 -W 2 192.168.77.2

	# Images are looked at when there is memory to put them into.
	# shellcheck disable=SC2034 # used by eval
	boot1=$(boot_of 1)
	apic_id=$(node 1 sed -n 's/^apicid[^:]*: //p' /proc/cpuinfo)
	node 0 vni-node stop 1
	# Peers ring its doorbell until they see that it does not answer. 253 only asks a CPU to
	# look whether it has something else to run.
	check "a stopped node that is rung stays stopped, and the machine lives" in_node 0 '
		taskset 1 physmem 0xfee00000 ipi $1 253 200000 &
		taskset 2 physmem 0xfee00000 ipi $1 253 200000 && wait $!' "$apic_id"
	check "a stopped node can be unloaded, its CPU is node 0's again" in_node 0 '
		vni-node unload 1 && [ "$(cat /sys/devices/system/cpu/cpu'"$cpu"'/online)" = 1 ]'
	online=$(node 0 cat /sys/devices/system/cpu/online)
	refused "a kernel that is no bzImage" "is no bzImage" \
		load 1 --kernel /bin/busybox --cpus "$cpu" --mem 128M
	node 0 sh -c 'head -c 30000 /boot/vmlinuz >/tmp/cut; head -c 100 /boot/vmlinuz >/tmp/stub
		truncate -s 200M /tmp/large'
	refused "a kernel of 100 bytes" "is no bzImage" load 1 --kernel /tmp/stub --cpus "$cpu" --mem 128M
	refused "an initrd larger than the node" "does not fit" \
		load 1 $kernel --initrd /tmp/large --cpus "$cpu" --mem 128M
	refused "an initrd that does not fit beside the kernel" "does not fit" \
		load 1 $kernel --initrd /tmp/large --cpus "$cpu" --mem 256M
	refused "a command line that is too long" "the command line" load 1 $kernel \
		--cmdline "$(head -c 3000 /dev/zero | tr '\0' x)" --cpus "$cpu" --mem 128M
	check_equal "no CPU was taken" "$online" "$(node 0 cat /sys/devices/system/cpu/online)"
	node 0 rm -f /tmp/cut /tmp/stub /tmp/large
	check "after all that node 1 can be loaded, boots and has a link" eval '
		node 0 vni-node load 1 --kernel /boot/vmlinuz --initrd /boot/initrd --cpus "$cpu" \
			--mem $mem_size && node 0 vni-node start 1 && after_boot 1 "$boot1" &&
			in_node 1 "load_modules && configure 1" && in_node 0 "within 3 carrier_is 1"'
}
