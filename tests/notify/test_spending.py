"""What today cost: counted over all instances, kept through a database that is away, priced by gateway."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from runtime.store import DatabaseError, Store
from services.notify.rules import Prices
from services.notify.sms import Accepted, Down, Found, NotFound, Unknown
from services.notify.spending import Day, Spending
from tests.line import Line
from tests.notify.journey import SERVICE, Clock

PRICES = Prices(Decimal("0.045"), {"smpp": Decimal("0.03")})


@pytest.fixture
async def store(mongo: str) -> AsyncIterator[Store]:
    """An empty database."""
    made = Store(f"{mongo}/notify_{secrets.token_hex(5)}", SERVICE)
    await made.prepare()
    yield made
    made.close()


@pytest.mark.real
async def test_two_instances_count_together_and_a_new_day_begins_at_midnight_in_the_city(
    store: Store,
) -> None:
    clock = Clock()
    one, other = Spending(store, PRICES, clock), Spending(store, PRICES, clock)
    one.note("smpp", [Accepted("a", 2), Accepted("b", 1), Unknown("gone")])
    other.note("smpp", [Accepted("c", 3), Down("away")])
    other.note("smpp", [Found("gone", 1), NotFound()])
    for spending in (one, other, other):
        await spending.keep()
    results = {"Accepted": 3, "Unknown": 1, "Down": 1}
    assert {"smpp": Day(7, results), "aliyun": Day()} == await one.today(["smpp", "aliyun"])
    clock.forward(timedelta(hours=14))  # from 10 o'clock
    assert {"smpp": Day()} == await one.today(["smpp"])


class Away:
    """A database that is away the first time."""

    def __init__(self) -> None:
        self.changes: list[Any] = []
        self.asked = 0

    def shelf(self, _name: str) -> Away:
        """Itself."""
        return self

    async def change(self, changes: Any, *, add: bool) -> None:
        """Fail once, then take the changes."""
        self.asked += 1
        if self.asked == 1:
            raise DatabaseError
        assert add
        self.changes += changes


async def test_what_was_counted_while_the_database_was_away_is_kept_later() -> None:
    away = Away()
    spending = Spending(away, PRICES, Clock())  # type: ignore[arg-type] # as much of a store as is used
    spending.note("smpp", [Accepted("a", 2)])
    with pytest.raises(DatabaseError):
        await spending.keep()
    spending.note("smpp", [Accepted("b", 1)])
    await spending.keep()
    await spending.keep()
    ((key, change),) = away.changes
    assert "2026-11-22/smpp" == key
    assert {"segments": 3, "results.Accepted": 2} == change["$inc"]


def test_each_gateway_has_its_price_or_the_usual_one() -> None:
    assert Decimal("0.09") == PRICES.cost("smpp", 3)
    assert Decimal("0.135") == PRICES.cost("aliyun", 3)


def test_prices_are_read_from_the_environment() -> None:
    line = Line("127.0.0.1:1", "mongodb://127.0.0.1:1", "unused")
    assert Prices(Decimal("0.045"), {}) == line.settings("notify").prices()
    found = line.settings("notify", price="0.05,smpp=0.038,outbox=0").prices()
    assert Prices(Decimal("0.05"), {"smpp": Decimal("0.038"), "outbox": Decimal(0)}) == found
    for wrong in ("", "free", "0.05;smpp=1", "0.05,smpp", "-1", "0.12345"):
        with pytest.raises(ValidationError):
            line.settings("notify", price=wrong)
