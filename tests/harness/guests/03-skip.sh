#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

. "${0%/*}/../../selftests/lib.sh"
skip_all "there is nothing to test"
