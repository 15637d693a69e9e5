"""Damaged metadata and coordinates are refused by name; unfinished stores are read by nobody else."""

import collections
import json
import shutil
import zipfile
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr

import xglass as xg
from xglass.store import __main__ as command
from xglass.store import chunks, disk, seal, unfinished

BEFORE = Path(__file__).parent / "before" / "stores.zip"


def evaluate(data, path, **options):
    return xg.store.evaluate(data, path, progress=False, **options)


def files(path):
    """Content and time of every file."""
    return {f: (f.read_bytes(), f.stat().st_mtime_ns) for f in path.rglob("*") if f.is_file()}


def edit(file, change):
    """Change what stands in a JSON file."""
    meta = json.loads(file.read_text())
    change(meta)
    file.write_text(json.dumps(meta))


def replaced(file, old, new):
    """Change one byte, of which it is known where it stands."""
    content = file.read_bytes()
    assert content.count(old) == 1
    assert len(old) == len(new)
    assert sum(a != b for a, b in zip(old, new, strict=True)) == 1
    file.write_bytes(content.replace(old, new))


#: Everything that looks at a store without its data.
LOOKS = {
    "progress": xg.store.progress,
    "failures": xg.store.failures,
    "load": xg.store.load,
    "partial": lambda path: xg.store.load(path, partial=True),
    "verify": xg.store.verify,
}


def refused(path, data, *words):
    """Whatever looks at the store or evaluates refuses, with these words, and nothing is changed."""
    before = files(path)
    for name, function in {**LOOKS, "evaluate": lambda path: evaluate(data, path)}.items():
        with pytest.raises(ValueError) as error:
            function(path)
        for word in (str(path), *words):
            assert word in str(error.value), name
    assert files(path) == before


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.zarr"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory, damage):
    """A run that has grown along sweep and walker."""
    path = tmp_path_factory.mktemp("pristine") / "run.zarr"
    evaluate(damage.run(), path)
    evaluate(damage.run(sweep=5, walker=3), path)
    return path


@pytest.fixture
def grown(pristine, path):
    shutil.copytree(pristine, path)
    return path


# -- the fuzz ----------------------------------------------------------------------------------------


def test_random_damage_is_refused_by_name_or_harmless(damage, tmp_path):
    counts, lines = damage.torture(tmp_path, flips=30, truncations=9, aims=1)
    assert lines == []
    assert damage.bad(counts) == 0
    assert counts["flip: refused by name"] + counts["flip: harmless"] == 30
    assert counts["truncation: refused by name"] == 9
    assert counts["aimed flip: refused by name"] == 5


def test_the_fuzz_finds_what_a_seal_prevents(damage, tmp_path, monkeypatch):
    monkeypatch.setattr(seal, "checked", lambda *_: None)
    monkeypatch.setattr(seal, "contradiction", lambda *_: None)
    monkeypatch.setattr(damage, "STORES", [store for store in damage.STORES if store.name == "half a run"])
    counts, lines = damage.torture(tmp_path, flips=0, truncations=0, aims=2)
    assert damage.bad(counts) > 0
    assert any(damage.SILENT in line for line in lines)
    assert damage.SILENT in damage.closing(counts)


# -- one byte ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sealed", [True, False])
def test_a_flipped_chunk_shape_gives_no_wrong_numbers(damage, path, sealed):
    evaluate(damage.rows(), path)
    if not sealed:
        damage.unseal(path)
    file = path / "value" / "zarr.json"
    edit(file, lambda meta: meta["chunk_grid"]["configuration"].update(chunk_shape=[6, 61]))
    before = files(path)
    with pytest.raises(ValueError, match=r"value.zarr\.json|'value' cannot be read.*1968 bytes .* 2928"):
        xg.store.load(path).compute()
    with pytest.raises(ValueError, match=r"value.zarr\.json' are damaged|metadata of 'value' do not fit"):
        evaluate(damage.rows(), path)
    assert files(path) == before
    if sealed:
        refused(path, damage.rows(), "value/zarr.json", "damaged", "restore this file")


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("seed", [5, 7])
def test_a_flipped_seed_mixes_no_two_runs(damage, grown, sealed, seed):
    if not sealed:
        damage.unseal(grown)
    replaced(grown / "zarr.json", b'"seed": "7",', b'"seed": "5",')
    refused(
        grown, damage.run(seed=seed, sweep=6), "zarr.json' are damaged", *(["seed"] if not sealed else [])
    )


