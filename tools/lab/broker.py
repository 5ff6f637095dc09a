# SPDX-License-Identifier: GPL-2.0
"""The daemon of one lab: owns its nodes, serves any number of `vni-lab` commands at once.

A command connects, sends a REQUEST (JSON), and gets a REPLY. After an "exec" the connection
carries the frames of that one command until its EXIT.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import traceback
from typing import Any

from . import frames
from .environ import Environment
from .errors import LabError
from .frames import Frame, Type
from .ivshmem import Ivshmem
from .link import Job, Link
from .pair import Pair
from .partition import Partition
from .paths import slow
from .state import SOCKET, State
from .uml import Uml

ENVIRONMENTS: dict[str, type[Environment]] = {
    "ivshmem": Ivshmem, "pair": Pair, "partition": Partition, "uml": Uml,
}

_PING_PERIOD = 5.0
_PING_LIMIT = 30.0  # an agent that is silent for so long has lost its session


class Client:
    """One connected command; the JobOwner of what it runs."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.job: Job | None = None
        self.over = False

    def reply(self, value: dict[str, Any]) -> None:
        self._writer.write(frames.encode_json(Type.REPLY, value))

    def on_data(self, stream: int, data: bytes) -> None:
        self._writer.write(frames.encode(Type.DATA, data, 0, stream))

    def on_ack(self, stream: int, size: int) -> None:
        self._writer.write(frames.encode_ack(0, stream, size))

    def on_exit(self, kind: int, value: int) -> None:
        self.over = True
        self._writer.write(frames.encode_exit(0, kind, value))

    def on_frame(self, frame: Frame) -> None:
        if not self.job or self.over:
            return
        if frame.type == Type.DATA:
            self.job.send(frame.payload)
        elif frame.type == Type.ACK:
            self.job.ack(frame.stream, frames.decode_u32s(frame.payload)[0])
        elif frame.type == Type.KILL:
            self.job.kill()


