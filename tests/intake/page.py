"""Reads one of the pages strictly: every tag closed where it must be, every id and reference whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

VOID: Final = {"meta", "input", "link", "br", "hr", "img"}
FIELDS: Final = {"input", "select", "textarea"}
# Inside a paragraph only phrases may stand: a browser would end the paragraph before anything else.
PHRASES: Final = {"a", "strong", "time", "br", "em"}


@dataclass
class Element:
    """One element with its attributes and the text inside it."""

    tag: str
    attributes: dict[str, str | None]
    within: tuple[str, ...]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """The elements of a page in their order, and what is wrong with it."""

    source: str
    elements: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        if not self.source.startswith("<!doctype html>"):
            self.faults.append("no doctype")
        self.feed(self.source)
        self.close()
        self.faults.extend(f"<{element.tag}> is never closed" for element in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element; called by the parser."""
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice")
        within = tuple(element.tag for element in self._open)
        if "p" in within and tag not in PHRASES:
            self.faults.append(f"<{tag}> stands in a paragraph")
        element = Element(tag, dict(attrs), within)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close an element; called by the parser."""
        if not self._open or self._open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes nothing")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Note text; called by the parser."""
        for element in self._open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        """The elements with one of these tags."""
        return [element for element in self.elements if element.tag in tags]

    def one(self, tag: str) -> Element:
        """The only element with this tag."""
        (element,) = self.all(tag)
        return element

    def by_id(self, name: str) -> Element:
        """The only element with this id."""
        (element,) = [e for e in self.elements if e.attributes.get("id") == name]
        return element

    def typed(self) -> dict[str, str]:
        """What stands in the fields of the page's form."""
        values = {
            e.attributes["name"] or "": e.attributes.get("value") or ""
            for e in self.all("input")
            if e.attributes.get("type") != "radio"
        }
        # A browser drops the first line end of a textarea.
        values |= {e.attributes["name"] or "": e.text.removeprefix("\n") for e in self.all("textarea")}
        chosen = [e for e in self.all("option") if "selected" in e.attributes]
        return values | ({"area": chosen[0].attributes["value"] or ""} if chosen else {})

    def unlabelled(self) -> list[Element]:
        """The fields that a person sees and that nothing names."""
        named = {e.attributes.get("for") for e in self.all("label")}
        return [
            e
            for e in self.all(*FIELDS)
            if e.attributes.get("type") != "hidden"
            and e.attributes.get("id") not in named
            and "label" not in e.within
        ]

    def dangling(self) -> set[str]:
        """References to ids that the page does not have exactly once."""
        ids = [e.attributes["id"] for e in self.elements if "id" in e.attributes]
        wanted = {
            name
            for e in self.elements
            for attribute in ("for", "aria-describedby", "aria-labelledby")
            for name in (e.attributes.get(attribute) or "").split()
        }
        wanted |= {h[1:] for e in self.all("a") if (h := e.attributes.get("href") or "").startswith("#")}
        return {name for name in wanted if ids.count(name) != 1} | {str(i) for i in ids if ids.count(i) > 1}
