"""A backup of a gateway that runs, and a gateway that runs on what was restored."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.e2e.conftest import Start
from tests.e2e.site import Site, say, until


def head(said: str) -> str:
    return next(line for line in said.splitlines() if "head" in line).split()[-1]


def test_what_is_backed_up_from_a_running_gateway_runs_again_elsewhere(
    site: Site, start: Start, tmp_path: Path
) -> None:
    gateway = start("run", site.plant, "--data", site.data, "--port", str(site.port))
    until(site.answers, "the gateway answers")
    until(lambda: 0.0 in site.get("points")["quality"], "the gateway has samples of its own health")
    copy, url = tmp_path / "copy", site.url
    assert say("backup", site.data, copy).returncode == 2, "another address than the gateway's"
    assert not copy.exists()
    done = say("backup", site.data, copy, "--url", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (site.data / "snapshot").exists()
    again = say("backup", site.data, copy, "--url", url)
    assert (again.returncode, "nothing is ever written over" in again.stderr) == (2, True)
    assert gateway.signal(signal.SIGKILL)

    assert say("restore", copy, "--check").stdout == done.stdout
    refused = say("restore", copy, site.data)
    assert (refused.returncode, "nothing is ever written over" in refused.stderr) == (2, True)
    elsewhere = Site(site.plant, tmp_path / "elsewhere", site.port, site.devices)
    assert say("restore", copy, elsewhere.data).returncode == 0
    start("run", site.plant, "--data", elsewhere.data, "--port", str(site.port))
    until(elsewhere.answers, "the restored gateway answers")
    noted = ("journal", "verify", elsewhere.data / "journal.sqlite", "--head", head(done.stdout))
    assert say(*noted).returncode == 0
    assert int(done.stdout.split("　")[1].split()[0]) > 0


def test_a_directory_that_no_gateway_runs_on_is_backed_up_by_itself(site: Site, start: Start, tmp_path: Path) -> None:
    gateway = start("run", site.plant, "--data", site.data, "--port", str(site.port))
    until(site.answers, "the gateway answers")
    assert gateway.signal(signal.SIGTERM) == 0
    done = say("backup", site.data, tmp_path / "copy")
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "empty").mkdir()
    empty = say("backup", tmp_path / "empty", tmp_path / "other")
    assert (empty.returncode, "no store in it" in empty.stderr) == (2, True)
    both = say("restore", tmp_path / "copy")
    assert (both.returncode, "--check" in both.stderr) == (2, True)
