"""The lexicon: which phrases speak for which body, as data that clerks edit (see data/README.md)."""

from services.routing.lexicon.compiled import SEVERAL, Lexicon, load
from services.routing.lexicon.entries import LexiconError
from services.routing.lexicon.wording import Words, words

__all__ = ["SEVERAL", "Lexicon", "LexiconError", "Words", "load", "words"]
