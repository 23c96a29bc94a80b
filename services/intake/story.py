"""What the petitioner reads: where the petition stands, who has it, until when, and how it came there."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from contracts.bodies import Body, Catalogue
from contracts.calendar import day
from contracts.kinds import Outcome
from contracts.policies import Policy, published, title
from contracts.units import roster
from services.intake.domain import Docket, Event


class State(StrEnum):
    """Where a petition stands, in the order of the journey."""

    ACCEPTED = "accepted"
    TRIAGE = "in-triage"
    CONFERENCE = "in-conference"
    ROUTED = "routed"
    REFERRED = "referred"
    CASE_OPENED = "case-opened"
    IN_MEDIATION = "in-mediation"
    CONCLUDED = "concluded"
    ANSWERED = "answered"
    RATED = "rated"


# Nobody owes the petitioner anything more by a date.
ENDED: Final = frozenset({State.REFERRED, State.ANSWERED, State.RATED})
STATE_WORDS: Final = {
    State.ACCEPTED: "已登记受理",
    State.TRIAGE: "工作人员正在研究由哪个部门办理",
    State.CONFERENCE: "已提交信访工作联席会议研究",
    State.ROUTED: "已转交办理机构",
    State.REFERRED: "已移送有关单位",
    State.CASE_OPENED: "办理机构已立案",
    State.IN_MEDIATION: "正在办理",
    State.CONCLUDED: "已办结，即将答复",
    State.ANSWERED: "已答复，请您评价",
    State.RATED: "已完成",
}
OUTCOMES: Final = {
    "settled": "双方达成和解",
    "supported": "诉求得到支持",
    "explained": "已作解释说明",
    "not-supported": "诉求未获支持",
}
SESSIONS: Final = {
    "mediation": "调解",
    "site-visit": "实地走访",
    "reception": "领导接访",
    "joint-meeting": "联合会商",
}
OFFICES: Final = {"discipline-inspection": "纪检监察机关", "petition-office": "市信访局"}
STEPS: Final = {"accept": "受理", "finish": "办结"}
PETITION_OFFICE: Final = "市信访局"
CONFERENCE_OFFICE: Final = "信访工作联席会议办公室"
RETURN_REASONS: Final = {
    "not-our-matter": "不属于其职责",
    "other-area": "属于其他区域",
    "court-matter": "属于诉讼事项",
    "already-handled": "已由其他单位办理",
    "several-bodies": "涉及多个单位",
}
GROUNDS: Final = {
    "transfers-exhausted": "几个单位都认为不属于自己的职责",
    "bodies-disagree": "几个单位意见不一致",
    "several-departments": "需要多个部门一起办理",
    "escalated": "需要上级协调",
}
OCCASIONS: Final = {
    "": "",
    "returned": "原办理机构提出异议，经核实同意，",
    "supplemented": "根据您补充的情况，",
    "conference": "经联席会议研究决定，",
    "reconsidered": "经重新研究，",
}
TIERS: Final = {"township": "乡镇（街道）", "county": "区县", "city": "市", "province": "省"}
SENTENCES: Final = {
    "PetitionRegistered": "您反映的事项已登记。",
    "PetitionAccepted": "您反映的事项已受理。",
    "PetitionSupplemented": "已收到您第{number}次补充的情况。",
    "PetitionSentToTriage": "工作人员正在研究由哪个部门办理，确定后会告诉您。",
    "PetitionRouted": "{occasion}已转交{body}办理{why}。",
    "ReturnAgreed": "{body}提出该事项{reason}，经核实同意其意见。",
    "ReturnRefused": "经核实，该事项仍由{body}办理。",
    "PetitionPutToConference": "因{ground}，已提交信访工作联席会议研究。",
    "ConferenceDecided": "联席会议决定由{body}牵头办理{helpers}。",
    "PetitionEscalated": "已提请{tier}一级协调办理。",
    "PetitionReferred": "已移送{office}。",
    "PetitionJoinedCampaign": "与您的事项类似的问题正在集中研究解决，您的事项也在其中，结果会单独答复您。",
    "PetitionLeftCampaign": "您的事项不再与其他事项一并研究，由办理机构单独办理。",
    "CaseOpened": "{body}已立案，最迟{due}办结。",
    "CaseReturned": "{body}认为该事项{reason}，已提出异议，正在核实。",
    "CaseAccepted": "办理人员已接手。",
    "SessionHeld": "已进行第{number}次{kind}。",
    "CaseConcluded": "办理结果：{outcome}。",
    "CaseAnswered": "已书面答复您{applied}。如有不同意见，可在{review_by}前申请复查。",
    "CaseOverdue": "{step}已超过期限，信访部门正在督办。",
    "PetitionRated": "您的评价：{score}分（满分5分）。感谢您的反馈。",
}
_TABLES: Final = {
    "office": OFFICES,
    "kind": SESSIONS,
    "outcome": OUTCOMES,
    "step": STEPS,
    "reason": RETURN_REASONS,
    "ground": GROUNDS,
    "occasion": OCCASIONS,
    "tier": TIERS,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story."""

    at: datetime
    fact: str
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """The whole of it; `due` is when the present step or the whole must be done, None when all is done.

    `content` is what the petitioner wrote; `sms_unusable` tells that no SMS reaches the number he gave.
    """

    petition_id: str
    title: str
    state: State
    owner: str
    body: Body | None
    body_name: str | None
    body_phone: str | None
    due: datetime | None
    outcome: Outcome | None
    review_by: datetime | None
    score: int | None
    lines: tuple[Line, ...]
    content: str
    sms_sent: int
    sms_unusable: bool
    policy: Policy | None


