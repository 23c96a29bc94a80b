"""Files that are made from the models: written to the repository, compared with what is committed there."""

import json
from pathlib import Path
from typing import Final

from pydantic import JsonValue

HERE: Final = Path(__file__).parent


def as_text(value: JsonValue) -> str:
    """Return JSON as it is committed: indented, Chinese readable, one newline at the end."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def differences(folder: Path, files: dict[str, str]) -> list[str]:
    """Say, one sentence a file, where the folder is not exactly `files` (path in the folder → text)."""
    there = _files_in(folder)
    faults = []
    for path in sorted(set(files) | set(there)):
        if path not in there:
            faults.append(f"{folder.name}/{path} is missing")
        elif path not in files:
            faults.append(f"{folder.name}/{path} belongs to nothing that the models state")
        elif there[path].read_text("utf-8") != files[path]:
            faults.append(f"{folder.name}/{path} is not what the models generate")
    return faults


def write(folder: Path, files: dict[str, str]) -> list[str]:
    """Make the folder exactly `files`; returns the sentences about what was not so before."""
    faults = differences(folder, files)
    for path, old in _files_in(folder).items():
        if path not in files:
            old.unlink()
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return faults


def _files_in(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
