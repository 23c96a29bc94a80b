"""Which petitions are near-copies of one another: a few small codes per text, of which near-copies share one.

MinHash over the text's runs of three characters, by one permutation (Li, Owen and Zhang 2012), in bands: two
texts that share the part `s` of their runs have a band in common with probability 1 − (1 − s⁴)⁴: 99 % at
0.9, 88 % at 0.8, 23 % at 0.5, 3 % at 0.3. The codes say nothing of the words, and stand in the docket alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from services.routing.lexicon.wording import plain

_BANDS: Final = 4
_ROWS: Final = 4
_BUCKETS: Final = _BANDS * _ROWS
# What a form letter has in common stands in its first page.
_LONGEST_READ: Final = 1_000
# Below this, texts are alike by chance: "请尽快处理" says nothing.
_FEWEST_RUNS: Final = 12
_WIDTH: Final = 6  # three characters of two bytes
_NOTHING: Final = 1 << 32
_MIX: Final = 2_654_435_761  # Knuth's multiplier: spreads what CRC leaves close together
_POSITIVE: Final = 0x7FFF_FFFF


def codes(title: str, content: str) -> tuple[int, ...]:
    """Return the codes of a text, band by band; none for a text too short to be compared."""
    letters = plain(f"{title}\n{content}"[:_LONGEST_READ]).encode("utf-16-le", "ignore")
    runs = {crc32(letters[place : place + _WIDTH]) for place in range(0, len(letters) - 4, 2)}
    if len(runs) < _FEWEST_RUNS:
        return ()
    least = _filled(_least(runs))
    return tuple(
        crc32(repr((band, least[band * _ROWS : (band + 1) * _ROWS])).encode()) & _POSITIVE
        for band in range(_BANDS)
    )


def _least(runs: set[int]) -> list[int]:
    least = [_NOTHING] * _BUCKETS
    for run in runs:
        mixed = run * _MIX & 0xFFFF_FFFF
        bucket = mixed % _BUCKETS
        least[bucket] = min(least[bucket], mixed)
    return least


def _filled(least: list[int]) -> list[int]:
    """Give an empty bucket what the next one holds, so that two empty ones are not alike for that alone."""
    held = next(value for value in least if value != _NOTHING)
    filled = list(least)
    for bucket in range(_BUCKETS - 1, -1, -1):
        held = filled[bucket] if filled[bucket] != _NOTHING else held
        filled[bucket] = held
    return filled


@dataclass(frozen=True, slots=True)
class Cluster:
    """Petitions that belong together by `key`, each in one cluster only."""

    key: str
    petitions: tuple[str, ...]


def grouped(keyed: Iterable[tuple[str, Sequence[str]]], *, least: int) -> list[Cluster]:
    """Group petitions by the keys that they share, largest group first; each goes into its largest group.

    Groups are not chained into each other: two that share a member stay two, so one odd text joins no crowds.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for petition, keys in keyed:
        for key in keys:
            groups[key].append(petition)
    found, taken = [], set[str]()
    for key, petitions in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        rest = tuple(petition for petition in petitions if petition not in taken)
        if len(rest) >= least:
            found.append(Cluster(key, rest))
            taken.update(rest)
    return sorted(found, key=lambda cluster: (-len(cluster.petitions), cluster.key))
