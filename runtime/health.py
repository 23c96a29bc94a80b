"""Whether this process lives and whether it can take work, for orchestrators and for people."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from runtime.consume import Batches
from runtime.publish import Publisher
from runtime.settings import ServiceSettings
from runtime.store import DatabaseError, Store


@dataclass
class Health:
    """Answers /livez and /readyz; `reasons` is empty when all is well."""

    settings: ServiceSettings
    store: Store
    publisher: Publisher
    batches: Batches
    listening: Callable[[], bool]
    failed: str = ""
    started: bool = False
    more: Callable[[], Awaitable[list[str]]] | None = None

    def alive(self) -> bool:
        """Whether the process should go on; if not, restart it."""
        return not self.failed

    async def reasons(self) -> list[str]:
        """Return why the service is not ready, each with what to look at."""
        found = []
        if self.failed:
            found.append(f"stopped: {self.failed}; see the log, restart after the fix")
        if not self.started:
            found.append("starting: connections are being made")
            return found
        if not self.publisher.healthy:
            found.append("broker: facts cannot be published; is Kafka up and reachable?")
        if not self.listening():
            found.append("consumer: no member of its group yet; is Kafka up, do the topics exist?")
        limit = self.settings.unpublished_limit.total_seconds()
        if (age := self.batches.flush.oldest_unpublished()) > limit:
            found.append(
                f"unpublished: the oldest fact waits for {age:.0f} s (limit {limit:.0f} s); is Kafka up?"
            )
        try:
            await self.store.ping()
        except DatabaseError:
            found.append("database: no answer; is MongoDB up and reachable?")
        if self.more is not None:
            found.extend(await self.more())
        return found
