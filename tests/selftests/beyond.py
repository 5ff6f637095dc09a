#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A program on the host for nodes to talk to by way of QEMU's user network.

usage: beyond.py PORTFILE    writes the port it listens on, TCP and UDP, to PORTFILE, and runs until
                             it is ended

TCP: "put N\\n" and N bytes are answered with their SHA-256, "get N\\n" with the SHA-256 of N random
bytes and these bytes. UDP: a datagram comes back with its SHA-256 instead of its content.
"""

import hashlib
import os
import socketserver
import sys
import threading

CHUNK = 1 << 16
MOST = 1 << 30


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode() + b"\n"


class Stream(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        verb, _, count = self.rfile.readline(64).partition(b" ")
        left = int(count)
        if not 0 <= left <= MOST:
            raise ValueError(f"{left} bytes: expected 0 to {MOST}")
        if verb == b"get":
            data = os.urandom(left)
            self.wfile.write(digest(data) + data)
            return
        seen = hashlib.sha256()
        while left and (data := self.rfile.read(min(left, CHUNK))):
            seen.update(data)
            left -= len(data)
        self.wfile.write(seen.hexdigest().encode() + b"\n")


class Datagram(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        sock.sendto(digest(data), self.client_address)


class Streams(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 16


def listen() -> tuple[Streams, socketserver.UDPServer]:
    """The same port number for both."""
    while True:
        streams = Streams(("127.0.0.1", 0), Stream)
        try:
            return streams, socketserver.UDPServer(streams.server_address, Datagram)
        except OSError:
            streams.server_close()  # somebody has it for UDP: another one


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    streams, datagrams = listen()
    for server in (streams, datagrams):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    scratch = sys.argv[1] + ".new"
    with open(scratch, "w", encoding="ascii") as out:
        out.write(f"{streams.server_address[1]}\n")
    os.rename(scratch, sys.argv[1])
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
