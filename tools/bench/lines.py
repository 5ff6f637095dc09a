# SPDX-License-Identifier: GPL-2.0
"""Cache lines of the window that are written for a frame, from what was counted meanwhile."""

from __future__ import annotations

from typing import NamedTuple

from .errors import BenchError

_LINE = 64
_RETURNS_A_LINE = 16
_PUBLISHED_EARLY = 8  # the receiver shows its progress each eighth of the ring, too


class Counted(NamedTuple):
    """How much grew while frames of one size went from one node to another."""

    frames: int  # that the sender sent
    in_ring: int  # of them, those in the head/tail form
    size: int  # bytes of each
    ring_lines: int  # that the sender's head went on by
    returns: int  # slots that the receiver gave back
    flushes: int  # of the sender: each has shown the head once
    polls: int  # of the receiver
    timer_polls: int  # of them, those that the timer follows: no doorbell was asked for
    ring: int  # lines that the frame ring has


class Told(NamedTuple):
    """A frame."""

    data: float  # lines of records and of the packet buffer, which the sender has written
    other: float  # lines of returned slots, and stores to indices, wishes and the table of slots


def told(counted: Counted) -> Told:
    """`other` is too high rather than too low: a poll that finds nothing shows nothing. It lacks
    what nothing counts: how far the sender has read returns, and its wishes when it has stopped."""
    frames = counted.frames
    if frames <= 0 or counted.ring_lines < frames:
        raise BenchError(f"{frames} frames in {counted.ring_lines} lines of the ring: the link has "
                         "not been up all the time")
    in_slots = (frames - counted.in_ring) * -(-counted.size // _LINE)
    shown = counted.polls + counted.ring_lines * _PUBLISHED_EARLY // counted.ring
    ends = 2 if counted.returns else 1  # that the receiver shows: its tail, its returns
    wishes = counted.polls - counted.timer_polls
    table = 2 * counted.returns  # stores: when a slot is lent and when it is back
    return Told((counted.ring_lines + in_slots) / frames,
                (counted.flushes + ends * shown + wishes + table
                 + counted.returns / _RETURNS_A_LINE) / frames)
