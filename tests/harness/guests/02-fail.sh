#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 2
check "this passes" node 0 true
check "this fails" node 0 sh -c 'echo reason; exit 3'
