"""The rules that hold just now; made anew when a gateway fails or recovers, or the staff changes."""

from dataclasses import dataclass, replace

from services.notify.rules import Rules
from services.notify.staff import Directory


@dataclass
class Standing:
    """Whoever decides asks for `rules` each time, and decides by that one value."""

    rules: Rules

    def close(self, gateways: frozenset[str]) -> None:
        """Say which gateways take nothing just now."""
        self.rules = replace(self.rules, closed=gateways)

    def staff(self, directory: Directory) -> None:
        """Say how the staff can be reached."""
        if directory is not self.rules.staff:
            self.rules = replace(self.rules, staff=directory)
