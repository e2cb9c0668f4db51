"""The same streams through our parser and through those of other clients, as CPU time per event and ratios.

What is measured is parsing alone: the parser of each peer is taken out of its HTTP client, which favours the peers.
Chunks are what a socket read gives (64 KiB), and each event is dropped once its data was seen, as in an application.
"""

import codecs
import gc
import hashlib
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version

from notifier.sse import EventStreamParser
from tests.bench.peers import ROOT, interpreter

PEERS = ("httpx-sse~=0.4.3", "launchdarkly-eventsource~=1.7.4", "sseclient-py~=1.9.0")
NEEDED_BY_PEERS = ("httpx",)
CHUNK = 64 * 1024
ROUNDS = 15

See = Callable[[str], object]
Reader = Callable[[Iterable[bytes], See], None]


def ours(chunks: Iterable[bytes], see: See) -> None:
    parser = EventStreamParser()
    for chunk in chunks:
        for event in parser.feed(chunk):
            see(event.data)


def httpx_sse(chunks: Iterable[bytes], see: See) -> None:
    from httpx_sse._decoders import SSEDecoder, SSELineDecoder  # type: ignore[import-not-found]

    text, lines, events = codecs.getincrementaldecoder("utf-8")("replace"), SSELineDecoder(), SSEDecoder()
    for chunk in chunks:
        for line in lines.decode(text.decode(chunk)):
            event = events.decode(line.rstrip("\n"))
            if event is not None:
                see(event.data)


def launchdarkly_eventsource(chunks: Iterable[bytes], see: See) -> None:
    from ld_eventsource.actions import Event  # type: ignore[import-not-found]
    from ld_eventsource.reader import _BufferedLineReader, _SSEReader  # type: ignore[import-not-found]

    for action in _SSEReader(_BufferedLineReader.lines_from(chunks)).events_and_comments():
        if isinstance(action, Event):
            see(action.data)


def sseclient_py(chunks: Iterable[bytes], see: See) -> None:
    from sseclient import SSEClient  # type: ignore[import-not-found]

    for event in SSEClient(chunks).events():
        see(event.data)


READERS: dict[str, Reader] = {
    "sse-notifier": ours,
    "httpx-sse": httpx_sse,
    "launchdarkly-eventsource": launchdarkly_eventsource,
    "sseclient-py": sseclient_py,
}


def value(number: int, size: int) -> bytes:
    return (b"%d " % number).ljust(size, b"x")


def cut(stream: bytes) -> list[bytes]:
    return [stream[start : start + CHUNK] for start in range(0, len(stream), CHUNK)]


def cases() -> dict[str, tuple[int, list[bytes]]]:
    many = range(200_000)
    data_only = [b"data: %b\n\n" % value(i, 100) for i in many]
    with_id = [b"id: %d\nevent: tick\ndata: %b\n\n" % (i, value(i, 100)) for i in many]
    large = [b"data: %b\n\n" % value(i, 64 * 1024) for i in range(2_000)]
    two_lines = [b"event: tick\ndata: %b\ndata: %b\nid: %d\n\n" % (value(i, 50), value(i, 50), i) for i in many]
    return {
        "100 B, data only": (len(data_only), cut(b"".join(data_only))),
        "100 B, id and event": (len(with_id), cut(b"".join(with_id))),
        "64 KiB": (len(large), cut(b"".join(large))),
        "100 B, one event per chunk": (len(data_only), data_only),
        "two data lines, id last": (len(two_lines), cut(b"".join(two_lines))),
    }


def digest(read: Reader, chunks: list[bytes]) -> tuple[int, str]:
    """How many events, and which data."""
    seen, count = hashlib.sha256(), 0

    def see(data: str) -> None:
        nonlocal count
        count += 1
        seen.update(data.encode() + b"\0")

    read(iter(chunks), see)
    return count, seen.hexdigest()


def seconds(read: Reader, chunks: list[bytes]) -> float:
    """CPU time, which other work on the machine disturbs less than it does a clock."""
    gc.collect()
    start = time.process_time()
    read(iter(chunks), len)
    return time.process_time() - start


def compare() -> None:
    """Print the table.  Runs where the peers are installed."""
    print(f"Python {platform.python_version()}, {platform.machine()}; {ROUNDS} interleaved rounds, medians of CPU time")
    print("  ".join(f"{name} {version(name)}" for name in READERS if name != "sse-notifier"))
    print(f"\n{'microseconds per event':28}{''.join(f'{name:>26}' for name in READERS)}  best peer / ours")
    for case, (count, chunks) in cases().items():
        digests = {name: digest(read, chunks) for name, read in READERS.items()}
        assert len(set(digests.values())) == 1, f"{case}: not the same events from all: {digests}"
        assert digests["sse-notifier"][0] == count
        names, times = list(READERS), {name: list[float]() for name in READERS}
        for _ in range(ROUNDS):
            for name in names:
                times[name].append(seconds(READERS[name], chunks))
            names.append(names.pop(0))
        medians = {name: statistics.median(taken) for name, taken in times.items()}
        own = medians.pop("sse-notifier")
        best = min(medians, key=lambda name: medians[name])
        ratios = [peer / mine for peer, mine in zip(times[best], times["sse-notifier"], strict=True)]
        row = "".join(f"{taken / count * 1e6:26.2f}" for taken in (own, *medians.values()))
        print(f"{case:28}{row}  {medians[best] / own:.2f} ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)


def main() -> None:
    python = interpreter("parser", *PEERS, *NEEDED_BY_PEERS)
    subprocess.run([python, "-m", "tests.bench.bench_parser"], cwd=ROOT, check=True)


if __name__ == "__main__":
    compare()
