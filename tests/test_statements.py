"""What the papers say, as data: verdicts are computed, malformed statements fail by the recipe's name."""

import importlib
import json
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
sys.path.insert(0, str(RECIPES))
try:
    statements = importlib.import_module("_statements")
finally:
    sys.path.remove(str(RECIPES))

MET, CONTRADICTED, UNDECIDED = statements.VERDICTS
T = xr.DataArray([0.1, 0.5, 1.0], dims="T", coords={"T": [0.1, 0.5, 1.0]})


def declared(full=False):
    return statements.Statements("some_recipe", statements.RAMMAL, Namespace(full=full))


def decide(claims, name="a claim", found=2.0, error=0.1, **changes):
    """Decide a statement that the file of the paper would declare with these changes."""
    said = {"where": "Fig. 1", "claim": name, "claimed": [1.0, np.inf], "reason": "because"} | changes
    claims.declared[name] = said
    return claims.decide(name, found, error)


@pytest.mark.parametrize(
    ("claimed", "within", "found", "error", "verdict"),
    [
        ((1.0, np.inf), None, 2.0, 0.3, MET),
        ((1.0, np.inf), None, 2.0, 0.34, UNDECIDED),
        ((1.0, np.inf), None, 0.0, 0.34, UNDECIDED),
        ((1.0, np.inf), None, 0.0, 0.3, CONTRADICTED),
        ((-np.inf, 1.0), None, 0.0, 0.3, MET),
        ((1.0, 2.0), None, 1.5, 0.2, UNDECIDED),  # the error is as wide as the interval
        ((1.0, 2.0), None, 3.0, 0.0, CONTRADICTED),
        ((1.0, 2.0), None, 2.0, 0.0, MET),
        (0.5, 0.15, 0.6, 0.01, MET),
        (0.5, 0.15, 0.7, 0.01, CONTRADICTED),
        ((1.0, np.inf), None, np.nan, 0.1, UNDECIDED),
        ((1.0, np.inf), None, np.nan, np.nan, UNDECIDED),
        ((1.0, np.inf), None, 2.0, np.inf, UNDECIDED),
        ((1.0, np.inf), None, np.inf, 0.0, UNDECIDED),
        ((1.0, np.inf), None, xr.DataArray(2.0), xr.DataArray(0.3), MET),
    ],
)
def test_three_standard_errors_decide(claimed, within, found, error, verdict):
    assert decide(declared(), found=found, error=error, claimed=claimed, within=within) == verdict


@pytest.mark.parametrize(
    ("found", "error", "verdict", "at"),
    [
        ([2.0, 3.0, 1.8], 0.2, MET, 1.0),
        ([2.0, 3.0, 1.5], 0.2, UNDECIDED, 1.0),
        ([2.0, 1.3, 0.5], [0.1, 0.2, 0.1], CONTRADICTED, 1.0),
        ([0.2, 0.5, 3.0], [2.0, 0.1, 0.1], CONTRADICTED, 0.5),  # the surest against it, not the farthest
        ([1.5, 1.4, 3.0], [0.2, 0.01, 0.1], UNDECIDED, 0.1),  # the least sure, not the nearest
        ([np.nan, 2.0, 3.0], 0.1, UNDECIDED, 0.1),
        ([np.nan, 0.0, 3.0], 0.1, CONTRADICTED, 0.5),
        ([2.0, 1.2, 3.0], 0.0, MET, 0.5),
    ],
)
def test_a_claim_about_every_point_is_decided_by_the_least_favourable(found, error, verdict, at):
    claims = declared()
    error = T.copy(data=np.broadcast_to(np.asarray(error, dtype=float), 3))
    assert decide(claims, "at all T", T.copy(data=found), error) == verdict
    assert claims.rows[0]["at"] == {"T": at}
    assert f"at T = {at:g}" in statements.found_text(claims.rows[0])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reason": ""}, "reason=''; write a text"),
        ({"reason": 5}, "reason=5; write a text"),
        ({"where": " "}, "where=' '; write a text"),
        ({"claim": ""}, "claim=''; write a text"),
        ({"expected": "found"}, "expected='found' is no verdict; write one of .'met', 'contradicted'"),
        ({"claimed": (2.0, 1.0)}, "from 2 to 1 is empty"),
        ({"claimed": (1.0, 1.0)}, "from 1 to 1 is empty"),
        ({"claimed": (np.nan, 1.0)}, "is empty"),
        ({"claimed": (-np.inf, np.inf)}, "holds every number"),
        ({"claimed": 1.0}, "claimed=1.0, within=None; write claimed = .low, high., or a number with within"),
        ({"claimed": "large"}, "claimed='large'"),
        ({"claimed": (1.0, 2.0), "within": 0.1}, "within=0.1; write claimed ="),
        ({"claimed": 1.0, "within": -0.1}, "from 1.1 to 0.9 is empty"),
        ({"error": np.nan}, "error=nan; an error is not negative"),
        ({"error": -0.1}, "error=-0.1; an error is not negative"),
        ({"found": True}, "found and error are numbers, not truth values"),
        ({"found": xr.DataArray([True, False])}, "not truth values"),
        ({"found": "large"}, "not truth values or texts"),
        ({"found": xr.DataArray(np.zeros(0))}, "no point at all"),
        ({"found": T, "error": T.isel(T=[0, 1])}, "error does not have the labels of found"),
        ({"error": None}, "error is given once"),
        ({"found": statements.Measured(2.0, 0.1)}, "error is given once"),
        ({"expected": UNDECIDED, "needs_full": True}, "needs_full = true cannot be expected"),
    ],
)
def test_a_malformed_statement_fails_by_the_name_of_its_recipe(changes, says):
    claims = declared()
    with pytest.raises(ValueError, match=f"some_recipe: 'a claim' in rammal.toml: .*{says}"):
        decide(claims, **changes)
    assert not claims.rows


