"""What stands in a variable: cut between characters, never read as a template, valid JSON whatever it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify import segments
from services.notify.cloud.aliyun import LONGEST_VARIABLE
from services.notify.cloud.templates import LONGEST, Filled, TemplateError, Templates
from services.notify.sms import Accepted, Fault, NotSent, Refused
from services.notify.wording import cut
from tests.notify.cloud import vendors
from tests.notify.cloud.made import TABLE, aliyun, outbound, table, tencent
from tests.notify.cloud.peer import running

HOSTILE = {
    "brackets": "关于【长沙信访】的事项",
    "aliyun's variable": "${petition}${body}",
    "tencent's variable": "{1}{2}",
    "python's": "%d %(body)s {body}",
    "quotes": '"petition":"x",\'y\'\\',
    "lines": "一\r\n二\n三",
    "NUL": "一\x00二",
    "right to left": "一\u202e二\u200f三",
    "address": "见http://example.org/?a=1&b=%E4",
    "300 characters": "字" * 300,
    "emoji": "😀" * 30,
    "family": "👨‍👩‍👧‍👦" * 9,
    "variant": "葛\U000e0100" * 20,
}


def filled(folder: Path, value: str, **changes: Any) -> Filled | Refused | NotSent:
    """What becomes of a value at Aliyun."""
    templates = Templates("aliyun", table(folder), longest=LONGEST_VARIABLE)
    return templates.fill(outbound(params={"petition": "P1", "body": value}, **changes))


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
async def test_case_16_what_a_person_wrote_stays_a_value(tmp_path: Path, value: str) -> None:
    vendor, other = vendors.Aliyun(), vendors.Tencent()
    message = outbound(params={"petition": "P1", "body": value}, text=f"您反映的事项已转交{value}办理")
    async with running(vendor) as peer, running(other) as second:
        one, two = aliyun(peer.url, tmp_path), tencent(second.url, tmp_path)
        results = [*await one.send([message]), *await two.send([message])]
        asked = vendors.parameters(peer.seen[0].target)
        await one.stop()
        await two.stop()
    assert [Accepted, Accepted] == [type(result) for result in results]
    said = json.loads(asked["TemplateParam"])
    assert {"petition", "body"} == set(said)
    shown = said["body"]
    assert segments.units(shown) <= LONGEST_VARIABLE
    assert not {"\x00", "\r", "\n", "\u202e", "\u200f", "【", "】"} & set(shown)
    assert [f"【长沙信访】您反映的事项P1已转交{shown}办理"] == vendor.shown  # as it stands, not expanded
    assert "P1" == other.asked[0]["TemplateParamSet"][0]
    assert other.asked[0]["TemplateParamSet"][1].startswith(shown.rstrip("…"))


def test_case_16_no_message_is_longer_than_the_vendor_takes(tmp_path: Path) -> None:
    fits = filled(tmp_path, "字", text="字" * (LONGEST - 6))
    assert isinstance(fits, Filled)
    assert 8 == fits.segments
    assert Refused("aliyun.too-long", Fault.CONTENT) == filled(tmp_path, "字", text="字" * (LONGEST - 5))


def test_a_cut_variable_makes_the_message_shorter(tmp_path: Path) -> None:
    fits = filled(tmp_path, "字" * 300, text="字" * 300 + "您反映的事项")
    assert isinstance(fits, Filled)
    assert 1 == fits.segments


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_what_is_shortened_ends_between_characters(text: str) -> None:
    short = cut(text, LONGEST_VARIABLE)
    assert segments.units(short) <= LONGEST_VARIABLE
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


@pytest.mark.parametrize("cluster", ["😀", "👨‍👩‍👧‍👦", "葛\U000e0100", "é", "👍🏽"])
@pytest.mark.parametrize("before", range(28, 35))
def test_a_cut_falls_into_no_character(cluster: str, before: int) -> None:
    short = cut("字" * before + cluster + "字" * 10, LONGEST_VARIABLE)
    kept = short.removesuffix("…").strip("字")
    assert kept in {"", cluster}


def test_an_empty_variable_has_something_to_stand_for_it(tmp_path: Path) -> None:
    result = filled(tmp_path, " \u200b")
    assert isinstance(result, Filled)
    assert ("body", "承办单位") == result.variables[1]
    bare = Templates("aliyun", table(tmp_path, TABLE.format(code="1").replace("instead", "#")), longest=35)
    assert Refused("aliyun.variable-empty", Fault.PARAMETER) == bare.fill(
        outbound(params={"petition": "P1", "body": ""})
    )


def test_a_variable_that_our_text_does_not_have_keeps_the_message_here(tmp_path: Path) -> None:
    templates = Templates("aliyun", table(tmp_path), longest=35)
    assert NotSent("aliyun.template-unmapped") == templates.fill(outbound(params={"petition": "P1"}))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("x", "Expected"),
        ("[[template]]\ntemplate = 'a'", "version"),
        (TABLE.format(code="1") * 2, "elsewhere"),
        (TABLE.format(code="1") + TABLE.format(code="1").partition("]\n")[2], "twice"),
        (TABLE.format(code="1").replace('"case-rated"', '"routed"'), "elsewhere"),
        (
            TABLE.format(code="1").replace('["petition", "body"]', '["body", "body"]'),
            "names a variable twice",
        ),
        (TABLE.format(code="1").replace('["petition", "body"]', '["petition"]'), "which is no variable"),
        (TABLE.format(code="1 2"), "code"),
    ],
)
def test_a_wrong_table_is_told_when_notify_starts(tmp_path: Path, fault: str, told: str) -> None:
    path = table(tmp_path, fault)
    with pytest.raises(TemplateError, match=f"(?s)templates.toml.*({told})"):
        Templates("aliyun", path, longest=35)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"gone\.toml"):
        Templates("aliyun", tmp_path / "gone.toml", longest=35)
