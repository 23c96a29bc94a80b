"""The lexicon ready for use: finds its phrases in a text and says how strongly each stands there."""

import hashlib
import math
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ahocorasick_rs import AhoCorasick, MatchKind

from contracts.kinds import Kind, Urgency
from services.routing.lexicon.entries import (
    DATA,
    TARGETS,
    Entries,
    Weighing,
    Where,
    files,
    read,
)
from services.routing.lexicon.wording import END, Words

_DOMAIN_SHARE: Final = 0.6
_REPORT_AT: Final = TARGETS.index(f"kind:{Kind.REPORT}")
_ACCUSING: Final = 3.0
# A text that names so many departments tells of a matter that none of them can settle alone.
SEVERAL: Final = 3
_is_end: Final = re.compile(END).finditer


@dataclass(frozen=True)
class Lexicon:
    """The compiled lexicon; `terms` and `weights` run in step, pairs after phrases."""

    version: str
    weighing: Weighing
    terms: tuple[str, ...]
    phrases: int  # how many of `terms` are phrases; the rest are pairs
    weights: tuple[tuple[tuple[int, float], ...], ...]
    masks: tuple[int, ...]  # per phrase: the groups that it belongs to, one bit each
    pairs: tuple[tuple[int, Where], ...]  # per pair: the two bits, and how close
    finder: AhoCorasick
    urgent: tuple[tuple[str, Urgency | None], ...]
    urgent_finder: AhoCorasick
    departments: tuple[str, ...]  # per name of a department: which one
    department_finder: AhoCorasick

    def accuses(self, terms: Iterable[int]) -> bool:
        """Whether any of these phrases is an accusation: then a person looks, whatever else the text says.

        A report of wrongdoing must never reach the one accused (Regulations art. 22, 30), and scores alone do
        not find every report.
        """
        return any(
            target == _REPORT_AT and weight >= _ACCUSING
            for term in terms
            for target, weight in self.weights[term]
        )

    def urgency(self, words: Words) -> tuple[Urgency, str] | None:
        """Return why this cannot wait its turn, and the first phrase that says so; danger to life first."""
        text = f"{words.heading}{END}{words.body}"
        found = [self.urgent[place] for place, *_ in self.urgent_finder.find_matches_as_indexes(text)]
        ranked = [(list(Urgency).index(why), text) for text, why in found if why is not None]
        if not ranked:
            return None
        first = min(ranked, key=lambda one: one[0])
        return list(Urgency)[first[0]], first[1]

    def departments_named(self, words: Words) -> int:
        """Return how many different departments the words name: many, where one alone cannot settle it."""
        text = f"{words.heading}{END}{words.body}"
        found = self.department_finder.find_matches_as_indexes(text)
        return len({self.departments[place] for place, *_ in found})

    def weigh(self, words: Words) -> dict[int, float]:
        """Return the strength of every phrase and pair found, by its place in `terms`."""
        heading = words.heading
        body = words.body[: self.weighing.content_chars]
        in_title, title_masks = self._found(heading)
        in_body, body_masks = self._found(body)
        strengths = _strengths(self.weighing, in_title, len(heading), in_body)
        length = math.sqrt(sum(strength * strength for strength in strengths.values()))
        found = {term: strength / length for term, strength in strengths.items()}
        self._add_pairs(found, title_masks, body_masks)
        return found

    def _found(self, text: str) -> tuple[list[tuple[int, int]], list[int]]:
        """Return (phrase, position) of phrases that no longer one contains, and the groups per sentence."""
        ends = [match.start() for match in _is_end(text)]
        masks = [0] * (len(ends) + 1)
        widest: list[tuple[int, int]] = []
        reach = -1
        matches = self.finder.find_matches_as_indexes(text, overlapping=True)
        matches.sort(key=lambda match: (match[1], -match[2]))
        for term, start, stop in matches:
            if mask := self.masks[term]:
                masks[bisect_right(ends, start)] |= mask
            if stop > reach and self.weights[term]:
                widest.append((term, start))
                reach = stop
        return widest, masks

    def _add_pairs(self, found: dict[int, float], title_masks: list[int], body_masks: list[int]) -> None:
        everywhere = 0
        in_title = 0
        for mask in title_masks:
            in_title |= mask
        for mask in body_masks:
            everywhere |= mask
        everywhere |= in_title
        sentences = [mask for mask in {in_title, *body_masks} if mask & (mask - 1)]
        for number, (bits, where) in enumerate(self.pairs):
            if everywhere & bits != bits:
                continue
            titled = in_title & bits == bits
            if where is Where.TEXT or any(mask & bits == bits for mask in sentences):
                bonus = self.weighing.pair_title if titled else 0.0
                found[self.phrases + number] = self.weighing.pair * (1.0 + bonus)


