"""The parts that the local system is made of: ports, Java, Maven, broker, database."""

from __future__ import annotations

import pytest
from pymongo import MongoClient

from local.wire import answers

pytestmark = pytest.mark.real


def test_the_broker_answers_when_the_fixture_says_so(broker: str) -> None:
    assert answers(broker)


def test_the_database_answers_when_the_fixture_says_so(mongo: str) -> None:
    with MongoClient[dict[str, object]](mongo) as client:
        assert client.admin.command("ping")["ok"] == 1
