"""Topics, bodies, domains and areas: the numbers that the city and the design fix, and who may do what."""

from datetime import timedelta

import pytest

from contracts import areas, domains, topics
from contracts.bodies import Body, catalogue
from contracts.topics import ALL_TOPICS, BODY_TOPICS, DEAD_LETTERS, DOSSIERS, FACT_TOPICS, SERVICES, Topic


def test_there_are_exactly_fifteen_body_topics_named_after_the_bodies() -> None:
    assert len(BODY_TOPICS) == len(Body) == 15
    assert {topic.name for topic in BODY_TOPICS.values()} == {f"body-{body.value}-v1" for body in Body}
    assert {topic.writer for topic in BODY_TOPICS.values()} == {"mediation"}
    for body, topic in BODY_TOPICS.items():
        assert topic.readers == (f"body-{body.value}", "audit")


def test_personal_data_is_written_by_intake_for_routing_and_notify_and_by_nobody_else() -> None:
    personal = {topic for topic in ALL_TOPICS if topic.personal}
    assert personal == {DOSSIERS, *DEAD_LETTERS.values()}
    assert (DOSSIERS.writer, DOSSIERS.readers) == ("intake", ("routing", "notify"))
    for topic in DEAD_LETTERS.values():
        assert topic.readers == ("operations",)
        assert topic.retention is not None
        assert topic.retention <= timedelta(days=31)


def test_only_the_dossiers_are_compacted_and_facts_are_kept_for_ever() -> None:
    assert [topic for topic in ALL_TOPICS if topic.compact] == [DOSSIERS]
    assert all(topic.retention is None for topic in FACT_TOPICS)
    assert topics.settings(DOSSIERS)["cleanup.policy"] == "compact"
    assert topics.settings(topics.INTAKE) == {"cleanup.policy": "delete", "retention.ms": "-1"}
    assert topics.settings(DEAD_LETTERS["intake"])["retention.ms"] == str(14 * 86_400_000)


@pytest.mark.parametrize("topic", ALL_TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_a_known_writer_readers_and_a_version(topic: Topic) -> None:
    assert topic.writer in {*SERVICES, "notary"}
    assert topic.readers
    assert topic.name.endswith("-v1")
    assert topic.partitions >= 1
    assert set(topic.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_topics_have_different_names_and_each_service_its_dead_letters() -> None:
    assert len({topic.name for topic in ALL_TOPICS}) == len(ALL_TOPICS)
    assert set(DEAD_LETTERS) == set(SERVICES)


def test_access_rights_give_every_topic_one_writer_and_the_dossiers_two_readers() -> None:
    rights = topics.access_rights("p-")
    writers = [(topic, who) for who, topic, may in rights if may == "WRITE"]
    assert writers == [(f"p-{topic.name}", topic.writer) for topic in ALL_TOPICS]
    assert {who for who, topic, may in rights if topic == f"p-{DOSSIERS.name}" and may == "READ"} == {
        "routing",
        "notify",
    }
    assert len(set(rights)) == len(rights)


def test_the_catalogue_has_each_of_the_fifteen_bodies_once_with_what_people_need() -> None:
    entries = catalogue().entries
    assert set(entries) == set(Body)
    assert len({entry.name for entry in entries.values()}) == 15
    for body, entry in entries.items():
        assert entry.code == body
        assert catalogue().name(body) == entry.name
        assert all((entry.name, entry.takes, entry.phone, entry.hours))


def test_there_are_nineteen_domains_and_each_has_a_name() -> None:
    assert len(domains.Domain) == 19
    assert set(domains.NAMES) == set(domains.Domain)
    assert len(set(domains.NAMES.values())) == 19


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("430100", True),
        ("430102", True),
        ("430102001", True),
        ("430102001003", True),
        ("430199", False),
        ("110101", False),
        ("4301", False),
        ("43010200", False),
        ("430102001003004", True),
        ("43010200100301", True),
        ("43010200100300001", True),
        ("4301020010030", False),
        ("430102001003000012", False),
        ("４３０１０２", False),
        ("430102\n", False),
        ("", False),
    ],
)
def test_an_area_is_a_district_of_the_city_or_lies_in_one(code: str, known: bool) -> None:
    assert areas.is_area(code) is known
    if known:
        assert areas.name(code) == areas.NAMES[code[:6]]


def test_there_are_the_city_and_its_nine_districts_and_counties() -> None:
    assert len(areas.NAMES) == 10
    assert areas.NAMES[areas.CITY] == "长沙市"
