"""The command line as a stranger uses it: as a process, with right and with wrong input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from gateway.document import read_yaml

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "simulators" / "demo" / "plant.yaml"


def tocsin(*arguments: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env=os.environ | (environment or {}),
        timeout=60,
        check=False,
    )


def modules_after(*arguments: str) -> set[str]:
    """Names of the modules that the command has loaded by its end."""
    code = (
        "import sys\nfrom gateway.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, encoding="utf-8", cwd=ROOT, check=True
    )
    return set(done.stderr.split())


def test_help_names_the_commands_in_both_languages() -> None:
    done = tocsin("--help")
    assert done.returncode == 0
    assert "check" in done.stdout
    assert "检查" in done.stdout
    assert done.stderr == ""


def test_help_imports_nothing_that_it_does_not_need() -> None:
    assert not modules_after("--help") & {"pint", "numpy", "pymodbus", "uvicorn", "fastapi", "duckdb", "rich"}


def test_schema_starts_no_server_and_no_store() -> None:
    assert not modules_after("schema") & {"uvicorn", "fastapi", "duckdb", "sqlalchemy", "rich"}


def test_the_demo_plant_has_no_errors_and_every_clause_is_covered() -> None:
    done = tocsin("check", DEMO, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert {problem["severity"] for problem in report["problems"]} <= {"warning"}
    assert {row["clause"] for row in report["coverage"]} >= {"4(4)", "4(6)", "5(6)", "5(7)", "11", "14"}
    assert {row["status"] for row in report["coverage"]} == {"covered", "ledger"}
    assert {row["clause"] for row in report["coverage"] if row["status"] == "ledger"} >= {"3(1)", "4(3)", "13(1)"}
    assert report["cost"]["rules"] > 50
    assert all(bound > 0 for bound in report["cost"].values())
    assert sum(len(line["claims"]) for line in report["lines"]) >= 4


def test_check_shows_a_table_and_warns_beside_it() -> None:
    done = tocsin("check", DEMO)
    assert done.returncode == 0, done.stderr
    assert "已覆盖 covered" in done.stdout
    assert "4(4)" in done.stdout
    assert "eaf1_panel_a" in done.stdout
    assert re.search(r"\d+ 条规则 rules, .* state \d+ KiB, .* \d+ 次运算 operations; .* warm after \d", done.stdout)
    for line in done.stderr.splitlines():
        assert ": warning: " in line
        assert "expected " in line
    assert any(line.startswith(f"{DEMO}:") for line in done.stderr.splitlines()), "gas_area is not staffed"


def test_a_plant_without_a_detector_has_a_clause_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    lines = DEMO.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if "{equipment: co_03, kind: conc" not in line), encoding="utf-8")
    done = tocsin("check", path, "--json")
    assert done.returncode == 0, done.stderr
    (row,) = [r for r in json.loads(done.stdout)["coverage"] if r["clause"] == "4(6)" and r["equipment"] == "co_03"]
    assert row["status"] == "missing"
    assert row["missing_points"] == ["co_03.concentration"]


def test_every_mistake_is_one_line_with_its_place_and_the_exit_code_is_2(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    text = DEMO.read_text(encoding="utf-8")
    places = []
    for right, wrong in (("risk_grade: A", "risk_grade: E"), ("driver: mqtt", "driver: mqqt"), ("deg,", "degg,")):
        before = text[: text.index(right)]
        value = right.find(" ") + 1
        places.append((before.count("\n") + 1, len(before) - before.rfind("\n") + value))
        text = text.replace(right, wrong, 1)
    path.write_text(text, encoding="utf-8")
    done = tocsin("check", path)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 3, "points of a device with an unknown driver are not blamed as well"
    for line, (number, column) in zip(lines, places, strict=True):
        assert line.startswith(f"{path}:{number}:{column}: error: ")
    assert "did you mean 'mqtt'?" in lines[1]


def test_errors_come_as_json_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text("site: [\n", encoding="utf-8")
    done = tocsin("check", path, "--json")
    assert done.returncode == 2
    report = json.loads(done.stdout)
    assert report["coverage"] == []
    assert [(problem["line"], problem["severity"]) for problem in report["problems"]] == [(2, "error")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "No such command"),
        (("check",), "Missing argument"),
        (("check", "no/such/plant.yaml"), "no/such/plant.yaml: error: expected a plant file to read"),
        (("check", "gateway"), "is a directory"),
        (("schema", "too", "much"), "unexpected extra argument"),
        (("check", "--loud", "x"), "No such option"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_why(arguments: tuple[str, ...], said: str) -> None:
    done = tocsin(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_printed_schema_takes_the_demo_plant_and_refuses_a_wrong_one() -> None:
    done = tocsin("schema")
    assert done.returncode == 0, done.stderr
    schema = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    text = DEMO.read_text(encoding="utf-8")
    validator = jsonschema.Draft202012Validator(schema)
    plain = json.loads(json.dumps(read_yaml(text, "demo").value, default=str))
    assert [error.message for error in validator.iter_errors(plain)] == []
    plain["points"][0]["kind"] = "tilt_angel"
    assert list(validator.iter_errors(plain))


@pytest.mark.parametrize("arguments", [("schema",), ("check", str(DEMO)), ("check", str(DEMO), "--json")])
def test_a_reader_that_has_read_enough_is_no_error(arguments: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(60) == 0
    assert "Traceback" not in said
    assert "Exception" not in said
    assert "Broken" not in said


def test_chinese_comes_out_whole_whatever_the_locale() -> None:
    done = tocsin("--help", environment={"LC_ALL": "C", "LANG": "C"})
    assert done.returncode == 0
    assert "检查" in done.stdout
