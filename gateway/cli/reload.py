"""`tocsin reload`: ask a running gateway to read its plant file and rules again, in a person's name."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import click

from gateway.errors import Problem, RequestRefused

_LONGEST = 120.0
"""Seconds; a large plant compiles for some of them."""


@click.command()
@click.option("--by", required=True, help="姓名 Who changes the configuration.")
@click.option("--comment", required=True, help="变更原因 Why.")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The running gateway.")
def command(by: str, comment: str, url: str) -> None:
    """Let the plant file and the rules as they are on the disk now take force, without a restart.

    If anything in them is wrong, every mistake is told, nothing changes, and the exit code is 2.
    """
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"expected --url as http://host:port, got {url!r}")
    body = json.dumps({"by": by, "comment": comment}).encode()
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url.rstrip("/") + "/api/reload", body, {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_LONGEST) as answer:  # noqa: S310
            done = json.load(answer)
    except urllib.error.HTTPError as refused:
        raise _refusal(url, refused) from refused
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise _problem("--url", f"a gateway that answers at {url}", str(reason)) from error
    _say(done)


def _say(done: dict[str, list[str]]) -> None:
    for name, words in (("added", "新增 added"), ("removed", "撤除 removed"), ("changed", "变更 changed")):
        click.echo(f"{words}: {len(done[name])}")
        for rule in done[name]:
            click.echo(f"  {rule}")
    click.echo(f"重启设备 devices started anew: {', '.join(done['devices_restarted']) or '无 none'}")


def _refusal(url: str, refused: urllib.error.HTTPError) -> RequestRefused:
    try:
        message = json.load(refused)["message"]
    except (ValueError, KeyError):
        return _problem("--url", f"a Tocsin gateway at {url}", f"HTTP {refused.code}")
    return _problem("reload", "files that hold; nothing has changed", f"HTTP {refused.code}:\n{message}")


def _problem(field: str, expected: str, got: str) -> RequestRefused:
    return RequestRefused([Problem("", 0, 0, field, expected, got)])
