"""The rules over what decides: handlers hand over, the domain sees values and answers with values."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Source, last_word

# The modules of a service that decide: they see values and answer with values.
PURE: Final = frozenset(
    {
        *("domain", "deadlines", "classifier", "gazetteer", "bodies", "alike"),
        *("numbers", "segments", "stories", "story", "texts"),
    }
)
TAKES_TIME_FROM_OUTSIDE: Final = frozenset({"now", "utcnow", "today", "perf_counter", "monotonic"})
DRAWS: Final = frozenset({"uuid1", "uuid4", "uuid7", "token_hex", "token_bytes", "randint", "choice"})
PUBLISHES: Final = frozenset({"publish", "publish_batch", "send", "send_and_wait"})
HANDLER_LINES: Final = 15
TABLE: Final = "hears"  # what the service hears, one line each


def decides(source: Source) -> bool:
    """Whether the file is one of a service's modules that decide."""
    return _is(source, *PURE) or re.match(r"services/[a-z]+/domain/", source.path) is not None


def handlers_only_hand_over(source: Source) -> Iterator[str]:
    """A handler is `on_<fact>`, short, and leaves trying, time, chance and publishing to others."""
    if not _is(source, "handlers"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.AsyncFunctionDef):
            yield source.at(node, f"{node.name} is async: a handler waits for nothing")
        if isinstance(node, ast.FunctionDef) and node.name != TABLE:
            yield from _handler_name_findings(source, node)
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > HANDLER_LINES:
                yield source.at(node, f"{node.name} has {lines} lines: the rule belongs into domain.py")
        if isinstance(node, ast.Try):
            yield source.at(node, "tries: a decision refuses by value, and the runtime catches the rest")
        called = last_word(node.func) if isinstance(node, ast.Call) else ""
        if called in TAKES_TIME_FROM_OUTSIDE | DRAWS | PUBLISHES:
            yield source.at(node, f"calls {called}: time, chance and publishing are not a handler's")


def domain_is_pure(source: Source) -> Iterator[str]:
    """A decision is a function of its arguments: nothing async, no clock, chance or file, frozen state."""
    if not decides(source):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield source.at(node, "waits for something: a decision is made from values")
        if isinstance(node, ast.Global | ast.Nonlocal):
            yield source.at(node, "keeps state outside the docket")
        called = last_word(node.func) if isinstance(node, ast.Call) else ""
        if called in TAKES_TIME_FROM_OUTSIDE | DRAWS:
            yield source.at(
                node, f"calls {called}: the time is the argument `now`, chance comes from the edge"
            )
        if called in {"open", "print", "input"}:
            yield source.at(node, f"calls {called}: a decision touches nothing")
        if isinstance(node, ast.ClassDef) and not _is_frozen(node):
            yield source.at(node, f"{node.name} is a dataclass that is not frozen")


def _is(source: Source, *names: str) -> bool:
    return re.fullmatch(r"services/[a-z]+/[a-z_]+\.py", source.path) is not None and source.module in names


def _is_frozen(node: ast.ClassDef) -> bool:
    for decorator in node.decorator_list:
        if last_word(decorator) == "dataclass":
            return False
        if isinstance(decorator, ast.Call) and last_word(decorator.func) == "dataclass":
            said = {keyword.arg: keyword.value for keyword in decorator.keywords}
            frozen = said.get("frozen")
            return isinstance(frozen, ast.Constant) and frozen.value is True
    return True


def _handler_name_findings(source: Source, node: ast.FunctionDef) -> Iterator[str]:
    facts = [_heard_fact(argument.annotation) for argument in node.args.args]
    fact = next((fact for fact in facts if fact), "")
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", fact).lower()
    if fact and node.name != f"on_{snake}":
        yield source.at(node, f"{node.name} hears {fact}: call it on_{snake}")
    if not fact and not node.name.startswith("_"):
        yield source.at(node, f"{node.name} hears no fact: it belongs elsewhere")


def _heard_fact(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.Subscript) and last_word(annotation.value) == "Heard":
        fact = last_word(annotation.slice)
        return "" if fact == "Any" else fact  # a part that several handlers share
    return ""
