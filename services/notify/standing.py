"""The rules that hold just now; made anew when a gateway fails or recovers, or the staff changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.notify.rules import Rules


@dataclass
class Standing:
    """Whoever decides asks for `rules` each time, and decides by that one value."""

    rules: Rules

    def close(self, gateways: frozenset[str]) -> None:
        """Say which gateways take nothing just now."""
        self.rules = replace(self.rules, closed=gateways)

    def staff(self, numbers: Mapping[str, str], superiors: Mapping[str, str]) -> None:
        """Say how the staff can be reached."""
        self.rules = replace(self.rules, staff=numbers, superiors=superiors)
