# SPDX-License-Identifier: GPL-2.0
"""The one kind of error that is shown to the person as a sentence instead of a traceback."""


class LabError(Exception):
    """Something outside the lab's own code is not as it should be; the text says what to do."""
