#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What user space writes into the kernel's log is no warning of the kernel.

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 1
check "user space may say what it likes" node 0 sh -c 'echo "WARNING: BUG: Oops" >/dev/kmsg'
