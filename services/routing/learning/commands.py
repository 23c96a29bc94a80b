"""The two commands for people: `train FILE --out MODEL` and `evaluate FILE [--model MODEL]`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.routing.classifier import classifier
from services.routing.learning.measuring import measure
from services.routing.learning.samples import SampleError, further, labelled
from services.routing.learning.training import RIGHT_ENOUGH, train
from services.routing.lexicon import LexiconError, load
from services.routing.model import SHIPPED, ModelError, read
from services.routing.model.figures import write

NAMES: Final = ("train", "evaluate")


def main(arguments: Sequence[str]) -> int:
    """Do what was asked and print one JSON object; what cannot be used is said in one line, exit code 2."""
    asked = _parser().parse_args(arguments)
    try:
        told = _train(asked) if asked.command == "train" else _evaluate(asked)
    except (SampleError, LexiconError, ModelError) as error:
        sys.stderr.write(f"{asked.command}: {error}\n")
        return 2
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.routing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="learn figures from labelled petitions")
    training.add_argument("file", type=Path, help="JSON lines with text, body, domain, kind, joint, conf")
    training.add_argument("--out", type=Path, required=True, help="where the model file goes")
    training.add_argument("--further", type=Path, help="labels by id for texts in --texts")
    training.add_argument("--texts", type=Path, help="JSON lines with id and text")
    training.add_argument(
        "--written", type=Path, help="labelled petitions to learn from and not to measure on"
    )
    training.add_argument("--right", type=float, default=RIGHT_ENOUGH, help="wanted share of right decisions")
    measuring = commands.add_parser("evaluate", help="measure a model on labelled petitions")
    measuring.add_argument("file", type=Path, help="JSON lines with text, body, domain, kind, joint, conf")
    measuring.add_argument(
        "--model", type=Path, default=SHIPPED, help="a model file; the shipped one if left out"
    )
    return parser


def _train(asked: argparse.Namespace) -> dict[str, object]:
    if (asked.further is None) != (asked.texts is None):
        raise SampleError("--further and --texts belong together")
    more = further(asked.further, asked.texts) if asked.further else []
    written = labelled(asked.written) if asked.written else []
    reference = labelled(asked.file)
    try:
        trained = train(reference, load(), more=more, written=written, right=asked.right)
    except SampleError as error:
        raise SampleError(f"{asked.file.name}: {error}") from error
    write(trained.figures, asked.out)
    counts = {"further": len(more), "written": len(written)}
    return {**trained.report, **counts, "version": read(asked.out).digest}


def _evaluate(asked: argparse.Namespace) -> dict[str, object]:
    return measure(labelled(asked.file), classifier(load(), read(asked.model)))