def tell(docket: Docket, catalogue: Catalogue) -> Story:
    """Tell the story of a docket, all streams woven together by time."""
    streams = (docket.own.events, docket.routing.events, docket.mediation.events)
    events = sorted((event for stream in streams for event in stream), key=_when)
    body = docket.routing.body
    entry = catalogue.entries[body] if body else None
    office = OFFICES.get(docket.routing.referred_to, "")
    return Story(
        petition_id=docket.petition,
        title=docket.dossier.title,
        state=state(docket),
        owner=office or (entry.name if entry else _between(docket)),
        body=body,
        body_name=entry.name if entry else None,
        body_phone=entry.phone if entry else None,
        due=None if state(docket) in ENDED else docket.mediation.due or docket.own.due,
        outcome=docket.mediation.outcome,
        review_by=docket.mediation.review_by,
        score=docket.own.score,
        lines=tuple(Line(event.at, event.fact, sentence(event, catalogue)) for event in events),
        content=docket.dossier.content,
        sms_sent=sum(sms.state in {"sent", "delivered"} for sms in docket.notify.sms),
        sms_unusable=any(sms.state in {"skipped", "undelivered"} for sms in docket.notify.sms),
        policy=_policy(docket),
    )


def _policy(docket: Docket) -> Policy | None:
    """Return the text that the answer applies, if what is published here is the very text that it named."""
    for event in docket.mediation.events:
        if "policy" in event.codes:
            policy = published().get((event.codes["policy"], int(event.codes["version"])))
            return policy if policy and policy.sha256 == event.codes["sha256"] else None
    return None


def state(docket: Docket) -> State:
    """Return where the petition stands: the furthest step that any stream tells of."""
    reached = (
        (docket.own.score is not None, State.RATED),
        (docket.mediation.answered, State.ANSWERED),
        (docket.mediation.outcome is not None, State.CONCLUDED),
        (docket.routing.in_conference, State.CONFERENCE),
        (docket.mediation.accepted, State.IN_MEDIATION),
        (docket.mediation.opened, State.CASE_OPENED),
        (bool(docket.routing.referred_to), State.REFERRED),
        (docket.routing.body is not None, State.ROUTED),
        (docket.routing.in_triage, State.TRIAGE),
    )
    return next((state for is_reached, state in reached if is_reached), State.ACCEPTED)


def _between(docket: Docket) -> str:
    return CONFERENCE_OFFICE if docket.routing.in_conference else PETITION_OFFICE


def sentence(event: Event, catalogue: Catalogue) -> str:
    """Return the Chinese sentence of one event."""
    return SENTENCES[event.fact].format_map(_words(event.codes, catalogue))


def _words(codes: dict[str, str], catalogue: Catalogue) -> dict[str, str]:
    """Turn the codes of an event into the words that its sentence needs."""
    words = {"occasion": "", **codes}  # lines kept by an earlier version have no occasion
    if "body" in codes:
        words["body"] = catalogue.name(Body(codes["body"]))
    if "reasons" in codes:
        words["why"] = f"（依据：{codes['reasons']}）" if codes["reasons"] else ""
    if "helpers" in codes:
        named = "、".join(roster().name(code) for code in codes["helpers"].split("、") if code)
        words["helpers"] = f"，{named}协办" if named else ""
    policy = (codes["policy"], int(codes["version"])) if "policy" in codes else None
    words["applied"] = f"：您的事项适用《{title(*policy)}》" if policy else ""
    for name, table in _TABLES.items():
        if name in codes:
            words[name] = table.get(codes[name], codes[name])
    for name in ("due", "review_by"):
        if name in codes:
            words[name] = day(datetime.fromisoformat(codes[name]))
    return words


def _when(event: Event) -> datetime:
    return event.at
