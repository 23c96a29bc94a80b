"""What intake hears: the other services' facts, for the story. It folds them and states nothing on them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from contracts.fact import Fact
from runtime.service import Heard
from services.intake.domain import Docket

HEARS: Final[Mapping[type[Fact], Callable[[Docket, Heard[Any], datetime], Sequence[Fact]]]] = {}
