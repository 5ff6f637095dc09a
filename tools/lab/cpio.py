# SPDX-License-Identifier: GPL-2.0
"""An initramfs archive (cpio, "newc"), written the same way for the same content."""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath

_TRAILER = "TRAILER!!!"


class Archive:
    """Files to be; parent directories come by themselves."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, bytes]] = {}

    def directory(self, path: str, mode: int = 0o755) -> None:
        self._add(path, stat.S_IFDIR | mode, b"")

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self._add(path, stat.S_IFREG | mode, data)

    def copy(self, path: str, source: Path) -> None:
        executable = bool(source.stat().st_mode & stat.S_IXUSR)
        self.file(path, source.read_bytes(), 0o755 if executable else 0o644)

    def symlink(self, path: str, target: str) -> None:
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def console(self) -> None:
        """/dev/console, without which the first process has no standard output."""
        self._add("/dev/console", stat.S_IFCHR | 0o600, b"")

    def has(self, path: str) -> bool:
        return path.strip("/") in self._entries

    def pack(self) -> bytes:
        parts: list[bytes] = []
        for number, (name, (mode, data)) in enumerate(sorted(self._entries.items())):
            parts.append(_entry(name, mode, data, number + 1))
        parts.append(_entry(_TRAILER, 0, b"", 0))
        return _pad(b"".join(parts), 512)

    def _add(self, path: str, mode: int, data: bytes) -> None:
        name = path.strip("/")
        for parent in list(PurePosixPath(name).parents)[:-1]:
            self._entries.setdefault(str(parent), (stat.S_IFDIR | 0o755, b""))
        self._entries[name] = (mode, data)


def _pad(data: bytes, to: int) -> bytes:
    return data + b"\0" * (-len(data) % to)


def _entry(name: str, mode: int, data: bytes, inode: int) -> bytes:
    raw = name.encode() + b"\0"
    major, minor = (5, 1) if stat.S_ISCHR(mode) else (0, 0)
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(raw), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _pad(header + raw, 4) + _pad(data, 4)
