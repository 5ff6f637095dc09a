# SPDX-License-Identifier: GPL-2.0
"""The parts of tools/vni-demo: figures of what crosses. See Documentation/demo.rst."""
