"""The page's wire types are what the gateway says today, not what it said once: `make types` renews them."""

import subprocess
import sys
from pathlib import Path

import pytest

WEB = Path("dashboards/web")


def test_the_stored_openapi_document_is_the_gateways() -> None:
    told = subprocess.run([sys.executable, "-m", "gateway.cli", "openapi"], capture_output=True, check=True, text=True)
    assert told.stdout == (WEB / "openapi.json").read_text(encoding="utf-8")


def test_the_typescript_types_are_made_from_it(tmp_path: Path) -> None:
    if not (WEB / "node_modules").is_dir():
        pytest.skip("PAGE NOT BUILT: no node_modules; run `make web`")
    made = tmp_path / "schema.ts"
    command = [sys.executable, ".ci/npm.py", "exec", "openapi-typescript", "openapi.json", "--", "--output", made]
    subprocess.run(command, capture_output=True, check=True)
    assert made.read_text(encoding="utf-8") == (WEB / "src/api/schema.ts").read_text(encoding="utf-8")
