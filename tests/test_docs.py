"""What the documentation promises: its examples run, its index is complete, its links lead somewhere."""

import importlib
import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def tool(name: str):
    """A module of docs/tools, as the build of the documentation imports it."""
    places = [str(DOCS / "tools"), str(ROOT / "recipes")]
    sys.path[:0] = places
    try:
        return importlib.import_module(name)
    finally:
        for place in places:
            sys.path.remove(place)


links, names, equations, statements = map(tool, ("links", "names", "equations", "statements"))


def cells(page: Path) -> list[str]:
    """The sources of all cells of a page, without their options."""
    return re.findall(r"```\{code-cell\} ipython3\n(?::[^\n]*\n)*(.*?)```", page.read_text(), re.S)


def test_the_page_on_extending_runs_and_its_additions_are_short(tmp_path):
    sources = cells(DOCS / "extending.md")
    files = [cell for cell in sources if cell.startswith("# xglass/")]
    assert len(files) == 7
    for cell in files:
        lines = [line for line in cell.splitlines() if line.strip()]
        assert len(lines) <= 20, f"{lines[0]} takes {len(lines)} lines"
        home = ROOT / lines[0].removeprefix("# ")
        assert home.exists() or home.stem in ("ising", "enumeration"), f"{lines[0]} is no file of the tree"
    # A process of its own: what is registered here must not be there for other tests.
    (tmp_path / "extending.py").write_text("\n".join(sources))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    subprocess.run([sys.executable, "extending.py"], cwd=tmp_path, check=True, env=environment)


PAGE = '<html><head><link rel="stylesheet" href="{style}"></head><body id="here">{link}</body></html>'


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ('<a href="b.html#there">good</a>', None),
        ('<a href="#here">good</a>', None),
        ('<a href="https://somewhere.example/page">good: a reader may follow it</a>', None),
        ('<a href="b.html#gone">x</a>', "names no anchor"),
        ('<a href="#gone">x</a>', "names no anchor"),
        ('<a href="c.html">x</a>', "names no file"),
        ('<img src="gone.png">', "names no file"),
        ('<script src="https://cdn.example/mathjax.js"></script>', "loaded from a network"),
    ],
)
def test_a_broken_link_is_found(link, says, tmp_path):
    (tmp_path / "style.css").write_text("")
    (tmp_path / "a.html").write_text(PAGE.format(style="style.css", link=link))
    (tmp_path / "b.html").write_text('<html><body><h1 id="there">title</h1></body></html>')
    found = links.broken(tmp_path)
    assert (not found) if says is None else (len(found) == 1 and says in found[0])


def test_a_stylesheet_of_a_network_is_found(tmp_path):
    (tmp_path / "a.html").write_text(PAGE.format(style="//fonts.example/serif.css", link=""))
    assert "loaded from a network" in links.broken(tmp_path)[0]


@pytest.mark.parametrize(
    ("picture", "named"),
    [
        ('<img src="_images/a.png" alt="Resistivity against temperature">', True),
        ('<img src="_images/a.png">', False),
        ('<img src="_images/a.png" alt=" ">', False),
        ('<img src="_images/a.png" alt="_images/a.png">', False),  # what Sphinx writes if it knows nothing
        ('<img src="../_images/a.png" alt="_images/a.png">', False),
    ],
)
def test_a_picture_without_words_is_found(picture, named, tmp_path):
    (tmp_path / "a.html").write_text(f"<html><body>{picture}</body></html>")
    found = links.wordless(tmp_path)
    assert (not found) if named else (len(found) == 1 and "a.html" in found[0] and "alternative" in found[0])


def code(page: Path) -> list[str]:
    """The lines of all cells of a page, without empty ones."""
    return [line for cell in cells(page) for line in cell.splitlines() if line.strip()]


def test_the_ten_lines_are_the_same_everywhere():
    """README, front page and tutorial; the README's are run by tests/test_recipes.py."""
    example = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[0]
    lines = [line for line in example.splitlines() if line.strip()]
    assert len(lines) == 10
    assert code(DOCS / "index.md") == lines
    assert code(DOCS / "tutorials" / "relaxation_time.md")[:10] == lines


def test_the_resistivity_takes_twenty_lines_and_ends_in_a_number_with_error_and_unit(tmp_path):
    lines = code(DOCS / "tutorials" / "resistivity.md")
    assert len(lines) <= 20
    (tmp_path / "example.py").write_text("\n".join(lines))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        check=True,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert re.fullmatch(r"T = 600 K: \d+\(\d+\) microohm cm", done.stdout.splitlines()[-1])
    assert (tmp_path / "resistivity.png").read_bytes().startswith(b"\x89PNG")


def test_every_recipe_has_a_card():
    recipes = sorted(path for path in (ROOT / "recipes").glob("*.py") if not path.name.startswith("_"))
    page = tool("pages").recipe_list(recipes)
    for recipe in recipes:
        title = recipe.read_text().splitlines()[1].removeprefix("# # ")
        assert f":::{{grid-item-card}} {title}\n:link: /_generated/recipes/{recipe.stem}\n" in page
    assert page.count(":img-alt:") == len(recipes)
    sentences = re.findall(r"img-alt: [^\n]*\n\n([^\n]*)\n:::", page)
    assert len(sentences) == len(recipes)
    assert all(re.fullmatch(r"[A-Z].{30,}[.?]", sentence) for sentence in sentences), sentences


