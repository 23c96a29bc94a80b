"""What comes in from people as JSON: submit, look up, rate; and the staff's reading of a dossier."""

import ipaddress
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from contracts import areas, dossiers, identity
from contracts.bodies import catalogue
from contracts.calendar import here
from contracts.identity import PetitionId
from contracts.kinds import STAFF_CHANNELS, Channel, Outcome
from contracts.policies import Policy
from runtime import problems, tracing
from runtime.access import SCHEME, Gate, Role, Staff
from runtime.consume import Clash, Stated
from runtime.http import WHOLE, raise_for
from runtime.pages import wanted
from runtime.problems import FieldError, Problem
from runtime.process import Process
from runtime.service import Refused
from services.intake import domain
from services.intake.codes import Codes, shown
from services.intake.settings import Settings
from services.intake.store import REQUEST_FIELD, find_by_request
from services.intake.story import OUTCOMES, STATE_WORDS, Story, tell

if TYPE_CHECKING:
    from services.intake.pages import Pages

problems.know(
    {
        "no-such-petition": ("编号或查询码不正确", "请核对受理编号和查询码后再试，或拨打 12345 查询。"),
        "key-reused": ("该请求标识已用于另一件事项", "请更换 Idempotency-Key 后重新提交。"),
        "not-answered-yet": ("该事项尚未答复", "收到答复后即可评价。"),
        "already-answered": ("该事项已有答复或已移送", "如有新的情况，请另行提交，或拨打 12345。"),
        "supplement-too-long": ("补充的内容太多", "请缩短内容，或把材料交给办理机构。"),
        "already-rated": ("您已评价过", "每件事项评价一次，感谢您的反馈。"),
        "not-your-petition": ("该事项不由贵机构办理", "请向市信访局了解该事项的办理机构。"),
        "wrong-media-type": ("请求格式不正确", "请把 Content-Type 设为 application/json，并以 JSON 提交。"),
        "staff-only-channel": ("该登记途径仅限工作人员使用", "请使用 network，或由工作人员登录后登记。"),
    }
)
REFUSALS: Final = {
    "no-such-petition": 404,
    "not-answered-yet": 409,
    "already-rated": 409,
    "already-answered": 409,
    "supplement-too-long": 422,
    "not-your-petition": 403,
    "id-taken": 409,
}
WAYS_TO_RETRY: Final = 5
PUBLIC_RECEIVER: Final = "petition-office"
NO_STORE: Final = {"Cache-Control": "no-store"}
PAGE_TOO: Final[dict[str, Any]] = {"content": {"text/html": {"schema": {"type": "string"}}}}
# Control characters and halves of surrogate pairs: nobody types them, and no reader could store or show them.
# U+FFFD stands where bytes of another encoding were no text: what was meant is lost already.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
# A text of these alone looks empty. Unassigned code points are no such: newer characters of names are there.
_INVISIBLE: Final = frozenset({"Cf", "Zs", "Zl", "Zp", "Cc"})
# [default] Who signs with a number hears of the outcome; more signatures than this come as a count.
MOST_CO_SIGNERS: Final = 200
# One household or office has a whole network of this size to itself, and any address in it to call from.
_IPV6_NETWORK: Final = 64


# What the interface description can say of it; beyond that, texts are composed (NFC) before they are
# measured, and one of invisible characters alone is empty.
TYPED: Final[dict[str, Any]] = {"pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]*$"}


def clean(text: object) -> object:
    """Return a text as it was meant: composed form, one kind of line end, nothing around it.

    Runs before the lengths are checked, since composing changes them. What is no text is left to the field.
    Raises FieldError on control characters.
    """
    if not isinstance(text, str):
        return text
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    if _CONTROL.search(text):
        raise FieldError("含有电脑不能识别的字符，请删掉后重新输入")
    seen = any(unicodedata.category(c) not in _INVISIBLE for c in text)
    return text.strip() if seen else ""


def one_line(text: object) -> object:
    """Return a text as `clean` does, on one line."""
    text = clean(text)
    return " ".join(text.split()) if isinstance(text, str) else text


