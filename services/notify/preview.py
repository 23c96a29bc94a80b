"""Shows what a text looks like and costs before it goes live: `python -m services.notify preview [TEMPLATE]`.

It fills in invented values of usual and of greatest length. Needs neither broker nor database nor settings,
and says the same each time.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from contracts.bodies import Body, catalogue
from contracts.envelope import message_id
from contracts.fact import Fact
from contracts.identity import make
from contracts.policies import published
from contracts.registry import BY_TYPE
from services.notify.segments import ALONE, count, units
from services.notify.stories import OFFERS
from services.notify.table import (
    DATES,
    TABLE_FILE,
    VARIABLE,
    WORDED,
    Row,
    Table,
    TextError,
    in_use,
    read,
)
from services.notify.texts import Part, Rendered, Texts

NAME: Final = "preview"
SIGN: Final = "长沙信访"
PRICE: Final = Decimal("0.045")
# facts of Aliyun's template rules: a variable holds 1 to 35 characters, a whole SMS 500 with its signature.
MOST_IN_VARIABLE: Final = 35
MOST_IN_ALL: Final = 500
_SYMBOLS: Final = re.compile(r"[★☆※→←↑↓■□●○◆◇△▲▽▼①-⑳㈠-㈩♂♀§№]")
# What both vendors list among refused content: surveys, legal claims, calls to a private telephone.
_REFUSED: Final = re.compile(r"问卷|满意|评价|打分|维权|诉讼|律师")
_OPT_OUT: Final = re.compile(r"拒收|退订|回复\s*(?:TD|T|R)(?![A-Za-z])")
_DAY: Final = datetime(2026, 12, 28, 2, 0, tzinfo=UTC)
_PETITION: Final = make(_DAY, 4_444_444)
_MANY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A text filled in with example values."""

    name: str
    rendered: Rendered
    sign: str

    @property
    def whole(self) -> str:
        """What the telephone shows."""
        return f"【{self.sign}】{self.rendered.text}"


def main(arguments: Sequence[str]) -> int:
    """Print the preview; a wrong table, or a template that it lacks, is said in a line each, exit code 2."""
    asked = _parser().parse_args(arguments)
    try:
        table = read(asked.table)
    except TextError as error:
        sys.stderr.write("".join(f"{fault}\n" for fault in error.faults))
        return 2
    if asked.template and asked.template not in in_use(table):
        near = ", ".join(in_use(table))
        sys.stderr.write(f"{NAME}: there is no template {asked.template}; there are {near}\n")
        return 2
    told = _Preview(table, asked.sign, asked.public_url, asked.gateway_price)
    lines = told.template(asked.template) if asked.template else told.all()
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.notify",
        description="Show what SMS texts look like and cost before they go live; starts nothing.",
    )
    parser.add_argument("command", choices=[NAME])
    parser.add_argument(
        "template", nargs="?", help="show every version of this one; left out: a table of all"
    )
    parser.add_argument(
        "--gateway-price", type=_price, default=PRICE, metavar="YUAN", help=f"price of a segment ({PRICE})"
    )
    parser.add_argument("--sign", default=SIGN, metavar="TEXT", help=f"the signature ({SIGN})")
    parser.add_argument(
        "--public-url", default="", metavar="URL", help="where petitioners look up; left out: no link"
    )
    parser.add_argument(
        "--table",
        type=Path,
        default=TABLE_FILE,
        metavar="FILE",
        help="an edited table; left out: the shipped one",
    )
    return parser


def _price(said: str) -> Decimal:
    try:
        price = Decimal(said)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{said} is no price") from error
    if not price.is_finite() or price < 0:
        raise argparse.ArgumentTypeError(f"{said} is no price")
    return price


