"""Only a token that the identity provider signed, that is not over and names a known role opens the gate."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from contracts.bodies import Body
from runtime.access import LEEWAY_SECONDS, Gate, Role, Staff
from runtime.problems import Problem

KEY = "a-key-of-the-test-0123456789-0123456789"
LATER = int(datetime(2199, 1, 1, tzinfo=UTC).timestamp())
EARLIER = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
CLAIMS = {"sub": "staff-1", "role": "mediator", "body": "labor", "unit": "u-1", "exp": LATER}


def bearer(claims: dict[str, Any], key: str = KEY, algorithm: str = "HS256") -> str:
    return f"Bearer {jwt.encode(claims, key, algorithm=algorithm)}"


def unsigned(claims: str) -> str:
    """A token that says of itself that it needs no signature."""
    parts = (
        base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in ('{"alg":"none"}', claims)
    )
    return f"Bearer {'.'.join(parts)}."


def refused(authorization: str) -> tuple[int, str]:
    with pytest.raises(Problem) as problem:
        Gate(KEY).read(authorization)
    return problem.value.status, problem.value.code


def test_a_good_token_says_who_asks() -> None:
    expected = Staff("staff-1", Role.MEDIATOR, Body.LABOR, "u-1")
    assert expected == Gate(KEY).read(bearer(CLAIMS))
    assert expected == Gate(KEY).read(bearer(CLAIMS).replace("Bearer", "bearer"))


def test_staff_of_no_body_has_none() -> None:
    claims = {"sub": "staff-1", "role": "clerk", "exp": LATER}
    assert Staff("staff-1", Role.CLERK) == Gate(KEY).read(bearer(claims))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", jwt.encode(CLAIMS, KEY)])
def test_without_a_token_the_asker_is_told_that_one_is_needed(header: str) -> None:
    assert (401, "token-missing") == refused(header)


@pytest.mark.parametrize(
    "header",
    [
        bearer({**CLAIMS, "exp": EARLIER}),
        bearer({**CLAIMS, "nbf": LATER}),
        bearer(CLAIMS, key="another-key-0123456789-0123456789-0123456789"),
        bearer(CLAIMS, algorithm="HS512", key=KEY * 2),
        bearer(CLAIMS, algorithm="HS384", key=KEY * 2),
        unsigned('{"sub":"staff-1","role":"leader","exp":4102444800}'),
        *(bearer({k: v for k, v in CLAIMS.items() if k != gone}) for gone in ("exp", "sub", "role")),
        bearer({**CLAIMS, "role": "king"}),
        bearer({**CLAIMS, "role": ["leader", "mediator"]}),
        bearer({**CLAIMS, "body": "no-body"}),
        bearer({**CLAIMS, "body": {"labor": 1}}),
        bearer({**CLAIMS, "sub": 7}),
        bearer(CLAIMS)[:-2],
        "Bearer a.b.c",
        "Bearer \xff",
    ],
)
def test_a_token_that_is_over_forged_or_incomplete_is_refused_without_a_reason(header: str) -> None:
    assert (401, "token-invalid") == refused(header)


def test_a_clock_that_is_a_little_off_shuts_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        @staticmethod
        def now(tz: Any = None) -> datetime:
            return datetime.fromtimestamp(LATER + LEEWAY_SECONDS - 5 + after, tz)

    monkeypatch.setattr(jwt.api_jwt, "datetime", Clock)
    after = 0
    assert Role.MEDIATOR is Gate(KEY).read(bearer(CLAIMS)).role
    after = 10
    assert (401, "token-invalid") == refused(bearer(CLAIMS))


@pytest.mark.parametrize("role", Role)
def test_each_door_opens_to_its_own_roles_only(role: Role) -> None:
    check = Gate(KEY).staff(Role.LEADER, Role.AUDITOR)
    header = bearer({**CLAIMS, "role": role})
    if role in {Role.LEADER, Role.AUDITOR}:
        assert role is check(header).role
        return
    with pytest.raises(Problem) as problem:
        check(header)
    assert (403, "role-not-allowed") == (problem.value.status, problem.value.code)
