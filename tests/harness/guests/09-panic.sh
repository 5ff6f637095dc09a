#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 2
check "node 0 panics" node 0 sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
check "nothing works after that" node 0 true
