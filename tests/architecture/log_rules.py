"""The rule over the log: constant events in the past tense, keys from the list, no error's text."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from runtime.logs import ALLOWED
from tests.architecture.source import Source, last_word

LOG_METHODS: Final = frozenset({"debug", "info", "warning", "error", "critical", "exception", "log", "msg"})
BIND_METHODS: Final = frozenset({"bind", "new", "bind_contextvars", "bound_contextvars"})
LOGGERS: Final = frozenset({"log", "logger", "_log", "_logger"})
# Past tense without -ed, as far as events need it.
IRREGULAR: Final = frozenset(
    {
        "sent",
        "lost",
        "found",
        "heard",
        "left",
        "kept",
        "made",
        "began",
        "gone",
        "held",
        "read",
        "set",
        "said",
        "cut",
        "broke",
        "taken",
    }
)
ERRORS: Final = frozenset({"error", "exc", "err", "exception", "problem"})


def logs_only_what_is_allowed(source: Source) -> Iterator[str]:
    """An event is a constant in the past tense, its keys are on the list, its values show no error's text."""
    if source.package == "tests":
        return
    for function in _scopes(source.tree):
        for call in _own_calls(function):
            kind = _log_call(call)
            if kind == "event":
                yield from _event_findings(source, call)
            if kind:
                yield from _key_findings(source, call, function)


Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


def _scopes(tree: ast.Module) -> Iterator[Scope]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _own_nodes(scope: Scope) -> Iterator[ast.AST]:
    """The nodes of a scope without those of the functions in it."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


def _own_calls(scope: Scope) -> Iterator[ast.Call]:
    return (node for node in _own_nodes(scope) if isinstance(node, ast.Call))


def _log_call(call: ast.Call) -> str:
    """Return "event" for a line of the log, "keys" for ids that are bound to it, "" for anything else."""
    if last_word(call.func) in {"bind_contextvars", "bound_contextvars"}:
        return "keys"
    if not isinstance(call.func, ast.Attribute):
        return ""
    owner = call.func.value
    is_logger = last_word(owner) in LOGGERS or (isinstance(owner, ast.Call) and _is_logger(owner))
    if is_logger and call.func.attr in LOG_METHODS:
        return "event"
    return "keys" if is_logger and call.func.attr in BIND_METHODS else ""


def _is_logger(call: ast.Call) -> bool:
    made_by = last_word(call.func)
    return made_by in {"get_logger", "getLogger"} or (made_by in BIND_METHODS and _log_call(call) == "keys")


def _event_findings(source: Source, call: ast.Call) -> Iterator[str]:
    if isinstance(call.func, ast.Attribute) and call.func.attr in {"exception", "log", "msg"}:
        yield source.at(
            call, f"log.{call.func.attr}: say the level; a traceback may show what was decided about"
        )
    event = call.args[0] if call.args else None
    if not (isinstance(event, ast.Constant) and isinstance(event.value, str)):
        yield source.at(call, "the event is a constant, never put together")
        return
    if len(call.args) > 1:
        yield source.at(call, "values have keys")
    words = event.value.split("_")
    if not re.fullmatch(r"[a-z]+(_[a-z]+)*", event.value):
        yield source.at(call, f'"{event.value}" is not snake_case')
    elif not any(word.endswith("ed") or word in IRREGULAR for word in words):
        yield source.at(call, f'"{event.value}" does not say what has happened (past tense)')


def _key_findings(source: Source, call: ast.Call, scope: Scope) -> Iterator[str]:
    for keyword in call.keywords:
        keys = [keyword.arg] if keyword.arg is not None else _keys_of(keyword.value, scope)
        if keys is None:
            yield source.at(call, "keys that cannot be read here: write them out")
            continue
        for key in keys:
            if key not in ALLOWED:
                yield source.at(call, f"key `{key}` is not on the list in runtime/logs.py")
        if isinstance(keyword.value, ast.JoinedStr) and source.path != "runtime/logs.py":
            yield source.at(call, f"`{keyword.arg}` is put together: log its parts")
        if _is_error_text(keyword.value):
            yield source.at(
                call, f"`{keyword.arg}` is an error's text, which may show a payload: log its type"
            )


def _keys_of(value: ast.expr, scope: Scope) -> list[str] | None:
    """Return the keys of `**value` where it is a literal, or a name that this function gives a literal."""
    if isinstance(value, ast.Name):
        given = [
            node.value
            for node in _own_nodes(scope)
            if isinstance(node, ast.Assign) and [last_word(target) for target in node.targets] == [value.id]
        ]
        return _keys_of(given[0], scope) if len(given) == 1 and isinstance(given[0], ast.Dict) else None
    if not isinstance(value, ast.Dict):
        return None
    keys = [key.value for key in value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return keys if len(keys) == len(value.keys) else None


def _is_error_text(value: ast.expr) -> bool:
    if isinstance(value, ast.Call) and last_word(value.func) in {"str", "repr"} and value.args:
        return _is_error_text(value.args[0])
    return isinstance(value, ast.Name) and value.id in ERRORS
