"""A dialer's line to a service: HTTP over a bare socket, so that asking takes next to nothing of the cores.

A client made for all that HTTP may be takes more, on the cores that it is to measure a service on.
"""

import re
import socket
from typing import Self
from urllib.parse import urlsplit

LENGTH = re.compile(rb"content-length: (\d+)")
CHUNK = 1 << 18


class Line:
    """Kept from request to request, unless the service ends it; it must tell the length of its answers."""

    def __init__(self, url: str, key: str, timeout_s: float = 30) -> None:
        where = urlsplit(url)
        self._where, self._timeout_s = (where.hostname or "", where.port or 80), timeout_s
        self._head = f"Host: {where.netloc}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json"
        self._socket = self._connected()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """The status of the answer and its body."""
        head = f"POST {path} HTTP/1.1\r\n{self._head}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        told = bytearray()
        while (end := told.find(b"\r\n\r\n")) < 0:
            told += self._more()
        header = bytes(told[:end]).lower()
        found = LENGTH.search(header)
        assert found, header
        whole = end + 4 + int(found[1])
        while len(told) < whole:
            told += self._more()
        if b"connection: close" in header:
            self._socket.close()
            self._socket = self._connected()
        return int(told[9:12]), bytes(told[end + 4 :])

    def _more(self) -> bytes:
        more = self._socket.recv(CHUNK)
        assert more, "the service ended the connection in the middle of an answer"
        return more

    def _connected(self) -> socket.socket:
        made = socket.create_connection(self._where, self._timeout_s)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
