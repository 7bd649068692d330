"""`tocsin reload`: ask a running gateway to read its plant file and rules again, in a person's name."""

from __future__ import annotations

import click

from gateway.cli.ask import ask, url_option

_LONGEST = 120.0
"""Seconds; a large plant compiles for some of them."""


@click.command()
@click.option("--by", required=True, help="姓名 Who changes the configuration.")
@click.option("--comment", required=True, help="变更原因 Why.")
@url_option
def command(by: str, comment: str, url: str) -> None:
    """Let the plant file and the rules as they are on the disk now take force, without a restart.

    If anything in them is wrong, every mistake is told, nothing changes, and the exit code is 2.
    """
    body = {"by": by, "comment": comment}
    refused = "files that hold; nothing has changed"
    _say(ask(url, "/api/reload", body, method="POST", refused=refused, patience=_LONGEST))


def _say(done: dict[str, list[str]]) -> None:
    for name, words in (("added", "新增 added"), ("removed", "撤除 removed"), ("changed", "变更 changed")):
        click.echo(f"{words}: {len(done[name])}")
        for rule in done[name]:
            click.echo(f"  {rule}")
    click.echo(f"重启设备 devices started anew: {', '.join(done['devices_restarted']) or '无 none'}")
