"""Who on the staff is asking: a signed token (JWT) with a role, checked on every endpoint but public ones."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

import jwt
from fastapi import Header, Security
from fastapi.security import HTTPBearer
from pydantic import TypeAdapter, ValidationError

from contracts.bodies import Body
from contracts.fact import Code
from runtime.problems import Problem

LEEWAY_SECONDS: Final = 60
# For the interface description alone: the gate reads the header itself, to say what it lacks.
SCHEME: Final = HTTPBearer(
    scheme_name="staff", bearerFormat="JWT", description="A staff token with one role", auto_error=False
)
# Who and unit stand in facts: codes, never names of people.
_CODE: Final[TypeAdapter[str]] = TypeAdapter(Code)


class Role(StrEnum):
    """What somebody may do; a token carries exactly one."""

    CLERK = "clerk"
    ROUTER = "router"
    MEDIATOR = "mediator"
    LEADER = "leader"
    OPERATOR = "operator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Staff:
    """One member of the staff, as the city's identity provider vouches for him."""

    who: str
    role: Role
    body: Body | None = None
    unit: str | None = None


def ours(sec_fetch_site: Annotated[str, Header(include_in_schema=False)] = "none") -> None:
    """Refuse a form that another site's page sends with our user's rights (a dependency of pages' routes)."""
    if sec_fetch_site not in {"none", "same-origin"}:
        raise Problem(403, "cross-site")


class Gate:
    """Verifies tokens for one service."""

    def __init__(self, key: str) -> None:
        self._key = key

    def read(self, authorization: str) -> Staff:
        """Return who an Authorization header stands for; raises Problem 401 if it stands for nobody.

        Problem 403 if person or unit is no code: both stand in facts, where no name may stand.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Problem(401, "token-missing")
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "sub", "role"]},
            )
            body, unit = claims.get("body"), claims.get("unit")
            role, own = Role(claims["role"]), Body(body) if body else None
        except (jwt.InvalidTokenError, ValueError):
            raise Problem(401, "token-invalid") from None
        try:
            return Staff(
                _CODE.validate_python(claims["sub"]), role, own, _CODE.validate_python(unit) if unit else None
            )
        except ValidationError:
            raise Problem(403, "token-subject-unusable") from None

    def staff(self, *roles: Role) -> Callable[[str], Staff]:
        """Make the dependency that lets only these roles in."""

        def check(
            authorization: Annotated[str, Header(include_in_schema=False)] = "",
            _scheme: Annotated[object, Security(SCHEME)] = None,
        ) -> Staff:
            staff = self.read(authorization)
            if staff.role not in roles:
                raise Problem(403, "role-not-allowed")
            return staff

        return check
