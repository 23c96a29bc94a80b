"""How four opinions on the body become one: of all words together, of content, title and lexicon alone.

Each alone is worse than all together, but where they agree they are seldom wrong; the weights are learned.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.routing.lexicon.entries import BODY_TARGETS

Floats = NDArray[np.float32]

COUNT: Final = len(BODY_TARGETS)
OPINIONS: Final = 4
# A score of 1 apart is a clear case: as the logarithm of how much likelier, about this much.
_CLEAR: Final = 3.0


def unstacked() -> Floats:
    """Return the weights by which all words together count alone: for want of learned ones."""
    weights = np.zeros((OPINIONS * COUNT + 1, COUNT), np.float32)
    weights[:COUNT] = np.eye(COUNT, dtype=np.float32) * np.float32(_CLEAR)
    return weights


def stacked(opinions: Floats, weights: Floats) -> Floats:
    """Return the logarithm of each body's probability, for opinions of one text or of many in rows."""
    scores = opinions @ weights[:-1] + weights[-1]
    scores -= scores.max(axis=-1, keepdims=True)
    told: Floats = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return told
