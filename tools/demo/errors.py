# SPDX-License-Identifier: GPL-2.0
"""What goes wrong in a demo."""


class DemoError(Exception):
    """A step did not work; the text says why, for the person at the terminal."""
