#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# timeout: 60

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 1
export VNI_NODE_TIMEOUT=2
check "a kernel that stands still" node 0 insmod /root/vni_lab_trouble.ko kind=hang
