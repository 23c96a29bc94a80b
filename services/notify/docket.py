"""All that notify knows of one petition: its own messages, the numbers to reach, and the others' facts."""

from dataclasses import dataclass

from contracts.identity import PetitionId
from contracts.topics import INTAKE, MEDIATION, NOTIFY, ROUTING
from services.notify.messages import Messages, number_of
from services.notify.stories import Contact, Story


@dataclass(frozen=True, slots=True)
class Docket:
    """The parts of one petition."""

    petition: PetitionId
    own: Messages
    dossier: Contact
    intake: Story
    routing: Story
    mediation: Story

    def values(self, cause: str) -> dict[str, str] | None:
        """Return what the fact of this message id offers to a text; None if it was not heard."""
        topic = cause.partition("/")[0]
        if topic == NOTIFY.name:
            return {}
        stories = {INTAKE.name: self.intake, ROUTING.name: self.routing, MEDIATION.name: self.mediation}
        return stories.get(topic, Story()).values(number_of(cause))
