"""What mediation reads from its environment, once; the first thing on the way, before any fact comes."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from contracts.workdays import read, shipped
from runtime.settings import ServiceSettings
from services.mediation.deadlines import ACCEPT_WITHIN, RETURN_WORKDAYS, REVIEW_WITHIN, Terms


class Settings(ServiceSettings):
    """Mediation's environment (`MEDIATION_…`); a number of days is given as `P15D`."""

    model_config = SettingsConfigDict(
        env_prefix="MEDIATION_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    accept_within: timedelta = Field(
        default=ACCEPT_WITHIN, gt=timedelta(0), description="transfer to acceptance by the body (art. 23)"
    )
    review_within: timedelta = Field(
        default=REVIEW_WITHIN, gt=timedelta(0), description="answer to the last day for a review (art. 35)"
    )

    return_workdays: int = Field(
        default=RETURN_WORKDAYS, ge=1, le=60, description="working days for a body to object (art. 23)"
    )
    workdays: Path | None = Field(
        default=None, description="a file with holidays of years that the shipped calendar lacks"
    )

    def terms(self) -> Terms:
        """Return the terms that decisions count with; raises WorkdaysError for a file that cannot be used."""
        return Terms(
            accept=self.accept_within,
            review=self.review_within,
            return_workdays=self.return_workdays,
            workdays=read(self.workdays) if self.workdays else shipped(),
        )
