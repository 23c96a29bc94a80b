"""What every fact has in common; the base of all models in this package."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from contracts.topics import Topic


class Fact(BaseModel):
    """Something that happened to one petition, in the past tense; codes, ids, numbers and times only.

    `at` is when it happened and equals the envelope's `time`, so that folding needs nothing but the fact.
    Unknown fields are ignored: old readers accept new facts.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    TOPIC: ClassVar[Topic]

    at: AwareDatetime


def _no_control(text: str) -> str:
    if any(c < " " and c not in "\n\t" for c in text) or "\x7f" in text:
        raise ValueError("control characters are not allowed")
    return text


Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FreeText = Annotated[str, AfterValidator(_no_control)]
