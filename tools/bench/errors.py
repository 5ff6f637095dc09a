# SPDX-License-Identifier: GPL-2.0
"""What goes wrong in a benchmark."""

from demo.errors import DemoError


class BenchError(DemoError):
    """The text says why, for the person at the terminal and for the report."""