class Petitioner(BaseModel):
    """A person and where an SMS reaches them."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=100, examples=["王秀英"], json_schema_extra=TYPED)
    phone: str = Field(min_length=3, max_length=40, examples=["13800138000"], json_schema_extra=TYPED)

    _line = field_validator("name", "phone", mode="before")(one_line)


class Submission(BaseModel):
    """One petition as it comes in."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    title: str = Field(
        min_length=1, max_length=200, examples=["小区二次供水水质浑浊"], json_schema_extra=TYPED
    )
    content: str = Field(min_length=1, max_length=20_000, json_schema_extra=TYPED)
    channel: Channel = Channel.NETWORK
    area: str | None = Field(
        default=None,
        examples=["430112"],
        description="administrative code",
        json_schema_extra={"pattern": areas.PATTERN},
    )
    petitioner: Petitioner
    signatories: Annotated[
        int, Field(ge=1, le=1_000_000, strict=True, description="people who signed, one included"), WHOLE
    ] = 1
    representatives: tuple[Petitioner, ...] = Field(
        default=(),
        description="who speaks for a group, the petitioner not included (Regulations art. 20: at most 5)",
        json_schema_extra={"maxItems": domain.MOST_REPRESENTATIVES},
    )
    co_signers: tuple[Petitioner, ...] = Field(
        default=(),
        description="who signed and can be reached; they hear of registration and outcome",
        json_schema_extra={"maxItems": MOST_CO_SIGNERS},
    )

    _line = field_validator("title", mode="before")(one_line)
    _clean = field_validator("content", mode="before")(clean)

    @field_validator("representatives", "co_signers", mode="before")
    @classmethod
    def _few(cls, people: object, info: ValidationInfo) -> object:
        most = domain.MOST_REPRESENTATIVES if info.field_name == "representatives" else MOST_CO_SIGNERS
        if isinstance(people, list | tuple) and len(people) > most:
            raise FieldError(f"最多 {most} 人")
        return people

    @field_validator("area")
    @classmethod
    def _known(cls, code: str | None) -> str | None:
        if code is not None and not areas.is_area(code):
            raise FieldError("没有这个区域代码，请填写长沙市的区县代码，例如 430102")
        return code

    def others(self) -> tuple[domain.Person, ...]:
        """Return who stands beside the petitioner."""
        roles = (
            (dossiers.Role.REPRESENTATIVE, self.representatives),
            (dossiers.Role.CO_SIGNER, self.co_signers),
        )
        return tuple(
            person
            for role, people in roles
            for person in domain.beside(role, ((one.name, one.phone) for one in people))
        )

    def as_asked(self) -> str:
        """Return what makes two requests the same; of fields that came later only those that are used."""
        unused = {name for name in ("representatives", "co_signers") if not getattr(self, name)}
        return self.model_dump_json(exclude=unused)


class Receipt(BaseModel):
    """What the petitioner keeps: the number to say and the code to look up with."""

    petition_id: str
    query_code: str


