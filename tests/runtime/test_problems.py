"""Errors name the field and what to do, in Chinese, and never say back what was sent."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from contracts.kinds import Channel
from runtime import problems
from runtime.problems import FieldError, Problem, field_errors


class Person(BaseModel):
    """A form inside the form."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=2, max_length=5)


class Form(BaseModel):
    """One field of each kind that can be wrong."""

    title: str = Field(min_length=2, max_length=5, pattern=r"^[a-z]*$")
    count: int = Field(ge=1, le=3)
    channel: Channel
    answer: Literal["yes", "no"]
    person: Person
    sure: bool
    area: str

    @field_validator("area")
    @classmethod
    def _known(cls, area: str) -> str:
        if area == "plain":
            raise ValueError(f"no {area}")
        if area != "430102":
            raise FieldError("没有这个区域代码")
        return area


MARK = "MARKER13800138000"


def errors_of(given: Any) -> list[dict[str, str]]:
    with pytest.raises(ValidationError) as error:
        Form.model_validate(given)
    return field_errors([{**e, "loc": ("body", *e["loc"])} for e in error.value.errors()])


def test_each_field_has_its_words() -> None:
    found = errors_of(
        {
            "title": "abcdefg",
            "count": 9,
            "channel": MARK,
            "answer": MARK,
            "person": {},
            "sure": MARK,
            "area": MARK,
        }
    )
    assert {
        "title": "太长了，最多 5 个字",
        "count": "数值太大",
        "channel": "不是允许的取值",
        "answer": "不是允许的取值",
        "person.name": "必填，请填写",
        "sure": "内容不符合要求",
        "area": "没有这个区域代码",
    } == {error["field"]: error["message"] for error in found}


def test_words_of_a_validator_that_were_not_meant_for_readers_are_left_out() -> None:
    found = errors_of({"area": "plain"})
    assert ["内容不符合要求"] == [error["message"] for error in found if error["field"] == "area"]


def test_a_body_that_is_no_object_is_named_as_the_body() -> None:
    assert [{"field": "body", "message": "应当是一个对象"}] == errors_of([MARK])


JSON = st.recursive(
    st.sampled_from([MARK, 13800138000, 13.8, None, True, "", MARK * 9]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "x"]), inner),
    max_leaves=4,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(Form.model_fields, JSON)))
def test_no_value_is_ever_said_back(sent: dict[str, Any]) -> None:
    try:
        Form.model_validate(sent)
    except ValidationError as error:
        said = str(field_errors(list(error.errors())))
        assert MARK not in said
        assert "13800138000" not in said
        assert "13.8" not in said


def test_a_field_name_that_nobody_knows_is_not_said_back() -> None:
    found = errors_of({"person": {"name": "abc", MARK: 1}})
    assert {"不认识的字段"} == {e["message"] for e in found if e["field"].startswith("person")}
    assert MARK not in str(found)


def test_every_code_of_the_runtime_has_a_title_and_a_next_step() -> None:
    for code, (title, step) in problems.WORDS.items():
        document = Problem(400, code).document()
        assert (title, step, code, 400) == tuple(document[k] for k in ("title", "detail", "code", "status"))
        assert f"urn:petition-bridge:problem:{code}" == document["type"]
        assert title
        assert step.endswith("。")


def test_an_answer_says_how_to_go_on_to_programs_too() -> None:
    headers = Problem(503, "unavailable", retry_after=7).headers()
    assert ("7", "no-store") == (headers["Retry-After"], headers["Cache-Control"])
    assert "Bearer" == Problem(401, "token-missing").headers()["WWW-Authenticate"]
    assert "WWW-Authenticate" not in Problem(403, "role-not-allowed").headers()
