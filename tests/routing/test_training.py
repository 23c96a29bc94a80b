"""How far a model is trusted: near-copies, the limit of reports, and opinions weighed together."""

from __future__ import annotations

import numpy as np
import pytest

from services.routing.learning import training
from services.routing.learning.fitting import fit, prepared
from services.routing.learning.samples import Sample
from services.routing.learning.stacking import learned
from services.routing.learning.training import Trial, _alike, _report_limit, train
from services.routing.lexicon import Words, load, words
from services.routing.lexicon.entries import TARGETS
from services.routing.model import model
from services.routing.model.stacked import COUNT, OPINIONS, stacked, unstacked
from services.routing.model.weighed import REPORT_AT, Weighed
from tests.routing.petitions import PETITIONS

OFFICIALS = {"body": "none", "domain": "discipline"}
FIRM = {"body": "environment", "domain": "environment"}


def trial(score: float, *, kind: str = "report", body: str = "none", domain: str | None = None) -> Trial:
    """A petition with this score for a report of wrongdoing."""
    scores = np.zeros(len(TARGETS), np.float32)
    scores[REPORT_AT] = score
    weighed = Weighed(scores, scores, np.zeros(OPINIONS * COUNT, np.float32), 20, 1.0)
    sample = Sample(Words("", ""), "", "", body, domain, kind, None, 1.0)
    return Trial(sample, weighed, accuses=False, joint=False)


def test_nearly_the_same_text_is_found_and_another_is_not() -> None:
    one, near, far = frozenset(range(16)), frozenset(range(10, 26)), frozenset(range(11, 27))

    assert [0, 1] == list(_alike([one, near, far], [0]))


def test_the_report_that_sets_the_limit_is_held_back_itself() -> None:
    score = -0.513_54

    assert _report_limit([trial(score)]) <= np.float32(score)


def test_reports_against_officials_set_the_limit_once_there_are_enough_of_them() -> None:
    firms = [trial(-0.8, **FIRM) for _ in range(100)]
    few, many = ([trial(0.4, **OFFICIALS) for _ in range(count)] for count in (5, 40))

    assert _report_limit([*firms, *few]) == pytest.approx(-0.8, abs=1e-3)
    assert _report_limit([*firms, *many]) == pytest.approx(0.4, abs=1e-3)


def test_without_any_report_nothing_is_held_back() -> None:
    assert _report_limit([trial(0.9, kind="request")]) > 1_000


def test_opinions_that_count_alone_keep_their_order_and_become_probabilities() -> None:
    opinions = np.linspace(-1, 1, OPINIONS * COUNT, dtype=np.float32)[None]

    told = stacked(opinions, unstacked())

    assert COUNT - 1 == int(told.argmax())
    assert 1.0 == pytest.approx(float(np.exp(told).sum()), abs=1e-5)


def test_an_opinion_that_is_right_where_the_first_is_wrong_is_listened_to() -> None:
    chance = np.random.default_rng(5)
    bodies = chance.integers(0, COUNT, 2_000)
    opinions = chance.normal(0, 0.2, (2_000, OPINIONS * COUNT)).astype(np.float32)
    opinions[np.arange(2_000), COUNT + bodies] += 1.0

    alone, weighed = (stacked(opinions, by).argmax(1) for by in (unstacked(), learned(opinions, bodies)))

    assert (alone == bodies).mean() < 0.2
    assert (weighed == bodies).mean() > 0.9


def test_each_opinion_is_that_of_its_own_part_of_the_words() -> None:
    lexicon = load()
    samples = [
        Sample(words(title, content), title, content, body, None, None, None, 1.0)
        for body, title, content in PETITIONS
    ]
    weigh = model(fit(prepared(samples, lexicon), lexicon), lexicon).weigh
    _, title, content = PETITIONS[0]
    nothing, in_content, in_title = (
        weigh(Words(*part), {}).opinions.reshape(OPINIONS, COUNT)
        for part in (("", ""), ("", content), (title, ""))
    )
    found = weigh(Words("", ""), lexicon.weigh(words(title, content))).opinions.reshape(OPINIONS, COUNT)

    def moved(opinions: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[bool]:
        return [not np.allclose(one, other) for one, other in zip(opinions, nothing, strict=True)]

    assert [True, True, False, False] == moved(in_content)
    assert [True, False, True, False] == moved(in_title)
    assert [True, False, False, True] == moved(found)


def test_opinions_are_weighed_together_once_there_are_enough_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [
        Sample(words(title, content), title, content, body, None, None, None, 1.0)
        for body, title, content in PETITIONS
    ]
    alone = train(samples, load()).figures.stack
    monkeypatch.setattr(training, "FEWEST", len(samples))

    together = train(samples, load()).figures.stack

    assert np.array_equal(unstacked(), alone)
    assert not np.allclose(alone, together)
    assert np.abs(together[COUNT:-1]).max() > 0.05
