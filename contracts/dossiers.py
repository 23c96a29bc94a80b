"""The personal part of a petition, written by intake to `petition-dossiers-v1` and to no other topic."""

from typing import ClassVar

from pydantic import Field

from contracts.fact import Fact, FreeText, Sha256
from contracts.topics import DOSSIERS, Topic


class DossierSaved(Fact):
    """The whole personal part as it stands now: who asks, how to reach them, what they wrote.

    The salted hash of the query code lives here and not in a public topic, although without intake's
    secret it is of no use.
    """

    TYPE: ClassVar[str] = "cn.petition.dossiers.DossierSaved.v1"
    TOPIC: ClassVar[Topic] = DOSSIERS

    name: FreeText = Field(min_length=1, max_length=100)
    phone: FreeText = Field(min_length=1, max_length=40)
    title: FreeText = Field(min_length=1, max_length=200)
    content: FreeText = Field(min_length=1, max_length=20_000)
    code_salt: str = Field(max_length=64)
    code_hash: Sha256
