#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 3
check "a command succeeds in a node" node 0 true
check_fails "a command fails in a node" node 0 false
check_equal "its output comes back" "Linux" "$(node 0 uname -s)"
