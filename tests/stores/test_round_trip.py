"""Every part of every service comes back from the database as it was, whatever it held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.identity import PetitionId, make
from runtime.consume import guarded
from runtime.draft import Draft
from runtime.record import Mark, empty, from_document, to_document
from runtime.service import Service
from runtime.store import Store
from tests.runtime.toy import NOW, petition
from tests.stores.every_value import values
from tests.stores.services import SERVICES

AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


def parts(service: Service[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({part.name: values(part.state) for part in service.parts})


def same(expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Equal, and of the very types: a code that came back as text would be equal too."""
    assert expected == found
    for name, part in expected.items():
        # The driver has its own name for UTC.
        text = repr(found[name]).replace("FixedOffset(datetime.timedelta(0), 'UTC')", "datetime.timezone.utc")
        assert repr(part) == text


@pytest.mark.parametrize("name", SERVICES)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_parts_survive_their_stored_form(name: str, data: st.DataObject) -> None:
    service = SERVICES[name]
    drawn = data.draw(parts(service))
    document = {
        "_id": petition(),
        "version": 1,
        "parts": {part: to_document(value) for part, value in drawn.items()},
    }
    stored = bson.decode(bson.encode(document), codec_options=AWARE)
    same(drawn, from_document(stored, service).parts)


@pytest.mark.real
@pytest.mark.parametrize("name", SERVICES)
async def test_parts_survive_the_database(name: str, open_store: Callable[[Service[Any]], Store]) -> None:
    service = replace(SERVICES[name], wake=lambda _docket: None, indexes=())
    store = open_store(service)
    drawn: dict[PetitionId, dict[str, Any]] = {}

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(parts(service))
    def collect(found: dict[str, Any]) -> None:
        drawn[make(NOW, len(drawn))] = found

    collect()
    drafts = []
    for of, found in drawn.items():
        draft = Draft(empty(of, service), service, guarded)
        draft.parts, draft.marks = found, {"own": Mark(1, "0" * 64)}
        drafts.append(draft)
    assert {} == await store.save(drafts)
    for of, record in (await store.load(drawn)).items():
        same(drawn[of], record.parts)


def test_a_part_that_the_stored_docket_lacks_is_empty() -> None:
    service = SERVICES["intake"]
    record = from_document({"_id": petition(), "version": 3}, service)
    assert {part.name: part.state() for part in service.parts} == record.parts


def test_a_field_that_an_older_release_has_not_stored_has_its_default() -> None:
    service = SERVICES["mediation"]
    stored = {"_id": petition(), "version": 1, "parts": {"own": {"body": "labor"}}}
    own = from_document(stored, service).parts["own"]
    assert ("labor", None, ()) == (own.body, own.state, own.overdue)


def test_a_field_of_a_newer_release_is_left_aside() -> None:
    service = SERVICES["mediation"]
    stored = {"_id": petition(), "version": 1, "parts": {"own": {"body": "labor", "later": [1]}}}
    assert "labor" == from_document(stored, service).parts["own"].body