class _Preview:
    def __init__(self, table: Table, sign: str, public_url: str, price: Decimal) -> None:
        self._table, self._sign, self._price = table, sign, price
        self._texts = Texts(table, public_url)

    def all(self) -> Iterator[str]:
        """One line for each template in use, then what the reader must look at."""
        yield _columns("template", "version", "audience", "flags", "units", "segments", "per 10,000")
        warned = 0
        for row in in_use(self._table).values():
            usual, longest = self._samples(row)
            warned += bool(warnings := list(_vendor_warnings(row, self._table, usual, longest)))
            yield _columns(
                f"{row.template}{' !' if warnings else ''}",
                row.version,
                row.audience,
                _flags(row),
                f"{units(usual.whole)} to {units(longest.whole)}",
                f"{count(usual.whole)} to {count(longest.whole)}",
                f"{self._cost(usual, _MANY)} to {self._cost(longest, _MANY)}",
            )
        yield ""
        yield f"prices in yuan, {self._price} a segment, signature 【{self._sign}】 counted"
        if warned:
            yield f"! a vendor of templates may object; python -m services.notify {NAME} TEMPLATE says why"

    def template(self, name: str) -> Iterator[str]:
        """Each version with its texts and its warnings; the last is the one in use."""
        versions = [row for row in self._table.message if row.template == name]
        for row in versions:
            state = "in use" if row is versions[-1] else "for what was queued with it"
            yield f"{row.template} {row.version} ({state})"
            yield f"  {row.fact} -> {row.audience}, {row.channel}, {_flags(row)}"
            for sample in self._samples(row):
                yield f"  {sample.name}: {sample.whole}"
                yield f"    {self._figures(sample)}"
            if row.joins:
                yield f"  joined: {self._joined(row)}"
            usual, longest = self._samples(row)
            for warning in (
                *_length_warnings(usual, longest),
                *_vendor_warnings(row, self._table, usual, longest),
            ):
                yield f"  ! {warning}"
            yield ""

    def _joined(self, row: Row) -> str:
        """Return what joined messages say if this is the only one of them."""
        cause = message_id(BY_TYPE[row.fact].TOPIC, _PETITION, 1)
        found = self._texts.render_joined(_PETITION, [Part(row.template, row.version, cause, _usual(row))])
        return found.text if found else row.joined

    def _figures(self, sample: Sample) -> str:
        segments = count(sample.whole)
        return (
            f"{units(sample.whole)} units, {segments} segment{'s' if segments > 1 else ''}, "
            f"{self._cost(sample)} yuan, {self._cost(sample, _MANY)} yuan per {_MANY:,}"
        )

    def _cost(self, sample: Sample, messages: int = 1) -> str:
        cost = self._price * count(sample.whole) * messages
        return f"{cost.normalize():f}" if messages == 1 else f"{cost:.2f}"

    def _samples(self, row: Row) -> tuple[Sample, Sample]:
        made = []
        for name, values in (("usual", _usual(row)), ("longest", self._longest(row))):
            found = self._texts.render(row.template, row.version, _PETITION, values)
            if found is None:  # the table was checked: every variable has a value
                raise TextError(f"{row.template} {row.version} cannot be filled in")
            made.append(Sample(name, found, self._sign))
        return made[0], made[1]

    def _longest(self, row: Row) -> dict[str, str]:
        """Return the longest values that a fact can offer."""
        words = self._table.words
        values = {
            "reason": "人" * 40,
            "handler": "h" * 64,
            "number": "20",
            "score": "5",
            "body": max(Body, key=lambda body: (units(catalogue().name(body)), body)),
        }
        for code, version in published():
            one, held = f"{code}/{version}", values.get("policy")
            if held is None or len(published()[code, version].title) > len(_title(held)):
                values["policy"] = one
        for name, codes in WORDED.items():
            said = {code.value: units(words[name][code]) for code in codes}
            values[name] = max(said, key=lambda code: (said[code], code))
        return _offered(row, values)


def _length_warnings(usual: Sample, longest: Sample) -> Iterator[str]:
    """Say what costs more than one segment."""
    if count(usual.whole) > 1:
        over = units(usual.whole) - ALONE
        yield f"{count(usual.whole)} segments as a rule; {over} units less would make it one"
    elif count(longest.whole) > 1:
        yield f"{count(longest.whole)} segments at worst"


def _vendor_warnings(row: Row, table: Table, usual: Sample, longest: Sample) -> Iterator[str]:
    """Say what a vendor of templates may refuse; gateways that take plain text do not mind."""
    if units(longest.whole) > MOST_IN_ALL:
        yield f"{units(longest.whole)} units at worst, over the {MOST_IN_ALL} that a vendor takes"
    for name, value in longest.rendered.params.items():
        if units(value) > MOST_IN_VARIABLE:
            yield f"{{{name}}} may have {units(value)} units, over a vendor's {MOST_IN_VARIABLE}: cut there"
    for name in usual.rendered.params:
        if name in table.phrases:
            yield f"{{{name}}} may be empty, and a vendor's variable may not"
    text = VARIABLE.sub("", row.text)
    if "}{" in row.text:
        yield "two variables side by side, which a vendor refuses; a new version should part them"
    if found := _SYMBOLS.findall(text):
        yield f"vendors refuse the signs {' '.join(dict.fromkeys(found))}"
    if found := _REFUSED.findall(text):
        yield f"vendors may refuse a template that says {'、'.join(dict.fromkeys(found))}"
    if _OPT_OUT.search(text):
        yield "a notice must not offer to opt out; that is for advertisements"


def _usual(row: Row) -> dict[str, str]:
    """Return values as they mostly are: a word of the lexicon, a body of middling name, no policy."""
    values = {
        "reason": "拖欠工资",
        "handler": "zhang.wei",
        "number": "1",
        "score": "5",
        "body": sorted(Body, key=lambda body: (units(catalogue().name(body)), body))[len(Body) // 2],
    }
    for name, codes in WORDED.items():
        if name != "occasion":
            values[name] = next(iter(codes))
    return _offered(row, values)


def _offered(row: Row, values: Mapping[str, str]) -> dict[str, str]:
    kind: type[Fact] = BY_TYPE[row.fact]
    dated = {name: _DAY.isoformat() for name in DATES}
    return {name: value for name, value in {**dated, **values}.items() if name in OFFERS[kind]}


def _title(policy: str) -> str:
    code, _, version = policy.rpartition("/")
    return published()[code, int(version)].title


def _flags(row: Row) -> str:
    flags = [
        "urgent" if row.urgent else "",
        "statutory" if row.statutory else "",
        "question" if row.question else "",
        "joins" if row.joins else "",
        f"valid {row.valid.total_seconds() / 3600:g} h",
    ]
    return " ".join(filter(None, flags))


def _columns(*cells: str) -> str:
    widths = (22, 11, 16, 36, 12, 9, 0)
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
