# SPDX-License-Identifier: GPL-2.0
"""Between which two places traffic goes: a node, perhaps a network namespace, and a CPU of it."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    node: int
    cpu: int
    address: str
    netns: str = ""

    def command(self, *argv: str) -> list[str]:
        """The command as it runs at this place, on its CPU alone."""
        inside = ["ip", "netns", "exec", self.netns] if self.netns else []
        return [*inside, "taskset", "-c", str(self.cpu), *argv]


class Route(NamedTuple):
    name: str
    client: Place
    server: Place


class Routes(NamedTuple):
    there: Route  # node 0 to node 1
    back: Route
    veth: Route  # between two namespaces of node 0

    def places(self) -> list[Place]:
        """Where servers are needed."""
        return [self.there.server, self.back.server, self.veth.server]
