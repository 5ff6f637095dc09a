#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 300
# env: ivshmem
# lab: --nodes 2
# A device goes while programs have not read frames that stay in place in its memory. The lab is its
# own: where 30 has left a second device, either may be vni0 when the modules are loaded again.

. "${0%/*}/net.sh"
. "${0%/*}/late.sh"
ktap_plan 21
fresh_or_end
serve 1
name="VNI, being read"
cleanup() {
	end_late >/dev/null 2>&1
}
back() { # THE DEVICE COMES: a command in node 1
	in_node 1 "$1; within 10 [ -e /sys/class/net/vni0 ] && configure 1" && lend
}
in_node 1 'dmesg -c >/dev/null'
said() { # TEXT: it is in node 1's log, since the script began
	in_node 1 'within 10 sh -c "dmesg | grep -q \"$1\""' "$1"
}
# shellcheck disable=SC2034 # in what is evaluated
address=$(in_node 1 'basename "$(readlink /sys/class/net/vni0/device)"')
driver=/sys/bus/pci/drivers/vni_shm
place() {
	in_node 1 'sed -n "3s/ .*//p" "/sys/bus/pci/devices/$1/resource"' "$address"
}

check "frames stay in place" eval 'lend && stay_in_place'
check "a program that reads late holds some of them" late 7001
check "the device is unbound beside it" in_node 1 "
	echo $address >$driver/unbind && [ ! -e /sys/class/net/vni0 ]"
check "the log says what stays" said "it stays mapped until they let go"
check "the program reads what was sent, to the end" in_node 1 '
	: >/run/go
	more() { [ "$(wc -c </run/late.7001)" -gt 50000 ]; }
	within 10 more && sleep 1
	head -c 50000 /run/late.7001 | head -n -1 | sort -u >/run/lines
	[ "$(cat /run/lines)" = vni-window-line ] || { head -n 5 /run/lines; exit 1; }'
check "then nothing stays" said "programs have let go"
check "bound again, frames stay in place again" eval '
	back "echo $address >$driver/bind" && stay_in_place'

check "another program reads late" late 7002
check "unbound and bound beside it, the link comes back" eval '
	back "echo $address >$driver/unbind; echo $address >$driver/bind"'
check "frames stay in place" stay_in_place
check "nothing holds the memory besides the device" in_node 1 '
	! grep "$1" /proc/iomem' "$name"

before=$(place)
check "the device is removed beside that program" in_node 1 "
	echo 1 >/sys/bus/pci/devices/$address/remove
	[ ! -e /sys/class/net/vni0 ] && [ ! -e /sys/bus/pci/devices/$address ]"
check "no other device can have its memory's place" in_node 1 'grep "$1" /proc/iomem' "$name"
check "it is found again, and the link comes back" back 'echo 1 >/sys/bus/pci/rescan'
check "at another place" [ "$(place)" != "$before" ]
check "frames stay in place there" stay_in_place
check "the program ends, and the former place is free" eval '
	end_late && in_node 1 "within 10 sh -c \"! grep \\\"\$1\\\" /proc/iomem\"" "$name"'

check "a third program reads late" late 7003
check "the modules are unloaded beside it and loaded again" eval '
	in_node 1 "rmmod vni && rmmod vni_shm" &&
		back load_modules'
check "the log says that the memory stays mapped" said "until the next boot"
check "frames stay in place for all that" stay_in_place
