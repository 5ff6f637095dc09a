#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The first try ends the way QEMU's stale breakpoint ends a node; there must be a second one.

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 1
if [ ! -e "${VNI_LOG_ALLOW%.allow}.first.log" ]; then
	node 0 sh -c 'echo 1 >/proc/sys/kernel/panic_on_oops
		insmod /root/vni_lab_trouble.ko kind=stale'
fi
check "the second try is good" node 0 true
