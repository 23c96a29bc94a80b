"""docker-compose.yml brought up for real: one petition travels from the intake to the notify container."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from contracts.topics import ALL_TOPICS, SERVICES
from tests.containers.lab import System, podman
from tests.eventually import eventually

pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]

PETITION = {
    "title": "拖欠工资",
    "content": "我在工地干了三个月活，包工头一直拖欠工资，请帮我讨薪。",
    "channel": "network",
    "petitioner": {"name": "何小满", "phone": "13800138000"},
}
TOLD = ["accepted", "case-opened", "registered", "routed"]
OUTBOX = "import os; print(open(os.environ['NOTIFY_OUTBOX'], encoding='utf-8').read(), end='')"
# Half a minute for the server: in the lab a connection was once seen to take more than five seconds.
ELSEWHERE = """
import os, pymongo
service = "{service}"
url = os.environ[service.upper() + "_DATABASE"]
client = pymongo.MongoClient(url, serverSelectionTimeoutMS=30000)
client.get_default_database().command("ping")
client[service]["probe"].insert_one({{"_id": 1}})
client[service]["probe"].drop()
for other in ("intake", "routing", "mediation", "notify", "admin", "config"):
    if other == service:
        continue
    for attempt in (
        lambda: client[other]["dockets"].find_one(),
        lambda: client[other]["dockets"].insert_one({{"_id": 1}}),
    ):
        try:
            attempt()
        except pymongo.errors.OperationFailure as error:
            assert error.code == 13, error
        else:
            print(other)
try:
    stranger = pymongo.MongoClient("mongodb://mongo:27017", serverSelectionTimeoutMS=30000)
    stranger[service]["dockets"].find_one()
except pymongo.errors.OperationFailure:
    pass
else:
    print("without a password")
"""


def told(system: System, petition: str) -> list[str]:
    """The templates of the messages that stand in notify's outbox for one petition, sorted."""
    lines = (json.loads(line) for line in system.inside("notify", OUTBOX).splitlines())
    return sorted(line["template"] for line in lines if line["petition"] == petition)


async def submit(system: System, key: str) -> tuple[str, str]:
    """Hand in a petition at the intake container; its id and query code."""
    async with httpx.AsyncClient(base_url=system.url("intake"), timeout=30) as client:
        answer = await client.post("/petitions", json=PETITION, headers={"Idempotency-Key": key})
    assert 201 == answer.status_code, answer.text
    return answer.json()["petition_id"], answer.json()["query_code"]


async def test_a_petition_travels_from_intake_to_notify(system: System) -> None:
    await system.ready()
    petition, code = await submit(system, "containers-journey")
    assert (petition, code) == await submit(system, "containers-journey")
    await eventually(lambda: told(system, petition) == TOLD, deadline=60, every=0.5)
    async with httpx.AsyncClient(base_url=system.url("intake"), timeout=30) as client:
        story = (await client.get(f"/petitions/{petition}", headers={"X-Query-Code": code})).json()
    assert ("case-opened", "labor") == (story["state"], story["body"])


async def test_a_restarted_notify_tells_nobody_twice(system: System) -> None:
    await system.ready()
    before, _ = await submit(system, "containers-before")
    await eventually(lambda: told(system, before) == TOLD, deadline=60, every=0.5)
    container = system.container("notify")
    began = time.monotonic()
    podman("stop", "--time", "30", container)
    took = time.monotonic() - began
    assert ("0", True) == (
        podman("inspect", "--format", "{{.State.ExitCode}}", container).stdout.strip(),
        took < 15,
    )
    during, _ = await submit(system, "containers-during")
    podman("start", container)
    await eventually(lambda: told(system, during) == TOLD, deadline=60, every=0.5)
    assert TOLD == told(system, before)


async def test_every_container_is_healthy_and_held_in_its_limits(system: System) -> None:
    await system.ready()
    for service in SERVICES:
        container = system.container(service)
        assert 0 == podman("healthcheck", "run", container, check=False).returncode, service
        (found,) = json.loads(podman("inspect", container).stdout)
        host = found["HostConfig"]
        assert (True, ["no-new-privileges"]) == (host["ReadonlyRootfs"], host["SecurityOpt"])
        assert 512 * 2**20 == host["Memory"]
        status = podman("exec", container, "cat", "/proc/self/status").stdout
        assert {"CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"} <= set(
            status.splitlines()
        )


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reaches_no_other_services_database(system: System, service: str) -> None:
    await system.ready([service])
    assert "" == system.inside(service, ELSEWHERE.format(service=service))


async def test_broker_and_database_are_not_published(system: System) -> None:
    for service in ("kafka", "mongo"):
        (found,) = json.loads(podman("inspect", system.container(service)).stdout)
        assert not any((found["HostConfig"]["PortBindings"] or {}).values())
        assert [f"{system.project}_data"] == list(found["NetworkSettings"]["Networks"])
    (network,) = json.loads(podman("network", "inspect", f"{system.project}_data").stdout)
    assert network["internal"]


async def test_the_topics_job_finds_everything_as_it_should_be_the_second_time(system: System) -> None:
    again = podman("start", "--attach", system.container("topics"))
    assert len(ALL_TOPICS) == sum(line.startswith("present") for line in again.stdout.splitlines())


async def test_a_missing_secret_ends_the_start_with_its_name(system: System) -> None:
    for name in ("STAFF_KEY", "NOTIFY_DATABASE_PASSWORD"):
        done = system.compose("config", "--quiet", without=name)
        assert 0 != done.returncode
        assert f"{name} is missing in .env" in done.stderr
