"""What intake states on `petition-intake-v1`: the petition's arrival and what the petitioner does later."""

from typing import ClassVar

from pydantic import Field

from contracts.fact import AreaCode, Code, Count, Fact, GridCode, Moment, Sha256
from contracts.kinds import Channel
from contracts.topics import INTAKE, Topic


class PetitionRegistered(Fact):
    """登记: the petition is in the one system (Regulations art. 21).

    `dossier_sha256` is the SHA-256 of the dossier message's `data` bytes; `request` is a keyed hash of the
    Idempotency-Key, so that one request never makes two petitions; `tell_by` is 15 days on (art. 22). A
    place that is known down to its `grid` has the community of that grid as its `area`.
    """

    TYPE: ClassVar[str] = "cn.petition.intake.PetitionRegistered.v1"
    TOPIC: ClassVar[Topic] = INTAKE

    channel: Channel
    area: AreaCode | None = None
    signatories: Count = 1
    first_receiver: Code
    dossier_sha256: Sha256
    request: Sha256
    payload: Sha256
    tell_by: Moment
    grid: GridCode | None = None


class PetitionAccepted(Fact):
    """受理: the petition is taken up; handling ends by `due`, 60 days on (Regulations art. 34)."""

    TYPE: ClassVar[str] = "cn.petition.intake.PetitionAccepted.v1"
    TOPIC: ClassVar[Topic] = INTAKE

    due: Moment


class PetitionSupplemented(Fact):
    """补充: the petitioner added to what he wrote; no clock begins anew. `number` counts from 1.

    `dossier_sha256` is the SHA-256 of the `data` bytes of the dossier message that holds the whole text now;
    `request` is a keyed hash of the Idempotency-Key, so that one request adds once.
    """

    TYPE: ClassVar[str] = "cn.petition.intake.PetitionSupplemented.v1"
    TOPIC: ClassVar[Topic] = INTAKE

    number: Count
    dossier_sha256: Sha256
    request: Sha256


class PetitionRated(Fact):
    """评价: the petitioner says how satisfied he is, 1 (not at all) to 5 (very)."""

    TYPE: ClassVar[str] = "cn.petition.intake.PetitionRated.v1"
    TOPIC: ClassVar[Topic] = INTAKE

    score: int = Field(ge=1, le=5)


class DossierRead(Fact):
    """Somebody on the staff read the personal part; every reading is a fact."""

    TYPE: ClassVar[str] = "cn.petition.intake.DossierRead.v1"
    TOPIC: ClassVar[Topic] = INTAKE

    reader: Code
    role: Code
    body: Code | None = None
    why: Code
