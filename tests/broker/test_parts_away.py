"""The broker or the database is killed under a service: what it acknowledged survives, others are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from local import kafka, mongod, ports
from local.broker import Choice
from local.supervisor import Child, Supervisor
from local.wire import answers
from runtime.process import Process
from tests.broker.test_intake_line import PETITION, chain_is_whole
from tests.broker.test_killed import distinct
from tests.eventually import eventually
from tests.line import Line

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]


class Parts:
    """A broker and a database of the test's own, to be killed and started again on their data."""

    def __init__(self, supervisor: Supervisor, directory: Path) -> None:
        self._supervisor, self._directory = supervisor, directory
        self._ports = [ports.free() for _ in range(3)]
        self.broker, self.mongo = f"127.0.0.1:{self._ports[0]}", f"mongodb://127.0.0.1:{self._ports[2]}"

    def start_broker(self) -> Child:
        """Start Apache Kafka and wait until it answers."""
        _, child = kafka.start(
            self._supervisor, self._directory / "kafka", port=self._ports[0], controller_port=self._ports[1]
        )
        self._supervisor.wait_until(lambda: answers(self.broker), what="answer", child=child)
        return child

    def start_database(self) -> Child:
        """Start mongod and wait until it serves."""
        _, child = mongod.start(self._supervisor, self._directory / "mongod", port=self._ports[2])
        self._supervisor.wait_until(lambda: mongod.serves_locally(self._ports[2]), what="serve", child=child)
        return child

    def crash(self, child: Child) -> None:
        """End one with SIGKILL."""
        child.kill()
        self._supervisor.forget(child)


@contextmanager
def parts(directory: Path) -> Iterator[Parts]:
    """Both, stopped at the end."""
    with Supervisor(directory / "logs") as supervisor:
        yield Parts(supervisor, directory)


@pytest.fixture(autouse=True)
def _kafka_only(broker_choice: Choice) -> None:
    if broker_choice.kind != "kafka":
        pytest.skip(f"about Apache Kafka, and BROKER chose {broker_choice.kind}")


async def submit(client: httpx.AsyncClient, key: str) -> httpx.Response:
    """Submit a petition under a key."""
    return await client.post("/petitions", json=PETITION, headers={"Idempotency-Key": key})


async def not_ready(client: httpx.AsyncClient, word: str) -> bool:
    """Whether /readyz says no and names the part."""
    answer = await client.get("/readyz")
    return answer.status_code == 503 and word in answer.text


async def ready(client: httpx.AsyncClient) -> bool:
    """Whether /readyz says yes."""
    return (await client.get("/readyz")).status_code == 200


async def test_petitions_taken_while_the_broker_is_dead_are_published_when_it_is_back(tmp_path: Path) -> None:
    with parts(tmp_path) as own:
        broker = own.start_broker()
        own.start_database()
        line = Line(own.broker, own.mongo, str(tmp_path / "outbox"))
        await line.provide()
        limit = {"unpublished_limit": timedelta(seconds=2)}
        async with line.running("intake", changes=limit) as (_, client):
            answers_given = [await submit(client, "before")]
            own.crash(broker)
            answers_given += [await submit(client, f"during-{n}") for n in range(10)]
            # Back-pressure: what cannot be published is not taken for ever.
            await eventually(lambda: not_ready(client, "unpublished"), deadline=40)
            refused = await submit(client, "refused")
            assert (503, "unavailable") == (refused.status_code, refused.json()["code"])
            own.start_broker()
            await eventually(lambda: ready(client), deadline=60)
            answers_given.append(await submit(client, "after"))
            assert {201} == {answer.status_code for answer in answers_given}
            accepted = {answer.json()["petition_id"] for answer in answers_given}
            facts = await line.messages("petition-intake-v1", at_least=24, deadline=40)
        assert chain_is_whole(facts)
        assert dict.fromkeys(accepted, 1) == dict(distinct(facts, "PetitionRegistered"))


async def test_nobody_is_told_yes_while_the_database_is_dead_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    with parts(tmp_path) as own:
        own.start_broker()
        database = own.start_database()
        line = Line(own.broker, own.mongo, str(tmp_path / "outbox"))
        await line.provide()
        async with line.running("intake") as (_, intake), line.running("routing") as (routing, _):
            before = await submit(intake, "before")
            own.crash(database)
            refused = await submit(intake, "during")
            assert (503, "unavailable") == (refused.status_code, refused.json()["code"])
            assert int(refused.headers["Retry-After"]) > 0
            assert await not_ready(intake, "database")
            own.start_database()
            await eventually(lambda: ready(intake), deadline=40)
            during = await submit(intake, "during")
            again = await submit(intake, "before")
            assert [201, 201, 201] == [answer.status_code for answer in (before, during, again)]
            assert before.json() == again.json()
            accepted = {before.json()["petition_id"], during.json()["petition_id"]}
            await eventually(lambda: decided(routing, accepted), deadline=40)
            facts = await line.messages("petition-routing-v1", at_least=2)
        assert accepted == {message.petition for message in facts}
        assert chain_is_whole(facts)


async def decided(routing: Process, petitions: set[str]) -> bool:
    """Whether routing has decided on all of them."""
    records = await routing.store.load(petitions)  # type: ignore[arg-type] # ids as the answers gave them
    return all(record.parts["own"].begun for record in records.values())
