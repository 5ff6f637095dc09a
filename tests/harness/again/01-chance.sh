#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Fails at the first try only.

. "${0%/*}/../../selftests/lib.sh"
ktap_plan 1
check "good the second time" [ -e "${VNI_LOG_ALLOW%.allow}.first.log" ]
