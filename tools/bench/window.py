# SPDX-License-Identifier: GPL-2.0
"""The window of User-Mode Linux nodes, which is a file of this host: how far its rings have gone.
The layout is include/vni_abi.h's."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

from .errors import BenchError

_MAGIC = 0x31304957494E5656
_CHANNELS, _CHANNEL_COUNT, _CHANNEL_SIZE = 512, 8, 64
_ETH = 1  # the service
_LINKS = 1024  # bytes of struct vni_chan, before struct vni_eth
_ENDS_SIZE = 512  # of struct vni_eth_ends
_TX, _GIVE = 0, 256  # in it
_AROUND = 1 << 32  # indices run freely


class Gone(NamedTuple):
    """How far a node has gone towards another, all queues; free-running indices, one a queue."""

    lines: tuple[int, ...]  # of the frame rings, written
    returns: tuple[int, ...]  # slots of the other's, given back
    ring_lines: int  # of one ring

    def since(self, before: Gone) -> tuple[int, int]:
        """Lines and returns."""
        return (sum((now - then) % _AROUND for now, then in zip(self.lines, before.lines)),
                sum((now - then) % _AROUND for now, then in zip(self.returns, before.returns)))


def read(window: Path, node: int, peer: int) -> Gone:
    """What `node` says of its rings towards `peer`."""
    with window.open("rb") as file:
        def take(at: int, form: str) -> tuple[int, ...]:
            file.seek(at)
            data = file.read(struct.calcsize(form))
            if len(data) < struct.calcsize(form):
                raise BenchError(f"{window}: ends before byte {at + struct.calcsize(form)}")
            return struct.unpack(form, data)

        magic, size = take(0, "<Q16xQ")
        if magic != _MAGIC:
            raise BenchError(f"{window}: no node 0 in this window")
        base = node * size
        for number in range(_CHANNEL_COUNT):
            service, offset = take(base + _CHANNELS + number * _CHANNEL_SIZE, "<I4xQ")
            if service == _ETH:
                break
        else:
            raise BenchError(f"{window}: node {node} has no network device")
        channel = base + offset
        queues, ring_lines, ends = take(channel + _LINKS + 20, "<II12xQ")
        first = channel + ends + peer * queues * _ENDS_SIZE
        indices = [[take(first + queue * _ENDS_SIZE + end, "<I")[0] for queue in range(queues)]
                   for end in (_TX, _GIVE)]
    return Gone(tuple(indices[0]), tuple(indices[1]), ring_lines)
