"""Learns how the four opinions on a body are weighed together: multinomial logistic regression.

Fitted by accelerated gradient descent (Nesterov) on all texts at once: the same texts, the same figures.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.routing.model.stacked import COUNT, OPINIONS, Floats

# Fewer texts say nothing about a thousand weights.
FEWEST: Final = 1_000
# How strongly the weights are pulled to nought, in texts.
_PULL: Final = 20.0
_STEPS: Final = 300
_LEAST_SPREAD: Final = 0.05


def learned(opinions: Floats, bodies: NDArray[np.intp]) -> Floats:
    """Return the weights; `opinions` are of models that had not learned from the texts (rows).

    All texts count alike here, guesses too: there are few.
    """
    middle = opinions.mean(axis=0, dtype=np.float64)
    # An opinion that hardly ever changes (a body that an archive lacks) must not be blown up.
    spread = np.maximum(opinions.std(axis=0, dtype=np.float64), _LEAST_SPREAD)
    inputs = np.hstack([(opinions - middle) / spread, np.ones((len(opinions), 1))])
    wanted = np.eye(COUNT)[bodies]
    pull = np.full((inputs.shape[1], 1), _PULL / len(inputs))
    pull[-1] = 0.0
    # The slope of a softmax changes by at most half of what its inputs do.
    step = 1.0 / (0.5 * np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[-1] + pull.max())
    weights = ahead = np.zeros((inputs.shape[1], COUNT))
    for turn in range(_STEPS):
        scores = inputs @ ahead
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        moved = ahead - step * (inputs.T @ (likely - wanted) / len(inputs) + pull * ahead)
        ahead = moved + turn / (turn + 3.0) * (moved - weights)
        weights = moved
    told = np.zeros((OPINIONS * COUNT + 1, COUNT), np.float32)
    told[:-1] = weights[:-1] / spread[:, None]
    told[-1] = weights[-1] - (middle / spread) @ weights[:-1]
    return told