def test_no_statement_is_decided_twice():
    """The same sentence at another place is another statement; under another name it is the same."""
    claims = declared()
    decide(claims, "first", claim="a claim")
    decide(claims, "second", claim="a claim", where="Fig. 2")
    for name in ("first", "third"):
        with pytest.raises(ValueError, match=f"some_recipe: '{name}' in rammal.toml: is decided twice"):
            decide(claims, name, claim="a claim")


@pytest.fixture
def papers(tmp_path, monkeypatch):
    """A file that declares two statements of "some_recipe"."""
    (tmp_path / "rammal.toml").write_text(
        '[some_recipe.rises]\nwhere = "Fig. 1"\nclaim = "it rises to {size} sites"\nclaimed = [1.0, inf]\n'
        'reason = "by {size}"\n[some_recipe.tends]\nwhere = "Fig. 2"\nclaim = "it tends to 2"\n'
        'claimed = 2.0\nwithin = 0.1\nunit = "t"\nexpected = "contradicted"\nreason = "it tends to 1"\n'
        '[other_recipe.rises]\nwhere = "Fig. 3"\n'
    )
    monkeypatch.setattr(statements, "FOLDER", tmp_path)
    return tmp_path


def test_what_the_file_of_a_paper_declares_is_decided_by_its_name(papers):
    claims = declared()
    assert claims.decide("rises", statements.Measured(2.0, 0.1), size=12) == MET
    assert claims.decide("tends", 1.0, 0.0) == CONTRADICTED
    claims.close(papers)
    first, second = json.loads((papers / "some_recipe_statements.json").read_text())["statements"]
    assert (first["claim"], first["reason"]) == ("it rises to 12 sites", "by 12")
    assert (first["claimed"], second["claimed"]) == ([1.0, None], [1.9, 2.1])
    assert (second["unit"], second["expected"], second["needs_full"]) == ("t", CONTRADICTED, False)


def test_a_declared_statement_cannot_be_left_out(papers):
    claims = declared()
    claims.decide("rises", 2.0, 0.0, size=12)
    with pytest.raises(AssertionError, match="some_recipe: declared in rammal.toml, but not decided: tends"):
        claims.close(papers)


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        ("rise", {}, "no statement 'rise' in rammal.toml, but rises, tends"),
        ("rises", {}, "'rises' in rammal.toml: 'size' is missing"),
        ("misspelt", {}, "'misspelt' in rammal.toml: got an unexpected keyword argument 'reasons'"),
        ("lacking", {}, "'lacking' in rammal.toml: missing 1 required positional argument: 'reason'"),
        ("open", {}, "'open' in rammal.toml: missing 1 required positional argument: 'claimed'"),
    ],
)
def test_a_malformed_declaration_fails_by_the_name_of_its_recipe(papers, name, words, says):
    with (papers / "rammal.toml").open("a") as file:
        file.write(
            '[some_recipe.misspelt]\nwhere = "W"\nclaim = "C"\n'
            'reason = "R"\nreasons = "?"\nclaimed = [0, 1]\n'
        )
        file.write('[some_recipe.lacking]\nwhere = "W"\nclaim = "C"\nclaimed = [0, 1]\n')
        file.write('[some_recipe.open]\nwhere = "W"\nclaim = "C"\nreason = "R"\n')
    with pytest.raises(ValueError, match=f"some_recipe: {says}"):
        declared().decide(name, 1.0, 0.0, **words)


@pytest.mark.parametrize("paper", statements.PAPERS)
def test_what_papers_say_belongs_to_recipes(paper):
    recipes = {path.stem for path in RECIPES.glob("*.py") if not path.name.startswith("_")}
    assert statements.declared(paper)
    assert set(statements.declared(paper)) <= recipes


def test_an_unknown_paper_and_a_recipe_without_statements_fail_by_name(tmp_path):
    with pytest.raises(ValueError, match="some_recipe: paper 'Anderson' is unknown; write RAMMAL, "):
        statements.Statements("some_recipe", "Anderson", Namespace(full=False))
    with pytest.raises(ValueError, match="some_recipe: no statement was decided"):
        declared().close(tmp_path)


