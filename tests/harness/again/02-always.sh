#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 1
check "never good" false
