"""Which of our texts is which approved template of a vendor, and what its variables are filled with.

The table is the operator's (TOML); a variable is cut to what the vendor takes and never read as a template.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.notify import segments
from services.notify.sms import Fault, NotSent, Outbound, Refused
from services.notify.wording import clean, cut

log = structlog.get_logger()

# Both vendors refuse what is longer, signature included.
LONGEST: Final = 500


class TemplateError(ValueError):
    """The table is wrong; the message says where."""


class _Row(BaseModel):
    """`variables` in the vendor's order; `instead` is what stands for a variable that is empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    template: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,20}$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    variables: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], ...] = ()
    instead: dict[str, Annotated[str, Field(min_length=1)]] = {}


class _Table(BaseModel):
    """`elsewhere` names templates that this vendor did not approve: they are sent another way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    template: tuple[_Row, ...] = ()
    elsewhere: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Filled:
    """A vendor's template with its variables in order, and how many segments it will take."""

    code: str
    variables: tuple[tuple[str, str], ...]
    segments: int


class Templates:
    """The table of one vendor; `longest` is the most UTF-16 units of a variable."""

    def __init__(self, gateway: str, path: Path, *, longest: int) -> None:
        self._gateway, self._longest = gateway, longest
        try:
            table = _Table.model_validate(tomllib.loads(path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
            raise TemplateError(f"{path}: {error}") from error
        self._rows = {(row.template, row.version): row for row in table.template}
        self._elsewhere = table.elsewhere
        faults = []
        if len(self._rows) < len(table.template):
            faults.append("a template has the same version twice")
        for row in table.template:
            if row.template in table.elsewhere:
                faults.append(f"{row.template} is mapped and also named in `elsewhere`")
            if len(set(row.variables)) < len(row.variables):
                faults.append(f"{row.template} names a variable twice")
            faults += [
                f"{row.template}: `instead` for {name}, which is no variable"
                for name in sorted(set(row.instead) - set(row.variables))
            ]
        if faults:
            raise TemplateError(f"{path}: " + "; ".join(faults))

    def fill(self, message: Outbound) -> Filled | Refused | NotSent:
        """Find the vendor's template and cut its variables.

        What is wrong with one template says nothing about the gateway, so it stops no other message: NotSent.
        """
        if message.template in self._elsewhere:
            return NotSent(f"{self._gateway}.template-elsewhere")
        row = self._rows.get((message.template, message.version))
        if row is None or not set(row.variables) <= set(message.params):
            log.error("template_left_out", gateway=self._gateway, template=message.template)
            return NotSent(f"{self._gateway}.template-unmapped")
        signed = segments.units(f"【{message.sign}】{message.text}")
        filled = []
        for name in row.variables:
            value = cut(clean(message.params[name]) or row.instead.get(name, ""), self._longest)
            if not value:
                return Refused(f"{self._gateway}.variable-empty", Fault.PARAMETER)
            signed += segments.units(value) - segments.units(message.params[name])
            filled.append((name, value))
        if signed > LONGEST:
            return Refused(f"{self._gateway}.too-long", Fault.CONTENT)
        count = 1 if signed <= segments.ALONE else -(-signed // segments.JOINED)
        return Filled(row.code, tuple(filled), count)
