"""The model's figures as one compact file: written by the training, read when the service starts.

The file holds numbers, and phrases of the lexicon as the names of some of them; nothing else of any text.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.routing.lexicon.entries import TARGETS

SHIPPED: Final = Path(__file__).parent / "shipped.npz"
_FORMAT: Final = 2
_STEPS: Final = 127.0

Floats = NDArray[np.float32]


class ModelError(ValueError):
    """A model file cannot be used; the message names it and says why."""


@dataclass(frozen=True)
class Sureness:
    """How scores become a confidence, and from which confidence on no person need look.

    `calibration` are the weights of a logistic function over `weighed.signs`, the constant first.
    """

    calibration: tuple[float, ...]
    threshold: float
    report_limit: float


@dataclass(frozen=True)
class Figures:
    """What was learned. `contents` rows stand for runs of the content, the others for runs of the title.

    Columns are the lexicon's TARGETS, then the bodies once more as content, title or lexicon alone tell them;
    `bias` has the TARGETS, then the bodies three times, and `stack` says how the four are weighed together.
    """

    numbers: NDArray[np.uint32]
    contents: int
    rarity: Floats
    weights: Floats
    phrases: tuple[str, ...]
    phrase_weights: Floats
    hand_weights: Floats
    bias: Floats
    stack: Floats
    sureness: Sureness
    card: dict[str, object]
    digest: str


def write(figures: Figures, path: Path) -> None:
    """Write the figures, weights in 255 steps a row: the same figures give the same bytes."""
    largest = np.maximum(np.abs(figures.weights).max(axis=1, initial=0.0), 1e-9)
    steps = np.rint(figures.weights / largest[:, None] * _STEPS).astype(np.int8)
    told = {
        "format": _FORMAT,
        "targets": TARGETS,
        "contents": figures.contents,
        "phrases": figures.phrases,
        "sureness": asdict(figures.sureness),
        "card": figures.card,
    }
    try:
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                numbers=figures.numbers,
                rarity=figures.rarity.astype(np.float16),
                steps=steps,
                largest=largest.astype(np.float16),
                phrase_weights=figures.phrase_weights.astype(np.float16),
                hand_weights=figures.hand_weights,
                bias=figures.bias,
                stack=figures.stack,
                told=np.frombuffer(json.dumps(told, ensure_ascii=False).encode(), np.uint8),
            )
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror})") from error


def read(path: Path = SHIPPED) -> Figures:
    """Read a model file; raises ModelError."""
    try:
        packed = path.read_bytes()
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            told = json.loads(arrays["told"].tobytes())
            if told["format"] != _FORMAT or tuple(told["targets"]) != TARGETS:
                raise ModelError(f"{path.name}: was made by another version; train it again")
            largest = arrays["largest"].astype(np.float32)
            sureness = told["sureness"]
            return Figures(
                numbers=arrays["numbers"],
                contents=int(told["contents"]),
                rarity=arrays["rarity"].astype(np.float32),
                weights=arrays["steps"].astype(np.float32) * (largest[:, None] / np.float32(_STEPS)),
                phrases=tuple(told["phrases"]),
                phrase_weights=arrays["phrase_weights"].astype(np.float32),
                hand_weights=arrays["hand_weights"],
                bias=arrays["bias"],
                stack=arrays["stack"],
                sureness=Sureness(**{**sureness, "calibration": tuple(sureness["calibration"])}),
                card=told["card"],
                digest=hashlib.sha256(packed).hexdigest()[:8],
            )
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, EOFError) as error:
        raise ModelError(
            f"{path.name}: is no model file that can be read ({type(error).__name__})"
        ) from error
    except ValueError as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"{path.name}: is no model file that can be read ({type(error).__name__})"
        ) from error
