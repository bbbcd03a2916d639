"""Whatever sessions come and go, no series that is served as a counter is ever lower than before."""

from hypothesis import example, given
from hypothesis import strategies as st
from levels import BUSY, CORE, DRAM, PACKAGE, PSYS, level, picture

from microjoule.channel import Kind
from microjoule.live.metrics import METRICS
from microjoule.live.odometer import Odometer

COUNTS = st.integers(0, 1 << 62)
CHANNELS = (PACKAGE, CORE, DRAM, PSYS, BUSY)
LEVELS = st.lists(
    st.builds(
        level,
        st.sampled_from(CHANNELS),
        COUNTS,
        extra_counts=COUNTS,
        lost_counts=COUNTS,
        readings=COUNTS,
        failed=COUNTS,
        missed=COUNTS,
        resets=COUNTS,
        power_w=st.none() | st.floats(0, 1e4),
    ),
    max_size=4,
    unique_by=lambda one: one.channel.id,
)


def counters(levels):
    now = picture(levels, channels=CHANNELS)
    return {
        (metric.otel, point.channel and point.channel.id, point.labels): point.value
        for metric in METRICS
        if metric.kind is Kind.COUNTER
        for point in metric.points(now)
    }


@given(st.lists(LEVELS, min_size=2, max_size=6))
@example([[level(PSYS, 90)], [level(PACKAGE, 1)]])
def test_no_counter_steps_back(sessions):
    odometer = Odometer(iter(sessions).__next__)
    before = {}
    for _ in sessions:
        now = counters(odometer.read())
        assert {
            name: (before[name], now[name]) for name in before.keys() & now if now[name] < before[name]
        } == {}
        before |= now
