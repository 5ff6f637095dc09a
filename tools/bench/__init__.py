# SPDX-License-Identifier: GPL-2.0
"""What vni-bench is made of; Documentation/bench.rst tells what it measures."""
