"""What each worker counted in, one page of Prometheus's text format out, whichever of them is asked.

The series of several workers differ in a label, so each begins anew with its worker and Prometheus adds them up.
"""

import json
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric

Report = dict[str, list[tuple[str, dict[str, str], float]]]
"""Name, labels and value of each series, by the name of its family."""


class Crew:
    """The processes that share a port, as one of them knows them.

    Args:
        worker: Which one this is, from 1 on.
        workers: How many there are.
    """

    CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, worker: int = 1, workers: int = 1) -> None:
        self.worker, self.workers = worker, workers
        self.registry = CollectorRegistry()
        """What this one counts."""
        self._others: dict[int, Report] = {}

    def report(self) -> str:
        """What this one counted until now, on one line."""
        return json.dumps(self._own())

    def hear(self, line: bytes) -> None:
        """Take what the others reported last: a JSON object of their reports, by their numbers."""
        self._others = {int(worker): report for worker, report in json.loads(line).items()}

    def page(self) -> bytes:
        """All of it."""
        return generate_latest(self if self.workers > 1 else self.registry)

    def collect(self) -> Iterator[Metric]:
        """What `generate_latest` asks for."""
        reports = sorted({**self._others, self.worker: self._own()}.items())
        for family in self.registry.collect():
            merged = Metric(family.name, family.documentation, family.type)
            for worker, report in reports:
                for name, labels, value in report.get(family.name, ()):
                    merged.add_sample(name, {"worker": str(worker), **labels}, value)
            yield merged

    def _own(self) -> Report:
        return {
            family.name: [(sample.name, sample.labels, sample.value) for sample in family.samples]
            for family in self.registry.collect()
        }
