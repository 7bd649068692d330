"""Laws of what all drivers share."""

from __future__ import annotations

import pytest

from drivers.clocks import WINDOW, ClockWatch
from drivers.link import LinkReporter, own
from drivers.modbus.settings import TcpSettings as ModbusSettings
from drivers.mqtt.address import DeviceSettings as MqttSettings
from gateway.clock import ManualClock
from gateway.sample import SECOND, Instant, Reason
from tests.drivers.support import Kept


def test_a_driver_takes_its_own_models_and_refuses_another_driver_s() -> None:
    settings = ModbusSettings(host="10.0.0.1")
    assert own(ModbusSettings, settings, "plc") is settings
    with pytest.raises(TypeError, match=r"mqtt\.address\.DeviceSettings for plc, got drivers\.modbus\.settings"):
        own(MqttSettings, settings, "plc")


def test_the_clock_that_is_furthest_off_is_told_once_and_told_again_when_it_is_set_right() -> None:
    kept, clocks, now = Kept(), ClockWatch(), Instant(1_000 * SECOND)
    reporter = LinkReporter("broker", kept, ManualClock(now))
    reporter.up("in")
    assert kept.links[-1].clock_ahead is None, "nobody has told the time"
    clocks.observe("a", Instant(now - SECOND), now)
    reporter.remark("in", clocks)
    assert (kept.links[-1].clock_ahead, kept.links[-1].clock_source) == (0, "")
    clocks.observe("b", Instant(now + 7 * SECOND), now)
    clocks.observe("c", Instant(now - 5 * SECOND), now)
    for _ in range(3):
        reporter.remark("in", clocks)
    assert len(kept.links) == 3
    assert (kept.links[-1].clock_ahead, kept.links[-1].clock_source) == (7 * SECOND, "b")
    reporter.down(Reason.DISCONNECTED, "gone")
    assert kept.links[-1].clock_ahead is None
    reporter.up("in")
    for later in (2 * WINDOW, 3 * WINDOW + 1):
        for source in "abc":
            clocks.observe(source, Instant(now + later), Instant(now + later))
    reporter.remark("in", clocks)
    assert kept.links[-1].clock_ahead == 0
