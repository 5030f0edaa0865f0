"""TCP ports on this machine: find a free one, or say clearly that a wanted one is taken."""

from __future__ import annotations

import socket

from cli.local.errors import PortInUseError

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port that nobody listens on now. Another program may still take it before it is used."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def is_free(port: int, host: str = HOST) -> bool:
    """Tell whether `host:port` can be listened on."""
    with socket.socket() as listener:
        # As servers do: without it a port in TIME_WAIT after a restart would count as taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
        return True


def require_free(port: int, *, what: str, setting: str) -> None:
    """Raise `PortInUseError` naming the port, what wanted it, and the variable that moves it."""
    if not is_free(port):
        raise PortInUseError(
            f"Port {port} is in use by another program, so {what} can't listen on it.",
            f"Stop that program, or choose another port, for example: {setting}={free_port()} make up",
        )
