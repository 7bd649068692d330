"""Starting and stopping the server inside a loop that has other work."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest

from gateway.api.app import create_app
from gateway.api.server import listen_on, serve
from gateway.errors import ConfigurationError, PortInUse
from tests.api import support


async def test_a_port_in_use_is_named_before_anything_is_served(tmp_path: Path) -> None:
    async with support.rig(tmp_path) as gateway:
        with listen_on("127.0.0.1", 0) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(PortInUse, match=f"127.0.0.1:{port} to be free"):
                await serve(create_app(gateway.services), "127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="this machine"):
        listen_on(host, 0)


def test_a_port_is_taken_again_at_once() -> None:
    with listen_on("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        first.accept()[0].close()
    client.close()
    listen_on("127.0.0.1", port).close()


async def test_a_cancelled_server_is_gone_whatever_its_clients_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with support.rig(tmp_path, points=2_000) as gateway:
        listener = listen_on("127.0.0.1", 0)
        gateway.address = f"127.0.0.1:{listener.getsockname()[1]}"
        listener.close()
        signals = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        app = create_app(gateway.services)
        serving = asyncio.create_task(serve(app, "127.0.0.1", int(gateway.address.rpartition(":")[2])))
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        await asyncio.sleep(0.1)
        narrow.connect(("127.0.0.1", int(gateway.address.rpartition(":")[2])))
        narrow.setblocking(False)
        async with (
            gateway.live() as reader,
            gateway.live(sock=narrow, max_queue=1, close_timeout=0.2),
            support.client(gateway) as http,
        ):
            await support.heard(reader)
            await http.get("/api/health")
            assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == signals
            while all(client.queue.qsize() < 10 for client in gateway.hub._clients):
                gateway.hub._fresh[:] = True
                gateway.hub.send_samples()
                await support.heard_of(reader, "samples")
            serving.cancel()
            async with asyncio.timeout(20):
                with pytest.raises(asyncio.CancelledError):
                    await serving
            assert await support.close_code(reader) == 1012
        assert not gateway.hub._clients
        assert not [record for record in caplog.records if record.levelname == "ERROR"]
