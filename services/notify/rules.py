"""What the operator sets, and the gateways as they are just now: what notify's decisions are made by.

The edge (`sending.py`) makes a new `Rules` when a gateway fails or recovers; a decision sees one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from hashlib import blake2b
from math import log
from typing import Final
from zoneinfo import ZoneInfo

from contracts.fact import Fact
from services.notify.notices import Notice
from services.notify.staff import Directory

ZONE: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Way:
    """A gateway that messages can be given to: its share of them, and what it can do.

    `query`: it can be asked about an attempt. `receipts`: it tells what became of a message. `replies`:
    people can answer. `free_text`: it takes any text, not only its vendor's templates.
    """

    name: str
    weight: int = 1
    query: bool = True
    receipts: bool = False
    replies: bool = False
    free_text: bool = True


@dataclass(frozen=True, slots=True)
class Quiet:
    """The hours in which only urgent messages go out; they may span midnight."""

    begins: time
    ends: time

    def over(self, moment: datetime) -> datetime:
        """Return `moment`, or the end of the quiet hours that it falls into."""
        local = moment.astimezone(ZONE)
        clock = local.time()
        if self.begins <= self.ends:
            quiet = self.begins <= clock < self.ends
        else:
            quiet = clock >= self.begins or clock < self.ends
        if not quiet:
            return moment
        end = local.replace(hour=self.ends.hour, minute=self.ends.minute, second=0, microsecond=0)
        return (end if clock < self.ends else end + timedelta(days=1)).astimezone(moment.tzinfo)


@dataclass(frozen=True, slots=True)
class Prices:
    """What one segment costs, in yuan: `usual`, and of gateways that have a price of their own."""

    usual: Decimal
    own: Mapping[str, Decimal] = field(default_factory=dict)

    def cost(self, gateway: str, segments: int) -> Decimal:
        """Return what so many segments cost by a gateway."""
        return self.own.get(gateway, self.usual) * segments


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """`ask_after` are the pauses between questions to the gateway about one attempt.

    `grace` keeps two instances apart whose clocks differ: a lease ends a little later for all but its holder.
    `ways` are all gateways, `closed` names those that take nothing just now. `staff` tells where
    handlers and their superiors are reached.
    """

    notices: Mapping[type[Fact], tuple[Notice, ...]]
    ways: tuple[Way, ...]
    lease: timedelta
    contact_wait: timedelta
    closed: frozenset[str] = frozenset()
    quiet: Quiet | None = None
    join_window: timedelta = timedelta(0)
    receipt_wait: timedelta = timedelta(hours=72)
    staff: Directory = field(default_factory=Directory)
    grace: timedelta = timedelta(seconds=2)
    ask_after: tuple[timedelta, ...] = (
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=6),
        timedelta(hours=24),
        timedelta(hours=42),
    )

    def way(self, name: str) -> Way | None:
        """Return the gateway of this name; None if it is not configured any more."""
        return next((way for way in self.ways if way.name == name), None)

    def notice(self, template: str) -> Notice | None:
        """Return what the table says of a template now; None if it does not know it any more."""
        found = (n for notices in self.notices.values() for n in notices if n.template == template)
        return next(found, None)

    def choose(self, unique: str, *, avoid: str = "") -> str:
        """Return the gateway for a message: by weight, the same for the same message while they stand.

        Those that take nothing are left out, and `avoid`, if another is there.
        """
        if len(self.ways) == 1:
            return self.ways[0].name
        open_ways = [way for way in self.ways if way.name not in self.closed] or list(self.ways)
        ways = [way for way in open_ways if way.name != avoid] or open_ways
        return min(ways, key=lambda way: _draw(way, unique)).name

    def other(self, gateway: str) -> bool:
        """Whether another gateway takes messages just now."""
        return any(way.name not in self.closed and way.name != gateway for way in self.ways)

    @property
    def hears_replies(self) -> bool:
        """Whether it is any use to ask people something."""
        return any(way.replies for way in self.ways)

    @property
    def free_text(self) -> bool:
        """Whether several messages can be said in one text, whichever gateway it goes to."""
        return all(way.free_text for way in self.ways)

    def awake(self, notice: Notice | None, moment: datetime) -> datetime:
        """Return the first time from `moment` on at which a message of this kind may leave."""
        if self.quiet is None or (notice is not None and notice.urgent):
            return moment
        return self.quiet.over(moment)


def _draw(way: Way, unique: str) -> float:
    """Return a number by which the smallest wins as often as the weights say (exponential race)."""
    # Not a checksum: those of two names differ by the same bits, so one gateway would follow the other.
    digest = blake2b(f"{way.name}/{unique}".encode(), digest_size=6).digest()
    return -log((int.from_bytes(digest, "big") + 1) / 2**48) / way.weight