class Supplement(BaseModel):
    """What the petitioner adds to his text."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: str = Field(min_length=1, max_length=10_000, json_schema_extra=TYPED)

    _clean = field_validator("text", mode="before")(clean)


class Rating(BaseModel):
    """1 (not at all satisfied) to 5 (very satisfied)."""

    model_config = ConfigDict(extra="forbid")

    score: Annotated[int, Field(ge=1, le=5, strict=True), WHOLE]


class StoryLine(BaseModel):
    """One line of the story; `fact` names what happened, `text` says it."""

    at: datetime
    fact: str
    text: str


class PolicyView(BaseModel):
    """The published common policy that the answer applies, word for word."""

    code: str
    version: int
    title: str
    issued: str
    basis: str
    text: str


class StoryView(BaseModel):
    """Where a petition stands and how it came there."""

    petition_id: str
    title: str
    state: str
    state_text: str
    owner: str
    body: str | None
    body_name: str | None
    due: datetime | None
    outcome: Outcome | None
    outcome_text: str | None
    review_by: datetime | None
    score: int | None
    policy: PolicyView | None
    story: list[StoryLine]


class PersonView(BaseModel):
    """A representative or somebody who signed."""

    role: dossiers.Role
    name: str
    phone: str


class DossierView(BaseModel):
    """The personal part, for the staff who handle the petition."""

    petition_id: str
    name: str
    phone: str
    title: str
    content: str
    others: list[PersonView]


ReadingReason = Literal["handling", "routing", "reception", "supervision", "audit"]


@dataclass(frozen=True)
class Desk:
    """What both the JSON interface and the pages do."""

    process: Process
    settings: Settings
    codes: Codes

    async def submit(
        self, submission: Submission, *, key: str | None, received_by: str, traceparent: str | None
    ) -> Receipt:
        """Register a petition, once per key; raises Problem 422 if the key was used for something else."""
        request = self.codes.keyed("request", key or secrets.token_hex(16))
        payload = self.codes.keyed("payload", submission.as_asked())
        code, salt = self.codes.code(request), secrets.token_hex(8)
        asked = domain.Submission(
            name=submission.petitioner.name,
            phone=submission.petitioner.phone,
            title=submission.title,
            content=submission.content,
            channel=submission.channel,
            area=submission.area,
            signatories=submission.signatories,
            first_receiver=received_by,
            request=request,
            payload=payload,
            code_salt=salt,
            code_hash=self.codes.hash(salt, code),
            tell_within=self.settings.tell_within,
            finish_within=self.settings.finish_within,
            others=submission.others(),
        )
        for _ in range(WAYS_TO_RETRY):
            petition = identity.make(self.process.clock.now(), secrets.randbelow(identity.CHANCE_RANGE))
            with tracing.span("submit", traceparent) as context:
                answer = await self.process.commands.ask(
                    petition,
                    lambda docket, now: domain.decide_submit(docket, asked, now),
                    cause="http",
                    traceparent=context,
                    fresh=True,
                )
            if isinstance(answer, Stated):
                return Receipt(petition_id=petition, query_code=shown(code))
            if isinstance(answer, Clash) and answer.index == REQUEST_FIELD:
                return Receipt(petition_id=await self._repeated(request, payload), query_code=shown(code))
            if not isinstance(answer, Refused):
                raise_for(answer, REFUSALS)
        raise Problem(503, "unavailable", retry_after=1)

    async def _repeated(self, request: str, payload: str) -> PetitionId:
        record = await find_by_request(self.process.store, request)
        if record is None:
            raise Problem(503, "unavailable", retry_after=1)
        if record.parts["own"].payload != payload:
            raise Problem(422, "key-reused")
        return record.petition

    async def opened(self, said_id: str, said_code: str, address: str) -> domain.Docket:
        """Return the docket that number and code open; wrong ones are counted and look all alike."""
        petition = identity.parse(said_id)
        now, store = self.process.clock.now(), self.process.store
        # What is no number at all is counted for its sender alone: it must not shut out all who mistype.
        aimed = petition or f"none:{address}"
        keys = tuple(f"{k}:{self.codes.keyed(k, v)}" for k, v in (("address", address), ("petition", aimed)))
        limits = (self.settings.tries_per_address, self.settings.tries_per_petition)
        used = await store.used(keys, now)
        if any(count >= limit for count, limit in zip(used, limits, strict=True)):
            window = int(self.settings.tries_window.total_seconds())
            raise Problem(429, "too-many-tries", retry_after=window)
        record = (await store.load([petition]))[petition] if petition else None
        dossier = record.parts["dossier"] if record else domain.Dossier()
        # The same work is done for a number that does not exist, so that time tells nothing.
        fits = self.codes.fits(said_code, salt=dossier.code_salt, kept=dossier.code_hash)
        if record is None or not fits:
            await store.count(keys, self.settings.tries_window, now)
            raise Problem(404, "no-such-petition")
        docket: domain.Docket = self.process.service.assemble(record.petition, record.parts)
        return docket

    async def supplement(
        self, docket: domain.Docket, text: str, key: str | None, traceparent: str | None = None
    ) -> None:
        """Add to a petition's text, once per key; raises Problem if it is too late or too much."""
        said = f"{docket.petition}:{key or secrets.token_hex(16)}"
        request = self.codes.keyed("supplement", said)
        answer = await self.process.commands.ask(
            docket.petition,
            lambda docket, now: domain.decide_supplement(docket, text, request, now),
            cause="http",
            traceparent=traceparent,
        )
        raise_for(answer, REFUSALS)

    async def rate(self, docket: domain.Docket, score: int, traceparent: str | None = None) -> None:
        """Record a rating; raises Problem 409 if there is nothing to rate or it was rated."""
        answer = await self.process.commands.ask(
            docket.petition,
            lambda docket, now: domain.decide_rate(docket, score, now),
            cause="http",
            traceparent=traceparent,
        )
        raise_for(answer, REFUSALS)

    def story(self, docket: domain.Docket) -> Story:
        """Tell a docket's story."""
        return tell(docket, catalogue())


