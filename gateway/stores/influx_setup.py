"""What the gateway sets up in an InfluxDB of its own: the bucket, how long it keeps, and the tasks that thin it out.

Changes nothing that somebody else has set: a bucket that is there keeps its retention, a task that is there its text.
"""

from __future__ import annotations

from dataclasses import dataclass

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.rest import ApiException

LOOK_BACK = {"1m": "3m", "1h": "3h"}
"""Window of each task, and how far back it thins again what it has thinned."""

_MAY_NOT = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class InfluxPlan:
    """How long to keep what; days, 0 for ever."""

    raw_days: int = 0
    thinned_days: int = 0

    def __post_init__(self) -> None:
        if min(self.raw_days, self.thinned_days) < 0:
            raise ValueError(f"expected days of 0 or more, got {self.raw_days} and {self.thinned_days}")


def thinned(bucket: str) -> str:
    """The bucket that holds what a bucket's samples were, thinned out."""
    return f"{bucket}_thinned"


def set_up(client: InfluxDBClient, bucket: str, plan: InfluxPlan) -> str:
    """Make what is not there; what the token may not make, in words, or nothing if all is there.

    Raises ApiException for answers other than a refusal.
    """
    try:
        _bucket(client, bucket, plan.raw_days)
        _bucket(client, thinned(bucket), plan.thinned_days)
        for every in LOOK_BACK:
            _task(client, bucket, every)
    except ApiException as error:
        if error.status not in _MAY_NOT:
            raise
        return (
            f"the token may not set up buckets and tasks ({error.status}); "
            f"expected {bucket} and {thinned(bucket)} to be made by whoever keeps the server"
        )
    return ""


def _bucket(client: InfluxDBClient, name: str, days: int) -> None:
    buckets = client.buckets_api()
    if buckets.find_bucket_by_name(name) is None:
        keep = BucketRetentionRules(type="expire", every_seconds=days * 86_400)
        buckets.create_bucket(bucket_name=name, org=client.org, retention_rules=keep)


def _task(client: InfluxDBClient, bucket: str, every: str) -> None:
    name = f"{bucket} thinned by {every}"
    tasks = client.tasks_api()
    if not tasks.find_tasks(name=name):
        organisation = next(each for each in client.organizations_api().find_organizations(org=client.org))
        tasks.create_task_every(name, thinning(bucket, every), every, organisation)


def thinning(bucket: str, every: str) -> str:
    """Extremes, mean, and how many were not good, by whole windows; three back, so that late samples count too."""
    return f"""
import "date"

data = from(bucket: "{bucket}")
  |> range(start: date.truncate(t: date.sub(d: {LOOK_BACK[every]}, from: now()), unit: {every}),
           stop: date.truncate(t: now(), unit: {every}))
  |> filter(fn: (r) => r._measurement == "sample")
thin = (tables=<-, fn, field) => tables
  |> aggregateWindow(every: {every}, fn: fn, createEmpty: false, timeSrc: "_start")
  |> set(key: "_field", value: field)
  |> set(key: "every", value: "{every}")
  |> to(bucket: "{thinned(bucket)}")

numbers = data |> filter(fn: (r) => r._field == "value")
numbers |> thin(fn: min, field: "low") |> yield(name: "low")
numbers |> thin(fn: max, field: "high") |> yield(name: "high")
numbers |> thin(fn: mean, field: "mean") |> yield(name: "mean")
data
  |> filter(fn: (r) => r._field == "quality" and r._value > 0)
  |> thin(fn: count, field: "not_good")
  |> yield(name: "not_good")
"""