def test_runs_are_compared_by_what_is_known_of_them(damage, grown):
    """Attribute and description may agree: the fingerprint, and the parts among each other, do not."""
    damage.unseal(grown)

    def other(meta):
        described = json.loads(meta["attributes"]["xglass_provenance"])
        described["attributes"]["seed"] = meta["attributes"]["seed"] = "5"
        meta["attributes"]["xglass_provenance"] = json.dumps(described)

    edit(grown / "zarr.json", other)
    before = files(grown)
    with pytest.raises(ValueError, match="seed: the store has '7', you ask for '5'"):
        evaluate(damage.run(seed=5, sweep=6, walker=3), grown)
    with pytest.raises(ValueError, match="by its fingerprint it holds this run, by its metadata another one"):
        evaluate(damage.run(), grown)
    assert files(grown) == before


@pytest.mark.parametrize("sealed", [True, False])
def test_numbers_are_read_where_they_were_written(damage, grown, sealed):
    """Where chunks lie is no matter of metadata."""
    right = xg.store.load(grown).compute()
    if not sealed:
        damage.unseal(grown)

    def dots(meta):
        meta["chunk_key_encoding"]["configuration"]["separator"] = "."

    edit(grown / "occupation" / "zarr.json", dots)
    if sealed:
        refused(grown, damage.run(), "occupation/zarr.json")
    else:
        found = xg.store.load(grown)
        xr.testing.assert_identical(found.isel(site=slice(3, 7)).compute(), right.isel(site=slice(3, 7)))


@pytest.mark.parametrize("held", [5, 7])
def test_a_chunk_of_another_size_is_no_block(held):
    content = chunks.encode(np.arange(float(held)), (held,))
    assert chunks.checksum(content) is None
    with pytest.raises(ValueError, match=f"it holds {8 * held} bytes of numbers where 48 are asked for"):
        chunks.decode(content, (6,), np.dtype(float))


def test_what_zarr_packs_says_its_size_as_well():
    """The size is read from the first bytes, as numcodecs writes them."""
    for values in (
        np.zeros(0),
        np.zeros(1, np.int8),
        np.arange(1000) % 7,
        np.random.default_rng(0).random(9),
    ):
        content = numcodecs.Blosc("zstd").encode(values) + b"1234"
        assert chunks.wrong_size(content, values.nbytes) is None
        assert "bytes of numbers" in chunks.wrong_size(content, values.nbytes + 1)
    assert "it holds 0" in chunks.wrong_size(b"short", 8)


def test_a_chunk_that_vanishes_while_it_is_read_is_no_number(damage, path, monkeypatch):
    evaluate(damage.rows(), path)
    stored = xg.store.load(path)["value"]
    (path / "value" / "c" / "1" / "0").unlink()
    monkeypatch.setattr(Path, "exists", lambda self: True)  # it was still there when we looked
    for part in (stored, stored.isel(row=[7]), stored.isel(column=3)):
        with pytest.raises(ValueError, match="'value' cannot be read at .*No such file"):
            part.compute(scheduler="synchronous")


# -- every file --------------------------------------------------------------------------------------


def test_the_seal_is_of_every_file_that_does_not_change(damage, grown):
    sealed = set()
    for part in disk.parts(grown):
        meta = json.loads((part.path / "regions" / "zarr.json").read_text())
        sealed |= {part.path / name for name in meta["attributes"]["seal"]["files"]}
        sealed.add(part.path / "regions" / "zarr.json")
    assert sealed == set(damage.fixed(grown))
    changing = {file.parent for file in grown.rglob("*") if file.is_file()} - {file.parent for file in sealed}
    assert all("c" in folder.relative_to(grown).parts for folder in changing)


