"""What every web page of the services shares: templates, headers, forms, and who wants a page at all.

Pages have no scripts: a form is posted and leads back to a page, so they work on an old telephone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.datastructures import FormData

from contracts import calendar

# Nobody keeps, frames or scripts a page that shows what somebody wrote to the city.
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FORM: Final = "application/x-www-form-urlencoded"
_SEE_OTHER: Final = 303


class Templates:
    """The templates beside a service's code; `names` are what all of them may look things up in.

    Every template has the filters `date` and `minute`, in the city's time.
    """

    def __init__(self, folder: Path, names: Mapping[str, object] | None = None) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"date": calendar.day, "minute": calendar.minute}
        self._environment.globals |= names or {}

    def page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 (Jinja takes anything)
        """Render one page."""
        text = self._environment.get_template(name).render(**values)
        return HTMLResponse(text, status_code=status, headers=HEADERS)


def wanted(accept: str) -> bool:
    """Whether a caller is a browser: its Accept header names HTML before JSON, or not JSON at all."""
    html, json = accept.find("text/html"), accept.find("json")
    return html >= 0 and (json < 0 or html < json)


def back_to(address: str) -> RedirectResponse:
    """Lead back to a page after a form, so that loading it again posts nothing twice."""
    return RedirectResponse(address, status_code=_SEE_OTHER, headers=HEADERS)


async def form(request: Request) -> FormData:
    """Return a form as our pages send it; one of another kind has no fields.

    A multipart form may name any of Python's encodings: some fail, some give halves of surrogate pairs, and
    what cannot be decoded would become another text.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return await request.form() if kind == _FORM else FormData()


async def fields(request: Request) -> dict[str, str]:
    """Return a form's fields that are text, the last of each name."""
    return {name: value for name, value in (await form(request)).items() if isinstance(value, str)}
