"""What a record must say to be believed: its key, its topic and its contents agree."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import ConsumerRecord

from contracts.envelope import UndecodableError
from contracts.topics import DOSSIERS, INTAKE, ROUTING, Topic
from runtime.listen import _understand
from tests.runtime import toy
from tests.runtime.toy import Streams, petition

GOOD = Streams().write(toy.rated()).value


def record(value: bytes | None, key: bytes | None = petition().encode()) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord("", 3, 7, 0, 0, key, value, None, 0, 0, ())


def refused(found: ConsumerRecord[Any, Any], topic: Topic = INTAKE) -> str:
    with pytest.raises(UndecodableError) as error:
        _understand(found, topic)
    return error.value.reason


def test_a_message_in_its_place_is_understood() -> None:
    of, message = _understand(record(GOOD), INTAKE)
    assert petition() == of
    assert message is not None
    assert toy.rated() == message.fact


@pytest.mark.parametrize("key", [None, b"", petition(2).encode(), petition().lower().encode(), b"\xff"])
def test_a_message_under_another_petitions_key_is_not_believed(key: bytes | None) -> None:
    assert "key" == refused(record(GOOD, key))


def test_a_fact_on_a_topic_that_is_not_its_own_is_not_believed() -> None:
    assert "topic" == refused(record(GOOD), ROUTING)


def test_a_type_that_is_not_known_is_kept_for_a_newer_release() -> None:
    assert GOOD is not None
    newer = GOOD.replace(b"PetitionRated.v1", b"PetitionRated.v9")
    of, message = _understand(record(newer), INTAKE)
    assert petition() == of
    assert message is not None
    assert message.fact is None


@pytest.mark.parametrize("value", [b"", b"null", b"{}", b"\xff\x00", b"[" * 100_000])
def test_what_is_no_message_is_refused_with_a_code(value: bytes) -> None:
    assert "envelope" == refused(record(value))


def test_a_null_value_on_a_compacted_topic_erases_the_petition_of_its_key() -> None:
    assert (petition(), None) == _understand(record(None), DOSSIERS)


@pytest.mark.parametrize("key", [None, b"", b"\xff", "张三".encode(), petition().lower().encode()])
def test_a_null_value_without_a_petition_as_its_key_erases_nothing(key: bytes | None) -> None:
    assert "null" == refused(record(None, key), DOSSIERS)


def test_a_null_value_where_nothing_can_be_erased_is_no_message() -> None:
    assert "null" == refused(record(None), INTAKE)