@pytest.mark.parametrize(
    "name",
    ["T/c/0", "interaction/c/0/0", "walker/zarr.json", "occupation/zarr.json", "regions/done/zarr.json"]
    + ["growth-2/zarr.json", "growth-1/sweep/c/0", "regions/zarr.json", "growth-1/regions/error/zarr.json"],
)
def test_any_of_them_that_is_not_as_it_was_is_refused(damage, grown, name):
    file, data = grown / name, damage.run(sweep=5, walker=3)
    content = file.read_bytes()
    changed = content[:-20] + content[-20:].replace(b'e"', b'd"')
    changed = changed if changed != content else content[:-1] + bytes([content[-1] ^ 1])
    for harm in (changed, content[: len(content) // 2], b""):
        file.write_bytes(harm)
        refused(grown, data, name)
    file.unlink()
    refused(grown, data, name)
    file.write_bytes(content)
    xg.store.load(grown)


def test_a_seal_that_is_lost_or_damaged_is_missed(damage, grown):
    file = grown / "growth-1" / "regions" / "zarr.json"
    content = file.read_text()
    for change, reason in (
        (lambda meta: meta["attributes"].pop("seal"), "its seal is gone"),
        (lambda meta: meta["attributes"]["seal"]["files"].pop("T/c/0"), "not what was written"),
        (lambda meta: meta["attributes"]["seal"].update(after=None), "not what was written"),
        (lambda meta: meta["attributes"].update(seal=[]), "not what was written"),
        (lambda meta: meta["attributes"].update(seal={"digest": seal._of({})}), "not what was written"),
    ):
        edit(file, change)
        refused(grown, damage.run(), "growth-1/regions/zarr.json", reason)
        file.write_text(content)


def test_a_later_rule_of_seals_is_named(damage, path):
    evaluate(damage.rows(), path)
    edit(path / "zarr.json", lambda meta: meta["attributes"].update(xglass_sealed=2))
    refused(path, damage.rows(), "is sealed by rule 2, this version of xglass reads 1")


def test_a_seal_survives_a_copy_and_another_form_of_its_own_file(damage, grown, tmp_path):
    shutil.copytree(grown, tmp_path / "copy.zarr")
    edit(tmp_path / "copy.zarr" / "regions" / "zarr.json", lambda meta: None)  # one line for many
    assert xg.store.verify(tmp_path / "copy.zarr", 1.0) == xg.store.progress(grown).total


# -- parts -------------------------------------------------------------------------------------------


def test_a_growth_of_another_store_is_refused(damage, grown, tmp_path):
    other = tmp_path / "other.zarr"
    evaluate(damage.run(seed=5), other)
    evaluate(damage.run(seed=5, sweep=5, walker=3), other)
    shutil.rmtree(grown / "growth-2")
    shutil.copytree(other / "growth-2", grown / "growth-2")
    refused(grown, damage.run(), "the part growth-2 does not go on from what is before it", "delete the")
    shutil.rmtree(grown / "growth-2")
    evaluate(damage.run(sweep=5, walker=3), grown)
    assert xg.store.verify(grown, 1.0) == xg.store.progress(grown).total


def test_growth_that_is_deleted_and_made_anew_is_sealed_anew(damage, grown):
    shutil.rmtree(grown / "growth-2")
    shutil.rmtree(grown / "growth-1")
    evaluate(damage.run(walker=4), grown)  # another growth than before
    found = evaluate(damage.run(walker=4, sweep=5), grown).compute()
    xr.testing.assert_identical(found, damage.run(walker=4, sweep=5).compute())
    assert [part.seal is not None for part in disk.parts(grown)] == [True] * 3


def test_equal_stores_have_equal_seals(damage, grown, tmp_path):
    """Nothing in them depends on who made the store, or when."""
    for k in (1, 2):
        evaluate(damage.run(), tmp_path / "again.zarr", shard=f"{k}/2")
    evaluate(damage.run(sweep=5, walker=3), tmp_path / "again.zarr")
    first, second = (
        {f.relative_to(p): f.read_bytes() for f in p.rglob("*") if f.is_file()}
        for p in (grown, tmp_path / "again.zarr")
    )
    assert first == second


class Killed(BaseException):
    """The process is gone: nothing is tidied up."""


STEPS = [(Path, "write_text"), (Path, "rename"), (disk.Part, "forget")]


def test_a_kill_at_any_step_of_a_seal_leaves_a_store_that_goes_on(damage, tmp_path, monkeypatch):
    """Of those steps, creation, growth and the end included, each time one more is done."""
    small, large = (damage.run(T=[0.1], sweep=2, walker=walker) for walker in (1, 2))
    right, left, killed = large.compute(), [10**9], set()
    for owner, name in STEPS:
        original = getattr(owner, name)

        def step(*args, original=original, **options):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return original(*args, **options)

        monkeypatch.setattr(owner, name, step)
    monkeypatch.setattr(disk.folders, "remove", lambda folder: None)
    for number in range(30):
        path = tmp_path / f"{number}.zarr"
        left[0] = number
        try:
            evaluate(small, path)
            evaluate(large, path)
        except Killed:
            killed.add(len([*path.glob("growth-*")]) if path.exists() else "no store")
        else:
            break
        finally:
            left[0] = 10**9
        if path.exists():
            xg.store.progress(path)
        xr.testing.assert_identical(evaluate(large, path).compute(), right)
        assert not (path / "unfinished").exists()
        assert not (path / "growth-1" / "unfinished").exists()
        assert not [*tmp_path.rglob("*.partial")]
    assert killed == {"no store", 0, 1}


# -- stores of before --------------------------------------------------------------------------------

SENTENCE = "unsealed: it was made before stores were sealed, so that damage to its metadata may go unseen"


def test_stores_of_before_are_read_and_say_that_they_are_unsealed(tmp_path, capsys):
    with zipfile.ZipFile(BEFORE) as archive:
        archive.extractall(tmp_path)
    for path in sorted(tmp_path.glob("*.zarr")):
        state = xg.store.progress(path)
        assert not state.sealed
        assert str(state).endswith(SENTENCE)
        xg.store.load(path, partial=True).compute()
    assert command.main(["progress", str(tmp_path / "grown.zarr")]) == 0
    assert SENTENCE in capsys.readouterr().out


def test_what_is_added_to_a_store_of_before_is_sealed(damage, grown, capsys):
    shutil.rmtree(grown / "growth-2")
    damage.unseal(grown)
    found = evaluate(damage.run(sweep=5, walker=3), grown).compute()
    xr.testing.assert_identical(found, damage.run(sweep=5, walker=3).compute())
    assert [part.seal is not None for part in disk.parts(grown)] == [False, False, True]
    assert not xg.store.progress(grown).sealed
    assert command.main(["verify", str(grown)]) == 0
    assert f"all agree; {SENTENCE}" in capsys.readouterr().out
    replaced(grown / "growth-2" / "walker" / "zarr.json", b'"walker"\n', b'"wblker"\n')
    refused(grown, damage.run(), "growth-2/walker/zarr.json")


def test_a_sealed_store_says_nothing_of_it(damage, grown, capsys):
    assert xg.store.progress(grown).sealed
    assert command.main(["verify", str(grown)]) == command.main(["progress", str(grown)]) == 0
    assert "unsealed" not in capsys.readouterr().out


CONTRADICTIONS = {
    "fingerprint": (
        "zarr.json",
        lambda m: m["attributes"].update(xglass_fingerprint="0" * 32),
        "two values of 'fingerprint'",
    ),
    "attribute": ("zarr.json", lambda m: m["attributes"].pop("weight"), "attributes .*weight"),
    "shape": ("occupation/zarr.json", lambda m: m.update(shape=[2, 2, 4, 18]), "shape .* is described"),
    "type": ("acceptance/zarr.json", lambda m: m.update(data_type="float32"), "data_type float32 where"),
    "dimension": (
        "acceptance/zarr.json",
        lambda m: m.update(dimension_names=["T", "wa", "sweep"]),
        "dimension_names .* is described",
    ),
    "codec": ("acceptance/zarr.json", lambda m: m["codecs"].pop(), "codecs .* is described"),
    "chunks": (
        "acceptance/zarr.json",
        lambda m: m["chunk_grid"]["configuration"].update(chunk_shape=[0, 2, 4]),
        "chunks of 0 along 'T'",
    ),
    "bounds": (
        "regions/done/zarr.json",
        lambda m: m["attributes"].update(bounds=[[0, 2], [0, 2], [0, 4], [0, 16]]),
        "bounds of regions",
    ),
    "description": (
        "zarr.json",
        lambda m: m["attributes"].update(
            xglass_provenance=m["attributes"]["xglass_provenance"].replace('"versions"', '"verrions"')
        ),
        "lacks 'versions'",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_of_stores_of_before_what_stands_twice_is_compared(name, damage, path):
    file, change, reason = CONTRADICTIONS[name]
    evaluate(damage.run(), path)
    damage.unseal(path)
    edit(path / file, change)
    for function in (*LOOKS.values(), lambda path: evaluate(damage.run(), path)):
        with pytest.raises(ValueError, match=rf"{file}' are damaged \(.*{reason}"):
            function(path)


# -- unfinished stores and other programs ------------------------------------------------------------


def plain(path):
    """A store as xarray alone opens it."""
    return xr.open_zarr(path, consolidated=False)


def test_an_unfinished_store_is_not_opened_by_plain_xarray(damage, path):
    evaluate(damage.run(), path, shard="1/2")
    for function in (plain, lambda path: [*zarr.open_group(path, mode="r").arrays()]):
        with pytest.raises(
            ValueError, match=r"unfinished store: call evaluate again, or xglass\.store\.load"
        ):
            function(path)
    part = xg.store.load(path, partial=True)  # ours does
    assert (part["occupation"].where(part["done"]).count() > 0).all()
    evaluate(damage.run(), path, shard="2/2")
    found = plain(path)
    assert found["occupation"].dtype == np.int8
    xr.testing.assert_equal(found.load(), damage.run().compute())


def test_each_part_is_hidden_until_it_is_finished(damage, path):
    evaluate(damage.run(), path)
    evaluate(damage.run(T=[0.05, 0.1, 0.2], walker=3), path, shard="1/4")
    xr.testing.assert_equal(plain(path).load(), damage.run().compute())
    with pytest.raises(ValueError, match="unfinished store"):
        plain(path / "growth-2")
    evaluate(damage.run(T=[0.05, 0.1, 0.2], walker=3), path)
    assert (plain(path / "growth-2")["occupation"] >= 0).all()


@pytest.mark.parametrize("finder", ["evaluate", "verify"])
def test_a_store_in_which_damage_is_found_is_hidden_until_it_is_mended(damage, path, finder, monkeypatch):
    evaluate(damage.rows(), path)
    chunk = path / "value" / "c" / "1" / "0"
    chunk.unlink()
    if finder == "verify":
        with pytest.raises(ValueError, match="damaged"):
            xg.store.verify(path, 1.0, data=damage.rows())
    else:

        def full(*_):
            raise OSError(28, "no room")

        with monkeypatch.context() as patch:
            patch.setattr(disk.Part, "write", full)
            with (
                pytest.warns(UserWarning, match="1 region is damaged"),
                pytest.raises(OSError, match="no room"),
            ):
                evaluate(damage.rows(), path)
    with pytest.raises(ValueError, match="unfinished store"):
        plain(path)
    evaluate(damage.rows(), path)
    xr.testing.assert_equal(plain(path).load(), damage.rows().compute())


def test_a_finished_store_that_was_left_hidden_is_shown_by_the_next_call(damage, path):
    evaluate(damage.rows(), path)
    unfinished.hide(path)
    unfinished.hide(path)  # twice is once
    evaluate(damage.rows(), path)
    assert not (path / "unfinished").exists()
    assert not [*path.glob(".*")]
    unfinished.show(path)  # another process was quicker


def test_a_mark_that_is_taken_back_meanwhile_hides_the_store_again(damage, path, monkeypatch):
    """Between the look at the marks and what follows from it another process may find damage."""
    evaluate(damage.rows(), path)
    (part,) = disk.parts(path)
    show = unfinished.show

    def slow(folder):
        show(folder)
        part.forget((0, 0), "done")
        show(folder)  # we are late

    monkeypatch.setattr(unfinished, "show", slow)
    unfinished.settle(part)
    with pytest.raises(ValueError, match="unfinished store"):
        plain(path)


def test_the_name_of_the_folder_is_kept_for_it(path):
    data = xr.Dataset({"unfinished": ("x", np.arange(4.0))}).chunk(x=2)
    with pytest.raises(ValueError, match="'unfinished' cannot be the name of a stored variable; rename it"):
        evaluate(data, path)


def test_the_script_says_in_its_exit_status_whether_all_is_well(damage, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["store_damage", "--flips", "3"])
    counts = collections.Counter({f"flip: {damage.REFUSED}": 3})
    monkeypatch.setattr(damage, "torture", lambda *_, **__: (counts, []))
    assert damage.main() == 0
    assert "3 flips: 0 harmless, 3 refused by name, 0 SILENT, 0 BARE EXCEPTION" in capsys.readouterr().out
    for outcome in (damage.SILENT, damage.BARE):
        counts[f"truncation: {outcome}"] = 1
        assert damage.main() == 1
        assert f"1 {outcome}" in capsys.readouterr().out
        counts[f"truncation: {outcome}"] = 0
