"""What a server counts, as families of series that Prometheus reads.

The number of series is bounded: of topics the first `TOPICS_LIMIT` have one of their own, the rest share "other".
Series follow https://prometheus.io/docs/practices/naming/.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from server.hub import Hub
from server.limit import Places

TOPICS_LIMIT = 50
OTHER = "other"
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds that the log takes to store an append."""


class Metrics:
    """The counts of one process, which it puts into a registry; those of the hub are read when somebody asks."""

    def __init__(self, hub: Hub, places: Places, started: float, registry: CollectorRegistry) -> None:
        self._hub, self._places, self._started = hub, places, started
        self._published: dict[str, int] = {}
        self._published_bytes = 0
        self._refused: dict[str, int] = {}
        registry.register(self)
        about = "Seconds until the log had the messages of a request, for each whose messages were stored."
        self._append_seconds = Histogram("sse_log_append_seconds", about, buckets=BUCKETS, registry=registry)

    def stored(self, topics: Iterable[str], size: int, seconds: float) -> None:
        """Messages of these topics, that came in a body of so many bytes, were stored, which took so long."""
        self._append_seconds.observe(seconds)
        self._published_bytes += size
        for topic in topics:
            name = topic if topic in self._published or len(self._published) < TOPICS_LIMIT else OTHER
            self._published[name] = self._published.get(name, 0) + 1

    def answered(self, status: int) -> None:
        """A request was answered so; those that were refused count."""
        if status >= 400:
            self._refused[str(status)] = self._refused.get(str(status), 0) + 1

    def collect(self) -> Iterator[Metric]:
        """What the registry asks for."""
        hub = self._hub
        yield GaugeMetricFamily("sse_start_time_seconds", "When the server began, since 1970.", value=self._started)
        yield GaugeMetricFamily("sse_subscribers", "Streams that are open.", value=self._places.taken)
        yield GaugeMetricFamily("sse_subscribers_live", "Of these, those that have everything.", value=hub.live)
        yield CounterMetricFamily("sse_events", "Events that the log gave out, each counted once.", value=hub.events)
        yield CounterMetricFamily(
            "sse_deliveries", "Events, counted for each subscriber that was given them.", value=hub.deliveries
        )
        yield CounterMetricFamily("sse_delivered_bytes", "Bytes of deliveries.", value=hub.delivered_bytes)
        yield CounterMetricFamily("sse_demotions", "Times that a subscriber fell behind.", value=hub.demotions)
        cut_off = "Subscribers that were sent away because all together held too much memory."
        yield CounterMetricFamily("sse_cut_off", cut_off, value=hub.room.cut_off)
        size = "Bytes of bodies whose messages were stored."
        yield CounterMetricFamily("sse_published_bytes", size, value=self._published_bytes)
        published = CounterMetricFamily(
            "sse_messages", "Messages that were stored; what was repeated under its name counts once.", labels=["topic"]
        )
        for topic, count in self._published.items():
            published.add_metric([topic], count)
        yield published
        refused = CounterMetricFamily("sse_refused", "Requests that were refused, by status.", labels=["status"])
        for status, count in self._refused.items():
            refused.add_metric([status], count)
        yield refused
