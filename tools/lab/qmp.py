# SPDX-License-Identifier: GPL-2.0
"""QEMU's machine protocol: one command, or waiting for an event."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from .errors import LabError


class Monitor:
    """A connection to one QEMU's monitor, `async with Monitor(path) as monitor`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._events: list[dict[str, Any]] = []

    async def __aenter__(self) -> Monitor:
        try:
            self._reader, self._writer = await asyncio.open_unix_connection(self._path)
        except OSError as error:
            raise LabError(f"{self._path}: no QEMU there: {error.strerror}") from error
        await self._receive()  # its greeting
        await self.run("qmp_capabilities")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def run(self, command: str, **arguments: Any) -> Any:
        return await self.raw({"execute": command, "arguments": arguments})

    async def raw(self, command: dict[str, Any]) -> Any:
        self._writer.write(json.dumps(command).encode() + b"\n")
        while True:
            answer = await self._receive()
            if "event" in answer:
                self._events.append(answer)
            elif "error" in answer:
                raise LabError(f"{command.get('execute')}: {answer['error']['desc']}")
            else:
                return answer.get("return")

    async def event(self, name: str, **data: Any) -> None:
        """Wait until this event has come, with these data among its data."""
        while True:
            for event in self._events:
                if event["event"] == name and data.items() <= event.get("data", {}).items():
                    return
            self._events = []
            answer = await self._receive()
            if "event" in answer:
                self._events.append(answer)

    async def _receive(self) -> dict[str, Any]:
        try:
            line = await self._reader.readline()
        except ConnectionError:
            line = b""
        if not line:
            raise LabError(f"{self._path}: QEMU has ended the conversation")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer
