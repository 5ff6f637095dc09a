# SPDX-License-Identifier: GPL-2.0
"""A person at a node's console."""

from __future__ import annotations

import os
import selectors
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .client import Run, ask, write_all
from .state import State

_LEAVE = b"\x1d"  # Ctrl-]


@contextmanager
def _raw_terminal() -> Iterator[None]:
    if not sys.stdin.isatty():
        yield
        return
    saved = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)


def console(state: State, node: int) -> int:
    where = ask(state, {"op": "console", "node": node})
    print(f"vni-lab: console of node {node}; Ctrl-] leaves it\r", file=sys.stderr)
    with _raw_terminal():
        if "socket" in where:
            return _over_socket(state, where["socket"])
        return _over_command(state, where["node"], where["argv"])


def _copy_keys(write: Callable[[bytes], None]) -> bool:
    """Pass on what was typed; False when the person leaves."""
    data = os.read(0, 4096)
    before, leave, _ = data.partition(_LEAVE)
    if before:
        write(before)
    return bool(data) and not leave


def _over_socket(state: State, name: str) -> int:
    with state.connect(name) as line, selectors.DefaultSelector() as selector:
        selector.register(line, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == 0:
                    if not _copy_keys(line.sendall):
                        return 0
                    continue
                data = line.recv(65536)
                if not data:
                    return 1
                write_all(1)(data)


def _over_command(state: State, node: int, argv: list[str]) -> int:
    return Run(state, node, argv).go(0, write_all(1), write_all(2), _LEAVE)
