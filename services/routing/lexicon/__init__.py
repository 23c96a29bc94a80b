"""The lexicon: which phrases speak for which body, as data that clerks edit (see data/README.md)."""

from services.routing.lexicon.compiled import Lexicon, load
from services.routing.lexicon.entries import LexiconError

__all__ = ["Lexicon", "LexiconError", "load"]
