#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A warning that the script has announced.

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 1
allow_log 0 "WARNING: |Call Trace:"
check_fails "a warning on purpose" node 0 insmod /root/vni_lab_trouble.ko kind=warn
