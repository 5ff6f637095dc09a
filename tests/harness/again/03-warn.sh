#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a kernel complains of at the first try stands, good as the second would be.

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 1
[ -e "${VNI_LOG_ALLOW%.allow}.first.log" ] || node 0 insmod /root/vni_lab_trouble.ko kind=warn
check "all is well but for the kernel's log" true
