"""Rules over one source file that ruff, mypy and import-linter cannot say; findings come as sentences.

A rule that has exceptions names them at the head of its file, each with the reason.
"""

import ast
import re
from collections.abc import Callable, Iterator
from typing import Final

from tests.architecture.decision_rules import decides, domain_is_pure, handlers_only_hand_over
from tests.architecture.log_rules import logs_only_what_is_allowed
from tests.architecture.source import Source, last_word

Rule = Callable[[Source], Iterator[str]]

# Who may catch everything, and go on.
CATCH_ALL: Final = ("runtime/consume.py",)  # a bug in one petition's decision must not stop the others
# Who may catch everything, if the last thing done there is to raise it again.
CATCH_ALL_AND_RAISE: Final = (
    "runtime/listen.py",  # what ends the handler ends the process, or the next commit goes past the batch
    "local/",  # a program that was started is stopped, whatever it was that ended us
    "tests/",  # same
)
# Names that only one file may use, because that file is the only one that keeps their promises.
KEPT_TO: Final = {
    "AIOKafkaProducer": (("runtime/publish.py",), "it publishes what is saved, in order, and repeats it"),
    "AIOKafkaAdminClient": (("contracts/provision.py",), "topics are created on purpose, by operators"),
    "NewTopic": (("contracts/provision.py",), "topics are created on purpose, by operators"),
    "KafkaBroker": (("runtime/listen.py",), "it states policy, group and offset reset"),
    "subscriber": (("runtime/listen.py",), "it states policy, group and offset reset"),
    "AIOKafkaConsumer": (("audit/", "local/"), "these read topics and belong to no group of a service"),
}
PUBLISHING: Final = frozenset({"publish", "publish_batch", "send_and_wait", "publisher"})
# Nobody waives these in a line of code, except the files that the rule is about.
WAIVERS: Final[dict[str, tuple[str, ...]]] = {
    "BLE001": ("runtime/consume.py",),
    "TID251": ("runtime/clock.py",),
    "T201": ("runtime/process.py",),  # `redrive` answers the operator who called it
    "SLF001": ("runtime/listen.py",),  # leaves the group where the Kafka client does not
    **dict.fromkeys(("S110", "S112", "E722", "TRY400", "DTZ"), ()),
}
ANY_ALLOWED: Final = ("contracts/provision.py",)  # speaks with the Kafka client, which has no types
METRICS: Final = frozenset({"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"})
_LISTS_METRICS: Final = re.compile(r"(runtime|services/[a-z]+)/metrics\.py")
NEVER_LABELS: Final = frozenset({"petition", "petition_id", "petitioner", "subject", "phone", "key", "id"})
BANNED_NAMES: Final = frozenset(
    {"util", "utils", "helper", "helpers", "common", "base", "manager", "managers", "info", "misc"}
)


def catches_no_more_than_it_knows(source: Source) -> Iterator[str]:
    """`except Exception` stands in one file; elsewhere whoever catches everything raises it again."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type):
            raised = source.path.startswith(CATCH_ALL_AND_RAISE) and _raises_again(node)
            if not raised and source.path not in CATCH_ALL:
                yield source.at(node, "catches everything: name the errors that are expected here")
        if isinstance(node, ast.Call) and last_word(node.func) == "suppress":
            yield from (
                source.at(node, "suppresses everything: name the errors that are expected here")
                for argument in node.args
                if _catches_all(argument)
            )


def publishes_only_in_the_runtime(source: Source) -> Iterator[str]:
    """A fact is saved before it is published, so nobody but the runtime publishes (no dual writes)."""
    if source.package == "tests":
        return
    for node in ast.walk(source.tree):
        for name in sorted(_names(node) & KEPT_TO.keys()):
            keepers, reason = KEPT_TO[name]
            if not source.path.startswith(keepers):
                yield source.at(node, f"{name} is for {', '.join(keepers)} alone: {reason}")
        if source.package != "runtime" and isinstance(node, ast.Attribute) and node.attr in PUBLISHING:
            yield source.at(node, f"{node.attr}: only the runtime publishes, after it has saved")


def waives_no_gate(source: Source) -> Iterator[str]:
    """A `noqa` for a rule that guards the design stands only in the file that the rule is about."""
    if source.package == "tests":
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        if re.search(r"#\s*ruff:\s*noqa|#\s*mypy:", line):
            yield f"{source.path}:{number}: waives a rule for the whole file"
        for codes in re.findall(r"#\s*noqa:\s*([A-Z0-9, ]+)", line):
            for code in re.findall(r"[A-Z]+[0-9]+", codes):
                leave = WAIVERS.get("DTZ" if code.startswith("DTZ") else code)
                if leave is not None and source.path not in leave:
                    yield f"{source.path}:{number}: {code} may not be waived here"


def has_no_any_on_the_wire_or_in_the_rules(source: Source) -> Iterator[str]:
    """Contracts and domain say what they mean: `Any` would switch the type check off where it counts."""
    on_the_wire = source.package == "contracts" and source.path not in ANY_ALLOWED
    if on_the_wire or decides(source):
        for node in ast.walk(source.tree):
            if "Any" in _names(node):
                yield source.at(node, "Any: say the type")


def metrics_have_one_list(source: Source) -> Iterator[str]:
    """Metrics are listed in runtime/metrics.py and in a service's own; no label is an id or a person's."""
    if source.package == "tests":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client":
            made = METRICS & {alias.name for alias in node.names}
            if made and not _LISTS_METRICS.fullmatch(source.path):
                yield source.at(node, f"{', '.join(sorted(made))}: metrics stand in metrics.py, one list")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "labels":
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                if told := {last_word(part) for part in ast.walk(argument)} & NEVER_LABELS:
                    yield source.at(node, f"{', '.join(sorted(told))} as a label: labels are closed sets")


def is_named_for_what_it_answers(source: Source) -> Iterator[str]:
    """No module and no package is called utils, helpers, common, base, manager or info."""
    for part in source.path.removesuffix(".py").split("/"):
        if BANNED_NAMES & set(part.lower().split("_")):
            yield f"{source.path}:1: `{part}` does not say what it answers"


RULES: Final[tuple[Rule, ...]] = (
    catches_no_more_than_it_knows,
    publishes_only_in_the_runtime,
    logs_only_what_is_allowed,
    waives_no_gate,
    handlers_only_hand_over,
    domain_is_pure,
    has_no_any_on_the_wire_or_in_the_rules,
    metrics_have_one_list,
    is_named_for_what_it_answers,
)


def _names(node: ast.AST) -> set[str]:
    """Return the names that a node brings in or uses."""
    if isinstance(node, ast.ImportFrom):
        return {alias.name for alias in node.names}
    return {last_word(node)}


def _catches_all(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_catches_all(one) for one in caught.elts)
    return caught is None or last_word(caught) in {"Exception", "BaseException"}


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