def test_every_public_name_has_a_group():
    listed = [name for group in names.grouped().values() for name in group]
    assert len(set(listed)) == len(listed)
    assert {"metropolis", "fits.arrhenius", "lattice.coulomb", "store.evaluate"} <= set(listed)


def test_a_name_without_a_group_is_an_error(monkeypatch):
    monkeypatch.setattr(names, "GROUPS", {"Fits": ["fits"], "Others": ["no_such_name"]})
    with pytest.raises(LookupError, match="metropolis.*not public: .'no_such_name'"):
        names.grouped()


def test_no_two_pages_of_names_differ_by_case_only():
    """A disk on which names have no case would keep one of them, and show it for both."""
    pages = names.pages()
    assert [*pages] == [name for group in names.grouped().values() for name in group]
    assert len({page.lower() for page in pages.values()}) == len(pages)
    assert pages["store.progress"] == "xglass.store.progress"  # functions keep their address
    assert pages["store.Progress"].lower() != "xglass.store.progress"
    others = {page for name, page in pages.items() if name != "store.Progress"}
    assert others == {f"xglass.{name}" for name in pages if name != "store.Progress"}


def test_the_build_writes_the_pages_of_names_there(tmp_path, monkeypatch):
    """What autosummary is told, and what is not swept away as left over."""
    written = tool("pages")
    monkeypatch.setattr(written, "GENERATED", tmp_path / "_generated")
    monkeypatch.setattr(written, "DOCS", tmp_path)
    monkeypatch.setattr(written, "draw", lambda picture: None)
    monkeypatch.setattr(written, "executed", dict)
    api = tmp_path / "_generated" / "api"
    api.mkdir(parents=True)
    for page in [*names.pages().values(), "xglass.gone"]:
        (api / f"{page}.rst").write_text("")
    config = types.SimpleNamespace()
    written.generate(None, config)
    assert config.autosummary_filename_map["xglass.store.Progress"] == names.pages()["store.Progress"]
    assert {path.stem for path in api.iterdir()} == {*config.autosummary_filename_map.values()}
    assert not links.twins(tmp_path)


def test_files_that_differ_by_case_only_are_found(tmp_path):
    (tmp_path / "api").mkdir()
    for name in ("api/a.html", "api/A.html", "api/b.html", "a.html"):
        (tmp_path / name).write_text("")
    assert links.twins(tmp_path) == ["api/a.html and api/A.html differ by case only"]


def test_the_picture_of_the_house_has_every_room_and_door(tmp_path):
    house = tool("house")
    assert sorted(house.floors()) == sorted(house.rooms())
    house.draw(tmp_path / "house.svg")
    assert "compile" in (tmp_path / "house.svg").read_text()


def test_the_functions_of_the_index_of_equations_exist():
    assert not equations.unknown()


def test_every_function_with_an_equation_is_in_the_index():
    assert not equations.missing()


def test_gaps_in_the_index_are_found(monkeypatch):
    page = equations.PAGE.read_text()
    without = page.replace("{func}`xglass.dmft`", "")
    assert without != page
    assert [name for name, _ in equations.missing(without)] == ["dmft"]
    assert equations.unknown(page + "{func}`xglass.no_such_function`") == ["no_such_function"]


def statement(where, claim, verdict="met", **changes):
    row = {"claimed": [1.0, None], "found": 2.0, "error": 0.1, "unit": "tc", "at": {}, "reason": "because"}
    return row | {"where": where, "claim": claim, "verdict": verdict} | changes


def test_the_page_of_statements_has_a_table_for_each_paper(tmp_path):
    """In the order of the paper, with counts, and a link to the recipe of each."""
    fratini, rammal, _ = statements.PAPERS
    first = [
        statement("Fig. 10", "tenth"),
        statement("Fig. 2 (b)", "a | b < $c$", "contradicted", error=0.0, at={"T": 0.5}),
    ]
    second = [statement("Fig. 2 (a)", "second", "not decidable", found=None)]
    files = []
    for recipe, paper, rows in (
        ("one", rammal, first),
        ("two", rammal, second),
        ("three", fratini, first[:1]),
    ):
        files.append(tmp_path / f"{recipe}_statements.json")
        files[-1].write_text(json.dumps({"recipe": recipe, "paper": paper, "statements": rows}))
    page = statements.page(files)
    glass, levels, _ = page.split("## ")[1:]
    assert glass.startswith("Fratini, Driscoll, Ciuchi and Ralko\n\n*A quantum theory")
    assert "1 statement: 1 met, 0 contradicted, 0 not decidable." in glass
    assert "3 statements: 1 met, 1 contradicted, 1 not decidable." in levels
    lines = [line for line in levels.splitlines() if line.startswith("| Fig")]
    assert [line.split(" | ")[0] for line in lines] == ["| Fig. 2 (a)", "| Fig. 2 (b)", "| Fig. 10"]
    assert lines[1].split(" | ")[1:] == [
        r"a \| b \< \$c\$",
        "**contradicted**: because",
        "> 1 tc",
        "2 tc at T = 0.5",
        "{doc}`/_generated/recipes/one` |",
    ]
    assert "2.00 ± 0.10 tc" in lines[2]
    assert "no value" in lines[0]
    assert "recipes/two`" in lines[0]