@pytest.mark.parametrize(
    ("full", "changes", "passes"),
    [
        (False, {}, True),
        (False, {"expected": CONTRADICTED}, False),
        (False, {"expected": UNDECIDED}, False),
        (False, {"error": 1.0}, False),
        (False, {"error": 1.0, "expected": UNDECIDED}, True),
        (False, {"error": 1.0, "needs_full": True}, True),
        (True, {"error": 1.0, "needs_full": True}, False),
        (False, {"found": 0.0, "needs_full": True}, False),  # undecided it may be, but not the opposite
    ],
)
def test_verdicts_are_held_to_what_is_expected(full, changes, passes, tmp_path, capsys):
    claims = declared(full)
    decide(claims, "sure")
    decide(claims, "in question", where="Fig. 2", **changes)
    if passes:
        claims.close(tmp_path)
    else:
        with pytest.raises(AssertionError, match=r"^some_recipe: Fig. 2: 'in question' is .*, expected "):
            claims.close(tmp_path)
    assert (tmp_path / "some_recipe_statements.json").exists() is passes
    printed = capsys.readouterr().out
    assert "2 statements decided at three standard errors" in printed
    undecided_yet = claims.rows[1]["needs_full"] and claims.rows[1]["verdict"] == UNDECIDED and not full
    assert ("these need --full: Fig. 2, in question" in printed) is undecided_yet


def test_half_of_the_statements_must_be_decided(tmp_path):
    claims = declared()
    decide(claims, "sure")
    decide(claims, "unsure", error=1.0, expected=UNDECIDED)
    claims.close(tmp_path)
    decide(claims, "unsure, too", error=1.0, expected=UNDECIDED)
    with pytest.raises(AssertionError, match="some_recipe: only 1 of 3 statements are decided"):
        claims.close(tmp_path)


def test_what_is_written_is_plain_json(tmp_path):
    """Neither infinity nor NaN, which other readers refuse."""
    claims = declared()
    decide(claims, "sure", found=2.000000123, unit="tc")
    decide(claims, "no value", found=np.nan, expected=UNDECIDED)
    claims.close(tmp_path)

    def refuse(constant):
        raise AssertionError(constant)

    text = (tmp_path / "some_recipe_statements.json").read_text()
    read = json.loads(text, parse_constant=refuse)
    assert (read["recipe"], read["paper"], read["form"]) == ("some_recipe", statements.RAMMAL, "quick")
    first, second = read["statements"]
    assert first["claimed"] == [1.0, None]
    assert (first["found"], first["error"], first["unit"], first["verdict"]) == (2.0, 0.1, "tc", MET)
    assert (second["found"], second["verdict"]) == (None, UNDECIDED)
    assert statements.claimed_text(first) == "> 1 tc"
    assert statements.found_text(first) == "2.00 +- 0.10 tc"
    assert statements.found_text(second) == "no value"
    for value, error, text in (
        (0.50612, 0.0771, "0.506 +- 0.077"),
        (24.782, 3.21, "24.8 +- 3.2"),
        (1234.4, 99.0, "1234 +- 99"),
        (1234.4, 321.0, "1234 +- 321"),
        (0.0065254, 0.0, "0.006525"),
        (2.0, None, "2 +- unknown"),
    ):
        assert statements.found_text(first | {"found": value, "error": error, "unit": ""}) == text


def test_errors_of_quotients_and_differences(tmp_path):
    """Against the scatter of many draws, and as a statement."""
    rng = np.random.default_rng(5)
    a, b = rng.normal([[4.0], [2.0]], [[0.04], [0.06]], size=(2, 100_000))
    one, two = statements.Measured(4.0, 0.04), statements.Measured(2.0, 0.06)
    for measured, drawn in ((one / two, a / b), (one - two, a - b), (one / 2.0, a / 2.0)):
        assert measured.value == pytest.approx(drawn.mean(), rel=2e-3)
        assert measured.error == pytest.approx(drawn.std(), rel=2e-2)
    data = xr.Dataset({"rho": 2.0 * T, "rho_stderr": 0.1 * T})
    rho = statements.Measured.of(data, "rho")
    growth = rho.growth("T")
    assert growth.value.equals(xr.DataArray([5.0, 2.0], dims="T", coords={"T": [0.5, 1.0]}))
    assert np.allclose(growth.error, np.array([5.0, 2.0]) * 0.05 * 2**0.5)
    claims = declared()
    change = rho.sel(T=1.0) / rho.sel(T=[0.1, 0.5])
    assert decide(claims, "rho rises", change, None) == MET
    assert claims.rows[0]["at"] == {"T": 0.5}
    assert claims.rows[0]["error"] == pytest.approx(2.0 * 0.05 * 2**0.5, rel=1e-5)
