"""What the training makes of runs of characters: how much each counts."""

from services.routing.learning.fitting import fit, prepared
from services.routing.learning.samples import Sample
from services.routing.lexicon import Words, load, words
from services.routing.model.figures import Figures
from services.routing.model.ngrams import content_ngrams

TELLING, EVERYWHERE = "秋裤", "冬衫"
EACH = 6


def sample(body: str, content: str) -> Sample:
    """A labelled petition that somebody invented."""
    title = "来信"
    return Sample(words(title, content), title, content, body, None, None, None, 1.0)


def weight_of(run: str, figures: Figures) -> float:
    """How much a run of the content counts."""
    number = content_ngrams(Words("", run))[-1]
    return float(figures.rarity[figures.numbers == number][0])


def test_of_two_equally_rare_runs_the_one_that_tells_of_a_body_counts_more() -> None:
    lexicon = load()
    texts = [
        sample(body, f"这里有{run}一件")
        for run, bodies in ((TELLING, ("labor", "labor")), (EVERYWHERE, ("labor", "medical")))
        for body in bodies
        for _ in range(EACH)
    ]
    texts += [sample("medical", "别的事情") for _ in range(EACH)]

    figures = fit(prepared(texts, lexicon), lexicon)

    assert weight_of(TELLING, figures) > weight_of(EVERYWHERE, figures)
