"""Whole programs on free ports; whatever a test starts ends with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from gateway.cli.front import PAGE
from tests.e2e.site import Program, Site

Start = Callable[..., Program]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.make(tmp_path / "site")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `tocsin` with arguments, its words in a file of its own."""
    started: list[Program] = []

    def run(*arguments: str | Path) -> Program:
        started.append(Program(tmp_path / f"{len(started)}.log", *arguments))
        return started[-1]

    yield run
    for program in started:
        program.end()


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """A browser for one test: its event loop must be gone before another test wants one."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("NO CHROMIUM: the demo was not watched in a browser; install chromium")
    if not (PAGE / "index.html").exists():
        pytest.skip("PAGE NOT BUILT: the demo was not watched in a browser; run make web")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
