"""A real Chromium and a built page; what is missing is said and skipped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.web.fake_gateway import DIST, FakeGateway

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 10_000
WALL = ViewportSize(width=1920, height=1080)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: its event loop holds the thread, and no asynchronous test could run beside it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("NO CHROMIUM: the duty-room page was not tested; install chromium")
    if not (DIST / "index.html").exists():
        pytest.skip("PAGE NOT BUILT: the duty-room page was not tested; run make web")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def fake() -> Iterator[FakeGateway]:
    gateway = FakeGateway()
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def page(browser: Browser, fake: FakeGateway) -> Iterator[Page]:
    """The wall, with a name signed in; a script error on the page fails the test."""
    context = browser.new_context(viewport=WALL)
    context.add_init_script("localStorage.setItem('tocsin.operator', '李值班')")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(fake.url)
    page.get_by_test_id("alarm-strip").wait_for()
    yield page
    context.close()
    assert errors == []
