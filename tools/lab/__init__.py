# SPDX-License-Identifier: GPL-2.0
"""The parts of tools/vni-lab: nodes to try VNI in, on one machine. See Documentation/lab.rst."""
