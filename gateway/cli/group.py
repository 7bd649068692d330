"""The `tocsin` command: a list of commands, imported one at a time, and one way to end on an error.

A TocsinError ends with its message and exit code 2, as wrong usage does; any other exception is our bug.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any

import click

from gateway.errors import TocsinError

COMMANDS = {
    "run": ("gateway.cli.run", "运行网关 Monitor the plant that a plant file describes."),
    "demo": ("gateway.cli.demo", "演示 Play a simulated plant with accidents, and watch the gateway answer."),
    "simulate": ("gateway.cli.simulate", "模拟 Play one scenario of the simulated plant."),
    "reload": ("gateway.cli.reload", "热更新 Let changed rules and plant file take force in a running gateway."),
    "backtest": ("gateway.cli.backtest", "回测 Run rules over stored samples: which alarms come, go, or come sooner."),
    "check": ("gateway.cli.check", "检查 Check a plant file, and show what covers which clause."),
    "probe": ("gateway.cli.probe", "探测 Ask a Modbus device what it answers; nothing is written."),
    "test-rules": ("gateway.cli.rule_tests", "试验 Run the tests that the rules of the packs carry."),
    "interlocks": ("gateway.cli.interlocks", "联锁 Show bypasses, proofs and the proof-test calendar of a plant."),
    "ledger": ("gateway.cli.ledger", "台账 Write a prescribed hazard ledger as a workbook."),
    "journal": ("gateway.cli.journal", "日志 Verify, export, copy and restore a journal."),
    "backup": ("gateway.cli.backup", "备份 Copy journal, history and all else while the gateway runs; verified."),
    "restore": ("gateway.cli.restore", "恢复 Make a backup the content of a new data directory."),
    "schema": ("gateway.cli.schema", "模式 Print the JSON Schema of plant files, for editors."),
    "openapi": ("gateway.cli.openapi", "接口 Print the OpenAPI document of the API."),
}
"""Name of each command: the module whose `command` it is, and its line in the help."""

WRONG = 2
"""Exit code for anything that the caller has to mend."""


class Commands(click.Group):
    """Imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name, (module, _) in COMMANDS.items() if importlib.util.find_spec(module) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands from the table, so that asking for help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TocsinError as error:
            click.echo(str(error), err=True)
            ctx.exit(WRONG)
        except BrokenPipeError:
            # Whoever read us has read enough; what is still buffered must not complain at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="退出码 Exit codes: 0 成功 done; 2 需要修正输入 something of yours is to be mended.",
)
@click.version_option(package_name="tocsin", prog_name="tocsin")
def main() -> None:
    """警钟 Tocsin: safety monitoring for metallurgical plants. It assists; it replaces no safety system."""
