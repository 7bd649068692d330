"""The duty-room page in a real Chromium while a flood comes: what it shows, when, and how long its thread is busy.

The page notes by itself, on the machine's clock; nothing is asked of it meanwhile.
"""

from __future__ import annotations

import contextlib
import shutil
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import CDPSession, Page, ViewportSize, async_playwright

from tests.bench.harness import ROOT, BenchFailed

DIST: Path = ROOT / "dashboards" / "web" / "dist"

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
WALL = ViewportSize(width=1920, height=1080)
PATIENCE = 60_000

# Every first-out as it comes onto the strip; the longest stretch of each second in which nothing else could run.
WATCH = """
window.shown = []; window.busy = []; window.lost = 0
const origin = performance.timeOrigin
const firsts = new Map()
function note() {
  requestAnimationFrame(() => setTimeout(() => {
    const at = origin + performance.now()
    for (const mark of document.querySelectorAll('[data-testid="alarm-strip"] [data-testid="first-out"]')) {
      const card = mark.closest('[data-testid^="alarm-"]')
      const id = card.dataset.testid.slice(6)
      const raised = card.dataset.occurrence
      if (firsts.get(id) !== raised) { firsts.set(id, raised); window.shown.push([at, id]) }
    }
    setTimeout(note, 50)
  }))
}
let before = performance.now(), longest = 0, second = before
setInterval(() => {
  const now = performance.now()
  longest = Math.max(longest, now - before - 20)
  before = now
  if (now - second >= 1000) { window.busy.push(longest); longest = 0; second = now }
  if (document.querySelector('[data-testid="gateway-lost"]')) window.lost += 1
}, 20)
addEventListener('DOMContentLoaded', note)
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the page noted."""

    shown: Sequence[tuple[float, str]]
    """When (wall, ms) each first-out came onto the strip."""
    busy: Sequence[float]
    """The longest block of its thread in each second (ms)."""
    lost: int
    """How often it believed the gateway gone."""
    never_collapsed: int
    """Alarms of the class that is never collapsed which the strip shows at the end."""
    flooded: bool

    def delays(self, raised: Sequence[tuple[float, str]]) -> list[float]:
        """From each decision to the alarm on the wall (ms). Raises BenchFailed for one that never came."""
        by_alarm: dict[str, list[float]] = defaultdict(list)
        for at, alarm in self.shown:
            by_alarm[alarm].append(at)
        delays = []
        for at, alarm in raised:
            times = by_alarm[alarm]
            place = bisect_left(times, at)
            if place == len(times):
                raise BenchFailed(f"flood: expected {alarm} on the wall, got that it never came there")
            delays.append(times[place] - at)
        return delays


class Wall:
    def __init__(self, page: Page, measuring: CDPSession) -> None:
        self._page = page
        self._measuring = measuring

    async def worked(self) -> float:
        """Processor seconds of the page's thread so far."""
        found = (await self._measuring.send("Performance.getMetrics"))["metrics"]
        return next(float(each["value"]) for each in found if each["name"] == "TaskDuration")

    async def seen(self) -> Seen:
        """Ask the page, once it had a moment for the last tick."""
        await self._page.wait_for_timeout(1500)
        shown = await self._page.evaluate("window.shown")
        cards = '[data-testid="alarm-strip"] [data-testid^="alarm-"][data-priority="critical"]'
        return Seen(
            [(float(at), str(alarm)) for at, alarm in shown],
            [float(each) for each in await self._page.evaluate("window.busy")],
            int(await self._page.evaluate("window.lost")),
            await self._page.locator(cards).count(),
            await self._page.get_by_test_id("flood").count() > 0,
        )


@contextlib.asynccontextmanager
async def watched(address: str) -> AsyncIterator[Wall]:
    """The page of a gateway on a wall of full size, until the block ends."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None or not (DIST / "index.html").exists():
        raise BenchFailed("expected a Chromium and a built page; install chromium, run make web")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        try:
            context = await browser.new_context(viewport=WALL, bypass_csp=True)
            await context.add_init_script(WATCH)
            page = await context.new_page()
            page.set_default_timeout(PATIENCE)
            await page.goto(f"http://{address}/")
            await page.get_by_test_id("alarm-strip").wait_for()
            measuring = await context.new_cdp_session(page)
            await measuring.send("Performance.enable", {"timeDomain": "threadTicks"})
            yield Wall(page, measuring)
        finally:
            await browser.close()
