"""`tocsin run`: the gateway itself, for one plant file, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import click

from gateway.cli.lifeline import end_with_parent


@click.command()
@click.argument("plant", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Where the journal and the history are kept.",
)
@click.option(
    "--rules",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Packs directory in place of the criteria that Tocsin ships.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True)
@click.option(
    "--journal",
    envvar="TOCSIN_JOURNAL",
    help="Keep the journal in PostgreSQL: postgresql://user:password@host/database.",
)
@click.option("--influxdb-url", envvar="INFLUXDB_URL", help="Write everything to this InfluxDB 2 as well.")
@click.option("--influxdb-token", envvar="INFLUXDB_TOKEN", help="Better given as INFLUXDB_TOKEN.")
@click.option("--influxdb-org", envvar="INFLUXDB_ORG", default="tocsin", show_default=True)
@click.option("--influxdb-bucket", envvar="INFLUXDB_BUCKET", default="tocsin", show_default=True)
@click.option("--influxdb-days", type=click.IntRange(0), default=0, help="Days a new bucket keeps samples; 0 for ever.")
@click.option("--influxdb-thinned-days", type=click.IntRange(0), default=0, help="The same for the thinned-out bucket.")
@click.option("--lifeline", is_flag=True, hidden=True, help="End when standard input closes.")
def command(
    plant: Path,
    data: Path,
    rules: Path | None,
    host: str,
    port: int,
    journal: str | None,
    influxdb_url: str | None,
    influxdb_token: str | None,
    influxdb_org: str,
    influxdb_bucket: str,
    influxdb_days: int,
    influxdb_thinned_days: int,
    *,
    lifeline: bool,
) -> None:
    """Monitor the plant that PLANT describes.

    SIGHUP reads PLANT and the rules again and lets them take force; `tocsin reload` does so in a person's name.
    """
    from gateway.cli.process import Options, run_gateway

    influx = plan = None
    if influxdb_url:
        if not influxdb_token:
            raise click.UsageError("expected a token beside --influxdb-url (INFLUXDB_TOKEN), got none")
        from gateway.stores.influx_setup import InfluxPlan
        from gateway.stores.influxdb import InfluxAddress

        plan = InfluxPlan(influxdb_days, influxdb_thinned_days)
        influx = InfluxAddress(influxdb_url, influxdb_org, influxdb_bucket, influxdb_token)

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of its own plugins at every first start
    if lifeline:
        end_with_parent()
    options = Options(plant=plant, data=data, host=host, port=port, influx=influx, influx_plan=plan, journal=journal)
    asyncio.run(run_gateway(options if rules is None else replace(options, rules=rules)))
