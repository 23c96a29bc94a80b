"""The personal part of a petition, written by intake to `petition-dossiers-v1` and to no other topic."""

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from contracts.fact import Fact, FreeText, Sha256
from contracts.topics import DOSSIERS, Topic


class Role(StrEnum):
    """Who else stands behind a petition: those who speak for a group (art. 20), and those who signed."""

    REPRESENTATIVE = "representative"
    CO_SIGNER = "co-signer"


class Person(BaseModel):
    """One person beside the petitioner; `key` (`r1`, `c2`) is his for good, whoever comes or goes later."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str = Field(pattern=r"^[rc][1-9][0-9]{0,3}$")
    role: Role
    name: FreeText = Field(min_length=1, max_length=100)
    phone: FreeText = Field(min_length=1, max_length=40)


class DossierSaved(Fact):
    """The whole personal part as it stands now: who asks, how to reach them, what they wrote.

    The salted hash of the query code lives here and not in a public topic, although without intake's
    secret it is of no use. `others` are at most 5 representatives (Regulations art. 20) and those who signed
    and can be reached; absent where there is nobody.
    """

    TYPE: ClassVar[str] = "cn.petition.dossiers.DossierSaved.v1"
    TOPIC: ClassVar[Topic] = DOSSIERS

    name: FreeText = Field(min_length=1, max_length=100)
    phone: FreeText = Field(min_length=1, max_length=40)
    title: FreeText = Field(min_length=1, max_length=200)
    content: FreeText = Field(min_length=1, max_length=20_000)
    code_salt: str = Field(max_length=64)
    code_hash: Sha256
    others: tuple[Person, ...] | None = Field(default=None, max_length=1000)
