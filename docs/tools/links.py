"""Every link of the built pages that stays within them must lead to a file, and to an anchor in it; every
picture says in words what it shows.

Sphinx checks the references that it resolves itself. This reads the HTML instead, so that it sees whatever
put a link or a picture there: templates, raw HTML, notebooks, and what a page loads from a network (nothing).
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Attributes that name a file which the browser loads in order to show the page.
LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}


class Page(HTMLParser):
    """Anchors, links and pictures of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {"", "top"}
        self.links: list[tuple[str, bool]] = []  # address, and whether the page loads it by itself
        self.pictures: list[tuple[str, str]] = []  # address, and the words for it
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value is not None}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "img":
            self.pictures.append((values.get("src", ""), values.get("alt", "").strip()))
        loaded = {name for name in values if (tag, name) in LOADED}
        if tag == "link" and values.get("rel") not in ("stylesheet", "icon", "preload"):
            loaded = set()  # rel="next", "search", ...: a statement about the page, nothing to load
        for name in ("href", "src"):
            if name in values and (tag, name) != ("link", "href") or name in loaded:
                self.links.append((values[name], name in loaded))


def twins(folder: Path) -> list[str]:
    """Files that are one where names have no case (macOS, Windows); a sentence for each."""
    known: dict[str, str] = {}
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        other = known.setdefault(name.lower(), name)
        if other != name:
            found.append(f"{name} and {other} differ by case only")
    return found


def wordless(folder: Path) -> list[str]:
    """Pictures without alternative text; a sentence for each. Sphinx writes the address there if it is given
    none."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        for address, words in dict.fromkeys(Page(path.read_text(encoding="utf-8")).pictures):
            if not words or Path(words).name == Path(address).name:
                where = f"{path.relative_to(folder).as_posix()}: {address}"
                found.append(
                    f"{where} has no alternative text; a cell gives it to its figures by "
                    "mystnb={'image': {'alt': ...}}"
                )
    return found


def broken(folder: Path) -> list[str]:
    """What leads nowhere in the pages of a folder, and what they load from elsewhere; a sentence for each."""
    folder = folder.resolve()
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for address, loaded in dict.fromkeys(page.links):
            parts = urlsplit(address)
            where = f"{path.relative_to(folder).as_posix()}: {address}"
            if parts.scheme == "data" or parts.scheme and not loaded:
                continue
            if parts.scheme or parts.netloc:
                found.append(f"{where} is loaded from a network")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            if not target.is_file():
                found.append(f"{where} names no file")
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                found.append(f"{where} names no anchor of that page")
    return found
