"""Shows the journeys as they stand in the streams: when, which service, which fact, and who is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from contracts import areas, dossiers, intake, mediation, notify, routing
from contracts.bodies import Body, catalogue
from contracts.fact import Fact
from contracts.kinds import Outcome
from contracts.topics import DOSSIERS, INTAKE, MEDIATION, NOTIFY, ROUTING
from local.demo import figures
from local.demo.drive import Ride
from local.demo.journeys import Journey
from local.demo.records import Sms
from local.demo.table import table, wrapped
from local.demo.verify import VIEWS, Lines, Read

WIDTH: Final = 100
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
STREAMS: Final = (DOSSIERS.name, INTAKE.name, ROUTING.name, MEDIATION.name, NOTIFY.name)
HEADS: Final = ("time", "service", "fact", "who is told")
COLUMNS: Final = (12, 9, 32, 41)
MOST_LINES: Final = 6
BULK_HEADS: Final = ("petition", "body", "end", "SMS", "title")
BULK_COLUMNS: Final = (17, 15, 22, 4, 34)
# They stand behind the SmsSent that they led to, and would only lengthen the tables.
LEFT_OUT: Final = (notify.SmsQueued, notify.SmsClaimed)
SATISFIED: Final = 4
# A problem is solved when the petitioner got what he asked for, not when it was explained away.
SOLVED: Final = frozenset({Outcome.SETTLED, Outcome.SUPPORTED})


@dataclass(frozen=True)
class Seen:
    """What the tables are made from: the messages by petition and topic, and the SMS by reference."""

    lines: Lines
    texts: Mapping[str, Sms]

    def facts(self, petition: str, kind: type[Fact]) -> list[Any]:
        """Return the facts of one kind about a petition, in their order."""
        line = self.lines.get(petition, {}).get(kind.TOPIC.name, ())
        return [found.message.fact for found in line if isinstance(found.message.fact, kind)]


def journey(asked: Journey, rides: Sequence[Ride], seen: Seen) -> str:
    """Return one journey: its heading, its table, and what is not yet there."""
    lines = ["", f"{asked.number}. {asked.name} ({asked.chinese})", f"   way in: {asked.way_in}", ""]
    lines.append(table(HEADS, rows(rides[0].petition_id, seen), COLUMNS, most=MOST_LINES))
    lines.append(f"   {_left_out(rides[0].petition_id, seen)}")
    if rides[1:]:
        lines += ["", "   The others of this journey:", ""]
        lines.append(table(BULK_HEADS, (_bulk(ride, seen) for ride in rides[1:]), BULK_COLUMNS))
        lines += ["", *_indented(solved(rides, seen), "   ")]
    lines += [f"   stuck: {ride.trouble}" for ride in rides if ride.trouble]
    for missing in asked.not_yet:
        lines += _indented(missing, "   not yet: ")
    return "\n".join(lines)


def rows(petition: str, seen: Seen) -> Iterable[tuple[str, str, str, str]]:
    """Yield the rows of a petition's table, all streams woven together by time."""
    topics = seen.lines.get(petition, {})
    messages = [found for topic in STREAMS for found in topics.get(topic, ())]
    for found in sorted(messages, key=_when):
        fact = found.message.fact
        if fact is not None and not isinstance(fact, LEFT_OUT):
            service = type(fact).TOPIC.writer
            yield _clock(fact.at), service, _said(fact), _told(fact, found, topics, seen)


def _when(found: Read) -> tuple[datetime, int]:
    return found.message.envelope.time, STREAMS.index(found.topic)


