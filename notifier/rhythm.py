"""When the pieces of a stream came and which IDs its events have in, what pattern that makes out.  Pure.

It measures; what a pattern means is the matter of `diagnosis`.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from notifier.observation import Chunk, Observation

PAUSE = 1.0
"""Seconds between two pieces of one line that no server makes by itself."""
BURST = 0.25
"""Seconds; what comes within it came together."""
MANY = 5
"""Events or pieces that are too many for chance."""


def cuts(chunks: Sequence[Chunk]) -> list[tuple[int, float]]:
    """Size of each portion that ended within a line, and the seconds until the line went on."""
    found = []
    size = 0
    for here, following in pairwise(chunks):
        size += here.size
        gap = following.at - here.at
        if gap >= PAUSE:
            if not here.ends_line:
                found.append((size, gap))
            size = 0
    return found


def bursts(seen: Observation) -> tuple[int, float] | None:
    """How many bursts there were after the first bytes, and how far apart; None if events come as they happen."""
    starts = [b.at for a, b in pairwise(seen.chunks) if b.at - a.at > BURST]
    gaps = [b - a for a, b in pairwise(starts)]
    told = seen.events - len(seen.alive)
    if len(starts) < 3 or told < MANY * (len(starts) + 1) or median(gaps) < 2 * PAUSE:
        return None
    return len(starts) + 1, median(gaps)


def longest_silence(seen: Observation) -> float:
    assert seen.opened is not None
    end = seen.ended[0] if seen.ended else seen.lasted
    moments = [seen.opened, *(chunk.at for chunk in seen.chunks if chunk.at <= end), end]
    return max(b - a for a, b in pairwise(moments))


def rhythm(seen: Observation) -> float | None:
    """Seconds between signs of life, where they have a rhythm."""
    moments = sorted([*seen.alive, *(chunk.at for chunk in seen.chunks if chunk.is_comment or not seen.events)])
    gaps = [b - a for a, b in pairwise(moments) if b - a > BURST]
    if len(gaps) < 2 or (usual := median(gaps)) < PAUSE:
        return None
    steady = sum(abs(gap - usual) <= 0.2 * usual for gap in gaps)
    return usual if steady >= 0.7 * len(gaps) else None


def counts_from_zero(ids: Sequence[str], first_again: str | None) -> bool:
    """One ID is no counter, unless a second connection began with it too; and what goes on there is none."""
    if not ids or ids[0] not in ("0", "1"):
        return False
    if first_again != ids[0] and (len(ids) == 1 or first_again is not None):
        return False
    # As text: Python refuses to read a number as long as a server may send.
    return all(each == str(int(ids[0]) + n) for n, each in enumerate(ids[:MANY]))
