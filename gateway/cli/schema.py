"""`tocsin schema`: the JSON Schema of plant files on standard output."""

from __future__ import annotations

import json

import click


@click.command()
def command() -> None:
    """Print the JSON Schema (draft 2020-12) of plant files.

    \b
    Editors with yaml-language-server complete and check from it:
      tocsin schema > plant.schema.json
      # yaml-language-server: $schema=plant.schema.json   (first line of the plant file)
    """
    from gateway import app
    from gateway.plant.schema import plant_json_schema

    schema = plant_json_schema(app.DRIVERS, app.load_criteria())
    click.echo(json.dumps(schema, ensure_ascii=False, indent=2))