def _clock(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%H:%M:%S.") + f"{at.microsecond // 1000:03}"


def _day(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d")


def _said(fact: Fact) -> str:
    """Return the fact's name and the few codes that matter."""
    words = SAID.get(type(fact))
    return " ".join([type(fact).__name__, *filter(None, words(fact) if words else ())])


def _told(fact: Fact, found: Read, topics: Mapping[str, Sequence[Read]], seen: Seen) -> str:
    match fact:
        case notify.SmsSent():
            sms = seen.texts.get(fact.reference)
            return f"petitioner {masked(sms.to)}: {sms.text}" if sms else "nobody: not in the outbox"
        case notify.SmsSkipped():
            return "staff: the petitioner was not reached"
        case dossiers.DossierSaved():
            return f"{', '.join(DOSSIERS.readers)} alone"
        case routing.PetitionRouted():
            return f"mediation, for {_body(fact.body)}"
        case routing.PetitionSentToTriage() | routing.PetitionPutToConference() | routing.PetitionReferred():
            return _desk(fact)
    if found.topic == MEDIATION.name:
        # Who really has these bytes, not who should.
        views = [topic for topic in sorted(VIEWS & topics.keys()) if _holds(topics[topic], found)]
        return ", ".join(views) or "(no body)"
    return "all services"


def _desk(
    fact: routing.PetitionSentToTriage | routing.PetitionPutToConference | routing.PetitionReferred,
) -> str:
    if isinstance(fact, routing.PetitionReferred):
        return str(fact.office)
    return "the triage desk" if isinstance(fact, routing.PetitionSentToTriage) else "the joint conference"


def _holds(line: Sequence[Read], found: Read) -> bool:
    return any(copy.number == found.number for copy in line)


def masked(number: str) -> str:
    """Return a telephone number as it may be shown."""
    return f"{number[:-8]}****{number[-4:]}"


def _body(body: Body) -> str:
    return f"{body} {catalogue().name(body)}"


def _left_out(petition: str, seen: Seen) -> str:
    counts = Counter(type(fact).__name__ for kind in LEFT_OUT for fact in seen.facts(petition, kind))
    return "not shown: " + ", ".join(f"{count} {name}" for name, count in counts.items())


def _bulk(ride: Ride, seen: Seen) -> tuple[str, str, str, str, str]:
    concluded = seen.facts(ride.petition_id, mediation.CaseConcluded)
    cases = seen.facts(ride.petition_id, mediation.CaseOpened)
    end = str(concluded[-1].outcome) if concluded else f"open, due {_day(cases[-1].due)}" if cases else "open"
    body = f"{ride.body or '-'}{' (person)' if ride.by_person else ''}"
    sent = len(seen.facts(ride.petition_id, notify.SmsSent))
    return ride.petition_id, body, end, str(sent), ride.petition.title


def solved(rides: Sequence[Ride], seen: Seen) -> str:
    """Say the solved rate of an outreach, and what it divides by what."""
    ends = [seen.facts(ride.petition_id, mediation.CaseConcluded) for ride in rides]
    count = sum(bool(end) and end[-1].outcome in SOLVED for end in ends)
    return (
        f"Solved rate: {figures.said(count, len(rides))}: cases concluded as settled or supported, divided "
        f"by all problems collected on these visits; explained or open ones do not count as solved. The "
        f"same formula gives {figures.said(figures.REPORTED_SOLVED, figures.REPORTED_COLLECTED)} for the "
        f"report's figures."
    )


def summary(rides: Sequence[Ride], seen: Seen) -> str:
    """Return the whole in figures, each with its denominator."""
    ours = [ride.petition_id for ride in rides if ride.petition_id]
    by_topic = {
        topic: sum(len(seen.lines.get(petition, {}).get(topic, ())) for petition in ours) for topic in STREAMS
    }
    views = sum(
        len(line) for petition in ours for topic, line in seen.lines[petition].items() if topic in VIEWS
    )
    answered = [petition for petition in ours if seen.facts(petition, mediation.CaseAnswered)]
    rated = [fact.score for petition in ours for fact in seen.facts(petition, intake.PetitionRated)]
    happy = sum(score >= SATISFIED for score in rated)
    persons = sum(ride.by_person for ride in rides)
    slowest = max((_delay(petition, seen) for petition in ours), default=timedelta())
    facts = ", ".join(f"{count} {topic.removeprefix('petition-')}" for topic, count in by_topic.items())
    sms = sum(len(seen.facts(petition, notify.SmsSent)) for petition in ours)
    figured = {
        "petitions": f"{len(ours)} submitted, {len(answered)} answered, {len(ours) - len(answered)} open",
        "routed": f"{len(ours) - persons} by the machine, {persons} by a person at the triage desk",
        "facts": f"{sum(by_topic.values())}: {facts}",
        "bodies": f"{views} copies of case facts in the bodies' topics",
        "SMS": f"{sms} sent; the slowest {slowest.total_seconds():.1f} s after what it tells of",
        "satisfied": f"{figures.said(happy, len(rated))} of those who rated gave {SATISFIED} or 5; "
        f"{len(answered) - len(rated)} of {len(answered)} with an answer did not rate",
    }
    return "\n".join(["", "Summary", *(f"   {name:10} {text}" for name, text in figured.items())])


def _delay(petition: str, seen: Seen) -> timedelta:
    """Return the longest time from a fact to the SMS about it."""
    topics = seen.lines.get(petition, {})
    times = {
        found.message.envelope.id: found.message.envelope.time for line in topics.values() for found in line
    }
    causes = {fact.message: fact.cause for fact in seen.facts(petition, notify.SmsQueued)}
    sent = seen.facts(petition, notify.SmsSent)
    delays = (fact.at - times[causes[fact.message]] for fact in sent if causes.get(fact.message) in times)
    return max(delays, default=timedelta())


def _indented(text: str, head: str) -> list[str]:
    """Break a text that begins with `head`; its further lines stand below the first one's words."""
    first, *further = wrapped(text, WIDTH - len(head))
    return [head + first, *(" " * len(head) + line for line in further)]


def listed(texts: Iterable[str], head: str) -> str:
    """Return one text a line, each beginning with `head`."""
    return "\n".join(line for text in texts for line in _indented(text, head))


Words = Callable[[Any], tuple[str, ...]]
SAID: Final[Mapping[type[Fact], Words]] = {
    intake.PetitionRegistered: lambda f: (
        f.channel,
        areas.name(f.area) if f.area else "",
        f"{f.signatories:,} signatories" if f.signatories > 1 else "",
    ),
    intake.PetitionAccepted: lambda f: (f"due {_day(f.due)}",),
    intake.PetitionRated: lambda f: (f"{f.score} of 5",),
    intake.DossierRead: lambda f: (f"by {f.reader}", f"for {f.why}"),
    routing.PetitionRouted: lambda f: (
        f.body,
        f"by {f.decided_by}",
        f"({f.confidence:.0%})" if f.confidence is not None else "",
        "、".join(reason.term for reason in f.reasons[:3]),
    ),
    routing.PetitionSentToTriage: lambda f: (f.why, f"({f.confidence:.0%})", f"due {_day(f.due)}"),
    routing.PetitionPutToConference: lambda f: (f"item {f.item},", f.ground, f"due {_day(f.due)}"),
    routing.ConferenceDecided: lambda f: (
        f"{f.lead} leads,",
        f"{len(f.helpers)} help,",
        f"done by {_day(f.finish_by)}",
    ),
    routing.ConferenceFollowedUp: lambda f: (f.result,),
    routing.PetitionReferred: lambda f: (f"by {f.by}",),
    mediation.CaseOpened: lambda f: (f"due {_day(f.due)}",),
    mediation.CaseAccepted: lambda f: (f"by {f.handler}",),
    mediation.SessionHeld: lambda f: (
        f"{f.number}: {f.kind},",
        f"{f.participants} persons",
        f"of {len(f.units)} units" if f.units else "",
    ),
    mediation.CaseConcluded: lambda f: (f.outcome, "with a signed agreement" if f.agreement else ""),
    mediation.CaseAnswered: lambda f: (f"review until {_day(f.review_by)}",),
    mediation.CaseRated: lambda f: (f"{f.score} of 5",),
    mediation.CaseOverdue: lambda f: (f.step,),
    notify.SmsSent: lambda f: (f.message, f"{f.segments} segments" if f.segments > 1 else ""),
    notify.SmsNotSent: lambda f: (f.message, f.reason),
    notify.SmsUnknown: lambda f: (f.message,),
    notify.SmsSkipped: lambda f: (f.template, f.reason),
}
