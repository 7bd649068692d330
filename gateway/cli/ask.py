"""What commands ask of a running gateway over HTTP; every refusal comes back as something to mend."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import click

from gateway.errors import RequestRefused, refusal

url_option = click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The running gateway.")


def ask(url: str, path: str, body: Mapping[str, str] | None, *, method: str, refused: str, patience: float) -> Any:
    """The JSON of its answer, None where there is none. Raises RequestRefused.

    `refused`: what was expected, should it refuse. `patience`: seconds.
    """
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"expected --url as http://host:port, got {url!r}")
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        url.rstrip("/") + path, sent, {"content-type": "application/json"}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=patience) as answer:  # noqa: S310
            told = answer.read()
            return json.loads(told) if told else None
    except urllib.error.HTTPError as error:
        raise _refusal(url, path, refused, error) from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise refusal("--url", f"a gateway that answers at {url}", str(reason)) from error


def _refusal(url: str, path: str, expected: str, error: urllib.error.HTTPError) -> RequestRefused:
    try:
        message = json.load(error)["message"]
    except (ValueError, KeyError, TypeError):
        return refusal("--url", f"a Tocsin gateway at {url}", f"HTTP {error.code}")
    return refusal(path.rpartition("/")[2], expected, f"HTTP {error.code}:\n{message}")
