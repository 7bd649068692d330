"""`tocsin demo`: a simulated plant and the gateway, as two processes under one supervisor.

One Ctrl-C ends everything. A process that dies is started again; one that is refused its place
(a port in use, a data directory that is taken) ends the demo with its own words.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path

import click

from gateway.cli.group import WRONG
from gateway.cli.simulate import DEMO_PLANT
from gateway.cli.terminal import foreground

STOP_GRACE = 15.0
"""Seconds for a child to end before it is killed."""

_WELCOME = """
  警钟 Tocsin                                       http://{host}:{port}/

  值班室大屏已就绪。演示每两分钟播放一个事故场景，之间为平稳运行；第一个约在 {first} 秒后开始：
  The duty-room page is ready. A scenario plays every two minutes, with quiet running between:

    EAF-1   电弧炉水冷壁漏水    water leak in a furnace panel: interlock trips, alarm, hazard ticket
    CO-2    出铁场煤气泄漏      gas leak while tapping: CO rises in two rooms
    DC-1    深井铸造铝液泄漏    aluminium leak at the caster: a good run, then one with a dead interlock
    DU-2    除尘器卸灰失效      dust collector: air-lock trips, the hopper heats up

  数据保存在 {data}，下次启动仍在。 Data is kept in {data}.
  按 Ctrl-C 结束全部进程。 Ctrl-C ends everything.
"""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    host: str
    port: int
    data: Path
    plant: Path


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default=Path("data/demo"), show_default=True)
@click.option("--plant", type=click.Path(path_type=Path, exists=True), default=DEMO_PLANT, show_default=False)
def command(host: str, port: int, data: Path, plant: Path) -> None:
    """Play a plant with accidents, and watch the gateway answer them."""
    with foreground():
        code = asyncio.run(Demo(DemoOptions(host, port, data, plant)).run())
    sys.exit(code)


class Demo:
    """Supervises the simulator and the gateway."""

    def __init__(self, options: DemoOptions) -> None:
        self._options = options
        self._stop = asyncio.Event()
        self._exit = 0

    async def run(self) -> int:
        """The exit code: 0 after Ctrl-C, a child's own code if it was refused."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        o = self._options
        gateway = ["run", str(o.plant), "--host", o.host, "--port", str(o.port), "--data", str(o.data), "--lifeline"]
        simulator = ["simulate", "--plant", str(o.plant), "--loop", "--lifeline"]
        async with asyncio.TaskGroup() as group:
            keepers = [
                group.create_task(self._keep("simulator", simulator), name="simulator"),
                group.create_task(self._keep("gateway", gateway), name="gateway"),
                group.create_task(self._welcome(), name="welcome"),
            ]
            await self._stop.wait()
            for keeper in keepers:
                keeper.cancel()
        return self._exit

    async def _keep(self, name: str, arguments: list[str]) -> None:
        while True:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway.cli", *arguments, stdin=asyncio.subprocess.PIPE, start_new_session=True
            )
            try:
                code = await child.wait()
            finally:
                await _end(child)
            if self._stop.is_set():
                return
            if code == WRONG:  # somebody has to mend its start; starting it again would not help
                self._exit = WRONG
                self._stop.set()
                return
            click.echo(f"{name} ended with code {code}; starting it again", err=True)
            await asyncio.sleep(1)

    async def _welcome(self) -> None:
        o = self._options
        while not await asyncio.to_thread(_answers, f"http://{o.host}:{o.port}/api/health"):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        click.echo(_WELCOME.format(host=o.host, port=o.port, data=o.data, first=15))


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


async def _end(child: Process) -> None:
    """Ask the child to stop, and kill it if it does not."""
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(STOP_GRACE):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
