"""What every fact has in common; the base of all models in this package."""

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from contracts.topics import Topic

# Bounds that every reader can store: BSON has 64-bit integers and no year 0, and one number or time beyond
# them would stop the whole batch that it comes in.
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
MOST: Final = 2_147_483_647


Moment = Annotated[AwareDatetime, Field(ge=_EARLIEST, lt=_LATEST)]


class Fact(BaseModel):
    """Something that happened to one petition, in the past tense; codes, ids, numbers and times only.

    `at` is when it happened and equals the envelope's `time`, so that folding needs nothing but the fact.
    Unknown fields are ignored: old readers accept new facts.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    TOPIC: ClassVar[Topic]

    at: Moment

    def data(self) -> bytes:
        """Return the bytes that stand as `data` in the message; what is absent is left out."""
        return self.model_dump_json(exclude_none=True).encode()


# All but tab and line feed; the published schema has the same pattern.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _no_control(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    return text


Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
AreaCode = Annotated[str, Field(pattern=r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$")]
# Beside an `area`, which readers of the first release take to end at the community.
GridCode = Annotated[str, Field(pattern=r"^[0-9]{14,17}$")]
Count = Annotated[int, Field(ge=1, le=MOST)]
FreeText = Annotated[
    str,
    AfterValidator(_no_control),
    Field(json_schema_extra={"pattern": r"^[^\x00-\x08\x0b-\x1f\x7f]*$"}),
]
