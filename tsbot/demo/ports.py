"""Free ports on loopback."""

from __future__ import annotations

import socket

from tsbot.errors import DemoError

LOOPBACK = "127.0.0.1"


def bound(kind: socket.SocketKind, port: int) -> socket.socket:
    """A socket bound to a port (0: a free one) of loopback. Raises DemoError where it is in use."""
    holder = socket.socket(socket.AF_INET, kind)
    if kind is socket.SOCK_STREAM:
        # A port that a connection has only just left is free, as servers see it.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((LOOPBACK, port))
    except OSError as error:
        holder.close()
        raise DemoError(f"port {port} is in use: {error.strerror}") from error
    return holder


def free_ports(count: int, first: int | None = None) -> list[int]:
    """Different free TCP ports; with ``first``, that one and the following. Raises DemoError where one is in use.

    They are free now; somebody else may take one before it is used.
    """
    holders: list[socket.socket] = []
    try:
        for index in range(count):
            holders.append(bound(socket.SOCK_STREAM, first + index if first else 0))
        return [int(holder.getsockname()[1]) for holder in holders]
    finally:
        for holder in holders:
            holder.close()
