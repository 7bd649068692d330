"""`tocsin openapi`: the OpenAPI document on standard output, without a running gateway."""

from __future__ import annotations

import json

import click


@click.command()
def command() -> None:
    """Print the OpenAPI document of the API, the messages of the live stream included."""
    from gateway.api.app import describe_app

    click.echo(json.dumps(describe_app().openapi(), ensure_ascii=False, indent=2))
