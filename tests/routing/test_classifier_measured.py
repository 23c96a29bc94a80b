"""What the classifier gets right on labelled texts, where they are kept beside the repository."""

from pathlib import Path

import pytest

from services.routing.learning.fitting import fit, prepared
from services.routing.learning.samples import Sample, labelled
from services.routing.lexicon import Lexicon, load
from services.routing.lexicon.entries import BODY_TARGETS, DOMAIN_TARGETS
from services.routing.model import model
from services.routing.model.weighed import BODIES, DOMAINS

LABELLED = Path(__file__).resolve().parents[3] / "shared" / "routing" / "petitions-labelled.jsonl"
HELD_OUT = 200
# The reference texts alone teach this much; what is shipped learned from ten times as many.
FLOOR_BODY = 0.76
FLOOR_DOMAIN = 0.76


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    if not LABELLED.exists():
        pytest.skip("the labelled texts are not beside this repository")
    return labelled(LABELLED)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load()


def test_bodies_and_domains_are_found_in_texts_that_were_not_learned_from(
    samples: list[Sample], lexicon: Lexicon
) -> None:
    fitted = model(fit(prepared(samples[HELD_OUT:], lexicon), lexicon), lexicon)
    body = domain = 0
    for sample in samples[:HELD_OUT]:
        scores = fitted.weigh(sample.words, lexicon.weigh(sample.words)).scores
        body += BODY_TARGETS[int(scores[BODIES].argmax())] == sample.body
        domain += DOMAIN_TARGETS[int(scores[DOMAINS].argmax())] == f"domain:{sample.domain}"

    assert body / HELD_OUT >= FLOOR_BODY
    assert domain / HELD_OUT >= FLOOR_DOMAIN