class Broker:
    def __init__(self, state: State) -> None:
        self._state = state
        self._began = time.monotonic()
        self._stopping = asyncio.Event()
        self._phase = "starting"
        self._why = ""
        config = state.load("config.json")
        kind = ENVIRONMENTS[config["env"]]
        self._config = config
        self._environment = kind(state.home, config, self._say)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        server = await asyncio.start_unix_server(self._serve, SOCKET)
        os.chmod(SOCKET, 0o600)
        starter = asyncio.create_task(self._start())
        pinger = asyncio.create_task(self._ping())
        await self._stopping.wait()
        for task in (starter, pinger):
            task.cancel()
        await self._environment.stop()
        server.close()
        self._publish("down", self._why)

    # -- life of the lab ---------------------------------------------------------------------

    def _say(self, text: str) -> None:
        with (self._state.home / "progress").open("a") as out:
            out.write(f"[{time.monotonic() - self._began:5.1f}s] {text}\n")

    def _publish(self, phase: str, why: str = "") -> None:
        self._phase, self._why = phase, why
        self._state.save("phase.json", {"phase": phase, "why": why})

    async def _start(self) -> None:
        asyncio.create_task(self._watch_loss())
        try:
            await self._environment.start()
        except LabError as error:
            self._publish("failed", str(error))
        except Exception:  # pylint: disable=broad-except
            self._publish("failed", "the lab's daemon has a fault:\n" + traceback.format_exc())
        else:
            self._publish("up")

    async def _watch_loss(self) -> None:
        await self._environment.lost.wait()
        if self._phase == "up":
            self._publish("lost", self._environment.lost_why)

    async def _ping(self) -> None:
        """Find sessions that have died without their byte stream breaking."""
        silent = {link.node: 0.0 for link in self._environment.links}
        while True:
            await asyncio.sleep(_PING_PERIOD)
            for link in self._environment.links:
                if link.state != "up" or await link.sync(_PING_PERIOD):
                    silent[link.node] = 0.0
                    continue
                silent[link.node] += _PING_PERIOD
                if silent[link.node] >= _PING_LIMIT * slow():
                    silent[link.node] = 0.0
                    link.regreet()

    # -- commands ----------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(writer)
        decoder = frames.Decoder()
        try:
            while data := await reader.read(65536):
                for frame in decoder.feed(data):
                    if frame.type == Type.REQUEST:
                        await self._request(client, frame)
                    else:
                        client.on_frame(frame)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            if client.job:
                client.job.kill()
            writer.close()

    async def _request(self, client: Client, frame: Frame) -> None:
        try:
            request = frames.decode_json(frame.payload)
            if request.get("op") == "exec":
                self._exec(client, request)
            else:
                client.reply(await self._answer(request))
        except LabError as error:
            client.reply({"error": str(error)})
        except Exception:  # pylint: disable=broad-except
            client.reply({"error": "the lab's daemon has a fault:\n" + traceback.format_exc()})

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        operation = request.get("op")
        if operation == "status":
            return await self._status(request["timeout"])
        if operation == "down":
            self._stopping.set()
            return {}
        if operation == "server":
            await self._environment.restart_server()
            return {}
        link = self._link(request)
        if operation == "sync":
            return {"synced": await link.sync(request["timeout"])}
        if operation == "wait":
            good = await link.wait_up(request["timeout"], request.get("not_boot", ""))
            return {"up": good, "boot_id": link.facts.get("boot_id", "")}
        if operation == "log":
            return {"text": (await self._environment.console_log(link.node)).decode(
                "utf-8", "replace")}
        if operation == "console":
            return self._environment.console_command(link.node)
        return await self._change(operation, link.node, request)

    async def _change(self, operation: Any, node: int, request: dict[str, Any]) -> dict[str, Any]:
        environment = self._environment
        if operation == "kill":
            return {"at": await environment.kill(node)}
        if operation == "start":
            await environment.boot(node)
        elif operation == "plug":
            await environment.plug(node, request["slot"])
        elif operation == "unplug":
            await environment.unplug(node, request["slot"])
        elif operation == "qmp":
            return {"return": await environment.qmp(node, request["command"])}
        else:
            raise LabError(f"{operation}: the lab's daemon does not know this request")
        return {}

    def _exec(self, client: Client, request: dict[str, Any]) -> None:
        job = self._link(request).run(request["argv"], request["timeout"], client)
        client.job = job
        client.reply({"running": True})

    def _link(self, request: dict[str, Any]) -> Link:
        links = self._environment.links
        node = request.get("node")
        if not isinstance(node, int) or not 0 <= node < len(links):
            raise LabError(f"node {node}: this lab has nodes 0 to {len(links) - 1}")
        return links[node]

    async def _status(self, timeout: float) -> dict[str, Any]:
        """Every node is asked for a sign of life: a link stays up for a while after a crash."""
        links = self._environment.links
        alive = await asyncio.gather(*(link.sync(timeout) for link in links))
        nodes = []
        for link, answers in zip(links, alive):
            state = "silent" if link.state == "up" and not answers else link.state
            nodes.append({"node": link.node, "state": state, **link.facts})
        return {
            "name": self._state.name,
            "env": self._config["env"],
            "phase": self._phase,
            "why": self._why,
            "seconds": round(time.monotonic() - self._began, 1),
            "accel": self._config.get("accel", ""),
            "nodes": nodes,
        }


def main(name: str) -> int:
    """Started by `vni-lab up`, detached from it, in the lab's own directory."""
    state = State(name)
    os.chdir(state.home)
    os.umask(0o077)
    state.remember("daemon", os.getpid())
    try:
        asyncio.run(_run(state))
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        state.save("phase.json", {"phase": "failed", "why": traceback.format_exc()})
        return 1
    return 0


async def _run(state: State) -> None:
    await Broker(state).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
