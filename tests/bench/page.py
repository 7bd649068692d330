"""What a duty room waits for: bytes of the first load, and time from navigation to the first alarm on screen.

A fresh browser profile each time (nothing cached), a real Chromium, the demo plant with an alarm standing.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections import Counter
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, WebSocket, sync_playwright

from tests.bench import plants
from tests.bench.harness import (
    BenchFailed,
    Child,
    Options,
    Result,
    free_ports,
    gateway,
    rows,
    until_good,
    workspace,
)
from tests.bench.start import simulated

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
WALL = ViewportSize(width=1920, height=1080)
FIRST_ALARM = 90.0
"""Seconds: the demo plays its first scenario after fifteen."""
PATIENCE = 60_000

# The moment of the first frame that shows an alarm, on the page's own clock, which begins at navigation.
WATCH = """
const looking = new MutationObserver(() => {
  if (document.querySelector('[data-testid="alarm-strip"] [data-testid^="alarm-"]')) {
    looking.disconnect()
    requestAnimationFrame(() => setTimeout(() => { window.firstAlarmAt = performance.now() }))
  }
})
looking.observe(document, {childList: true, subtree: true})
"""


class Load:
    """One first load of the page."""

    def __init__(self) -> None:
        self.first_alarm = 0.0
        self.document = 0.0
        self.bytes: Counter[str] = Counter()
        self.snapshot = 0


def run(options: Options) -> Result:
    repetitions = 3 if options.quick else 5
    result = Result(
        "page",
        "nothing: bytes as sent, and the page's own clock",
        {"plant": "demo", "repetitions": repetitions, "viewport": "1920x1080"},
    )
    with workspace() as work:
        plants.demo_elsewhere(work / "plant.yaml")
        port = free_ports(1)[0]
        with simulated(work), gateway(work, work / "plant.yaml", port) as running:
            until_good(running, port, 4)
            _until_alarm(running, port)
            loads = _loads(port, repetitions, work)
            result.require(bool(rows(port, "/api/alarms")), "an alarm stands while the page is measured")
    result.require(all(load.first_alarm > 0 for load in loads), "every load shows the alarm")
    result.require(all(load.snapshot > 0 for load in loads), "every load has a snapshot")
    kinds = sorted({kind for load in loads for kind in load.bytes})
    for kind in kinds:
        result.add(f"first load: {kind}", statistics.median(load.bytes[kind] for load in loads) / 1024, "KiB")
    result.add("first load: all of HTTP", statistics.median(sum(load.bytes.values()) for load in loads) / 1024, "KiB")
    result.add("WebSocket snapshot (not packed)", statistics.median(load.snapshot for load in loads) / 1024, "KiB")
    result.add("navigation to DOM ready p50", statistics.median(load.document for load in loads), "ms")
    result.add("navigation to first alarm on screen p50", statistics.median(load.first_alarm for load in loads), "ms")
    result.add("navigation to first alarm on screen max", max(load.first_alarm for load in loads), "ms")
    return result


def _until_alarm(running: Child, port: int) -> None:
    began = time.monotonic()
    while not any(alarm["state"] == "unacknowledged" for alarm in rows(port, "/api/alarms")):
        running.require_alive()
        if time.monotonic() - began > FIRST_ALARM:
            raise BenchFailed(f"expected an alarm of the first scenario within {FIRST_ALARM:g} s")
        time.sleep(0.2)


def _loads(port: int, repetitions: int, work: Path) -> list[Load]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise BenchFailed("expected a Chromium; install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS), downloads_path=str(work))
        try:
            _load(browser, port)  # Chromium's own first start is not the page's
            return [_load(browser, port) for _ in range(repetitions)]
        finally:
            browser.close()


def _load(browser: Browser, port: int) -> Load:
    load = Load()
    context = browser.new_context(viewport=WALL, bypass_csp=True)  # to ask the page for its clock
    try:
        context.add_init_script(WATCH)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        network = context.new_cdp_session(page)
        kinds: dict[str, str] = {}
        network.on("Network.responseReceived", lambda told: kinds.update({told["requestId"]: told["type"].lower()}))
        network.on(
            "Network.loadingFinished",
            lambda told: load.bytes.update({kinds.get(told["requestId"], "other"): int(told["encodedDataLength"])}),
        )
        network.send("Network.enable")

        def opened(socket: WebSocket) -> None:
            def received(payload: str | bytes) -> None:
                load.snapshot = load.snapshot or len(payload.encode() if isinstance(payload, str) else payload)

            socket.on("framereceived", received)

        page.on("websocket", opened)
        page.goto(f"http://127.0.0.1:{port}/", wait_until="domcontentloaded")
        page.wait_for_function("window.firstAlarmAt > 0")
        load.first_alarm = float(page.evaluate("window.firstAlarmAt"))
        ready = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        load.document = float(page.evaluate(ready))
        page.wait_for_load_state("load")
    finally:
        context.close()
    return load