def load(folder: Path = DATA) -> Lexicon:
    """Read, check and compile the lexicon; raises LexiconError with file, line and reason."""
    entries = read(folder)
    digest = hashlib.sha256()
    for path in files(folder):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return compiled(entries, version=f"lexicon-{entries.weighing.edition}-{digest.hexdigest()[:8]}")


def compiled(entries: Entries, *, version: str) -> Lexicon:
    """Compile checked entries."""
    numbers = {target: number for number, target in enumerate(TARGETS)}
    table = _written(entries, numbers)
    pair_keys = {pair.key: (pair.first, pair.second, pair.where) for pair in entries.pairs}
    phrase_count = len(table) - len(pair_keys)
    bits = {name: 1 << number for number, name in enumerate(entries.groups)}
    masks = dict.fromkeys(table, 0)
    for name, phrases in entries.groups.items():
        for text in phrases:
            masks[text] |= bits[name]
    terms = tuple(table)
    named = {name: unit for unit, names in entries.departments.items() for name in names}
    return Lexicon(
        version=version,
        weighing=entries.weighing,
        terms=terms,
        phrases=phrase_count,
        weights=tuple(tuple(sorted(row.items())) for row in table.values()),
        masks=tuple(masks[text] for text in terms[:phrase_count]),
        pairs=tuple((bits[first] | bits[second], where) for first, second, where in pair_keys.values()),
        finder=AhoCorasick(terms[:phrase_count], store_patterns=False),
        urgent=tuple(entries.urgent.items()),
        urgent_finder=AhoCorasick(
            tuple(entries.urgent), matchkind=MatchKind.LeftmostLongest, store_patterns=False
        ),
        departments=tuple(named.values()),
        department_finder=AhoCorasick(
            tuple(named), matchkind=MatchKind.LeftmostLongest, store_patterns=False
        ),
    )


def _written(entries: Entries, numbers: dict[str, int]) -> dict[str, dict[int, float]]:
    """Return the hand-written weights per phrase and, after all phrases, per pair."""
    table: dict[str, dict[int, float]] = {}
    for phrase in entries.phrases:
        row = table.setdefault(phrase.text, {})
        scores = [(phrase.target, phrase.weight)]
        if phrase.domain is not None:
            scores.append((f"domain:{phrase.domain}", phrase.weight * _DOMAIN_SHARE))
        for target, weight in scores:
            row[numbers[target]] = max(row.get(numbers[target], weight), weight)
    for phrases in entries.groups.values():
        for text in phrases:
            table.setdefault(text, {})
    for pair in entries.pairs:
        table.setdefault(pair.key, {})[numbers[pair.target]] = pair.weight
    return table


def _strengths(
    weighing: Weighing, in_title: list[tuple[int, int]], length: int, in_body: list[tuple[int, int]]
) -> dict[int, float]:
    strengths: dict[int, float] = {}
    for term, start in in_title:
        strength = 1.0 + weighing.title + weighing.title_end * (2.0 * start / length - 1.0)
        strengths[term] = max(strengths.get(term, 0.0), strength)
    counts: dict[int, int] = {}
    for term, _ in in_body:
        counts[term] = counts.get(term, 0) + 1
    for term, count in counts.items():
        strength = 1.0 + weighing.repeat * math.log(count)
        strengths[term] = strengths[term] + weighing.echo * strength if term in strengths else strength
    return strengths