def json_only(content_type: Annotated[str, Header(include_in_schema=False)] = "") -> None:
    """Refuse a body that does not say that it is JSON, in words that name the cause."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Problem(415, "wrong-media-type")


def routes(desk: Desk, gate: Gate, pages: "Pages") -> APIRouter:
    """Make the JSON routes."""
    router = APIRouter()

    @router.post(
        "/petitions",
        status_code=201,
        tags=["petitioners"],
        dependencies=[Depends(json_only)],
        responses=problems.documented(400, 401, 403, 409, 415),
        openapi_extra={"security": [{}, {SCHEME.scheme_name: []}]},  # anybody, or staff with a token
    )
    async def submit(
        submission: Submission,
        response: Response,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
        authorization: Annotated[str, Header(include_in_schema=False)] = "",
        traceparent: Annotated[str | None, Header()] = None,
    ) -> Receipt:
        """Submit a petition. The same Idempotency-Key never makes two."""
        received_by = PUBLIC_RECEIVER
        if authorization:
            staff = gate.read(authorization)
            received_by = staff.unit or staff.who
        elif submission.channel in STAFF_CHANNELS:
            raise Problem(403, "staff-only-channel")
        response.headers.update(NO_STORE)
        return await desk.submit(
            submission, key=idempotency_key, received_by=received_by, traceparent=traceparent
        )

    @router.get(
        "/petitions/{petition_id}",
        response_model=StoryView,
        tags=["petitioners"],
        responses={200: PAGE_TOO, **problems.documented(404, 429)},
    )
    async def look_up(
        request: Request,
        petition_id: str,
        code: Annotated[str, Query(max_length=64)] = "",
        x_query_code: Annotated[str, Header(max_length=64)] = "",
    ) -> Response:
        """Tell where a petition stands: JSON, or a plain page if the browser asks for one."""
        if wanted(request.headers.get("accept", "")) and not (x_query_code or code):
            return pages.query(petition_id)  # the link in an SMS: the number is known, the code is asked for
        docket = await desk.opened(petition_id, x_query_code or code, address_of(request))
        story = desk.story(docket)
        if wanted(request.headers.get("accept", "")):
            return pages.story(story, code=x_query_code or code)
        return JSONResponse(view(story).model_dump(mode="json"), headers=NO_STORE)

    @router.post(
        "/petitions/{petition_id}/rating",
        status_code=204,
        tags=["petitioners"],
        dependencies=[Depends(json_only)],
        responses=problems.documented(400, 404, 409, 415, 429),
    )
    async def rate(
        request: Request,
        petition_id: str,
        rating: Rating,
        code: Annotated[str, Query(max_length=64)] = "",
        x_query_code: Annotated[str, Header(max_length=64)] = "",
    ) -> None:
        """Rate the answer, once."""
        docket = await desk.opened(petition_id, x_query_code or code, address_of(request))
        await desk.rate(docket, rating.score)

    @router.post(
        "/petitions/{petition_id}/supplement",
        status_code=204,
        tags=["petitioners"],
        dependencies=[Depends(json_only)],
        responses=problems.documented(400, 404, 409, 415, 429),
    )
    async def supplement(
        request: Request,
        petition_id: str,
        supplement: Supplement,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
        code: Annotated[str, Query(max_length=64)] = "",
        x_query_code: Annotated[str, Header(max_length=64)] = "",
    ) -> None:
        """Add to what was written. The same Idempotency-Key never adds twice."""
        docket = await desk.opened(petition_id, x_query_code or code, address_of(request))
        await desk.supplement(docket, supplement.text, idempotency_key)

    @router.get(
        "/petitions/{petition_id}/dossier",
        tags=["staff"],
        responses=problems.documented(401, 403, 404, 409),
    )
    async def dossier(
        petition_id: str,
        why: ReadingReason,
        response: Response,
        staff: Annotated[Staff, Depends(gate.staff(Role.MEDIATOR, Role.ROUTER, Role.CLERK, Role.LEADER))],
    ) -> DossierView:
        """Read the personal part; the reading is itself a fact."""
        petition = identity.parse(petition_id)
        if petition is None:
            raise Problem(404, "no-such-petition")
        reading = domain.Reading(reader=staff.who, role=staff.role, body=staff.body, why=why)
        answer = await desk.process.commands.ask(
            petition, lambda docket, now: domain.decide_read_dossier(docket, reading, now), cause="http"
        )
        raise_for(answer, REFUSALS)
        response.headers.update(NO_STORE)
        part = (await desk.process.store.load([petition]))[petition].parts["dossier"]
        return DossierView(
            petition_id=petition,
            name=part.name,
            phone=part.phone,
            title=part.title,
            content=part.content,
            others=[PersonView(role=one.role, name=one.name, phone=one.phone) for one in part.others],
        )

    return router


def view(story: Story) -> StoryView:
    """Return a story as JSON shows it."""
    return StoryView(
        petition_id=story.petition_id,
        title=story.title,
        state=story.state,
        state_text=STATE_WORDS[story.state],
        owner=story.owner,
        body=story.body,
        body_name=story.body_name,
        due=here(story.due) if story.due else None,
        outcome=story.outcome,
        outcome_text=OUTCOMES[story.outcome] if story.outcome else None,
        review_by=here(story.review_by) if story.review_by else None,
        score=story.score,
        policy=_policy_view(story.policy),
        story=[StoryLine(at=here(line.at), fact=line.fact, text=line.text) for line in story.lines],
    )


def _policy_view(policy: Policy | None) -> PolicyView | None:
    if policy is None:
        return None
    return PolicyView(
        code=policy.code,
        version=policy.version,
        title=policy.title,
        issued=policy.issued,
        basis=policy.basis,
        text=policy.text,
    )


def address_of(request: Request) -> str:
    """Return the caller's address (IPv6: its network), which is only counted under a keyed hash."""
    said = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(said)
    except ValueError:
        return said
    if isinstance(address, ipaddress.IPv4Address):
        return said
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _IPV6_NETWORK), strict=False).network_address)
