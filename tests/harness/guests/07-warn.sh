#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 1
check_fails "the script itself is content" node 0 insmod /root/vni_lab_trouble.ko kind=warn
