"""A taken port is told clearly."""

from __future__ import annotations

import socket

import pytest

from cli.local.errors import PortInUseError
from cli.local.ports import HOST, free_port, is_free, require_free


def test_a_taken_port_is_named_with_the_variable_that_moves_it() -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(PortInUseError) as raised:
            require_free(port, what="the API", setting="PORT")
    assert f"Port {port} is in use" in raised.value.problem
    assert "PORT=" in raised.value.remedy


def test_a_free_port_can_be_used() -> None:
    port = free_port()
    require_free(port, what="the API", setting="PORT")
    with socket.create_server((HOST, port)):
        pass
