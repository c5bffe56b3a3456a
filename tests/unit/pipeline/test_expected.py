"""Damaged, foreign and misplaced files are refused: flipped bits, truncation, broken contracts, swapped names."""

import itertools
import shutil

import numpy as np
import planted
import pytest
import xarray as xr
from places import CONFIG

from quench.cli import main
from quench.config.scenario import load_files
from quench.errors import QuenchError
from quench.pipeline import expected, results, stages
from quench.pipeline.paths import Paths
from quench.store import checksum, contracts, files

FLIPS, CUTS = 60, 40


@pytest.fixture(params=sorted(contracts.CONTRACTS))
def intact(request, tmp_path):
    """A file of each kind, with its checksum."""
    return planted.write(tmp_path / "file.nc", request.param)


def refused(path, kind=None):
    """The one line that names the file."""
    with pytest.raises(QuenchError) as caught:
        files.read(path, kind)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


def test_intact_files_are_read(intact):
    found = files.read(intact)
    assert found.attrs["kind"] in contracts.CONTRACTS and checksum.check(intact)


def test_any_flipped_bit_is_noticed(intact):
    """Anywhere: in numbers, names, attributes, the library's own tables, unused space, the checksum itself."""
    content = intact.read_bytes()
    rng = np.random.default_rng(1)
    tail = range(len(content) - checksum.LENGTH, len(content), 7)
    for place in [*rng.integers(0, len(content), FLIPS).tolist(), *tail]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        intact.write_bytes(damaged)
        refused(intact)


def test_any_truncation_is_noticed(intact):
    content = intact.read_bytes()
    rng = np.random.default_rng(2)
    near = [len(content) - left for left in (1, 2, checksum.LENGTH - 1, checksum.LENGTH, checksum.LENGTH + 1)]
    for length in [0, 1, *rng.integers(0, len(content), CUTS).tolist(), *near]:
        intact.write_bytes(content[:length])
        refused(intact)


def test_lost_blocks_and_added_bytes_are_noticed(intact):
    content = intact.read_bytes()
    for block in range(0, len(content), 4096):
        damaged = content[:block] + bytes(len(content[block : block + 4096])) + content[block + 4096 :]
        intact.write_bytes(damaged)
        if damaged != content:
            refused(intact)
    for added in (b"\0", b"more", content):
        intact.write_bytes(content + added)
        if added != content:
            refused(intact)


def test_halves_of_two_files_are_refused(tmp_path):
    one, other = (planted.write(tmp_path / f"{n}.nc", "observables", seed=n).read_bytes() for n in (1, 2))
    (tmp_path / "spliced.nc").write_bytes(one[: len(one) // 2] + other[len(one) // 2 :])
    assert "damaged" in refused(tmp_path / "spliced.nc")


def test_file_changed_by_other_software_is_refused(tmp_path):
    path = planted.write(tmp_path / "file.nc", "observables")
    changed = xr.load_dataset(path)
    changed["msd"] += 1
    changed.to_netcdf(tmp_path / "changed.nc")
    assert "changed since it was written" in refused(tmp_path / "changed.nc")


def test_checksum_covers_large_files_and_readers_ignore_it(tmp_path):
    values = np.random.default_rng(0).normal(size=(1 << 21) + 17)
    files.write(xr.Dataset({"a": ("b", values)}), tmp_path / "large.nc", kind="figure", config={}, code="")
    assert (tmp_path / "large.nc").stat().st_size > 1 << 24
    assert np.array_equal(xr.load_dataset(tmp_path / "large.nc")["a"], values)


# Contracts.


@pytest.mark.parametrize("kind", [kind for kind in contracts.CONTRACTS if contracts.rows(kind)])
def test_broken_contract_is_named(kind, tmp_path):
    """Every wanted variable: left out, with other dimensions, not numbers, not finite, out of its bounds."""
    for name, wanted in contracts.rows(kind).items():
        sound = planted.dataset(kind)
        variable = sound[name]
        spoilt = {
            "has dimensions": sound.assign({name: variable.expand_dims("extra")}),
            "does not hold numbers": sound.assign({name: variable.astype(str)}),
            "not finite (inf)": sound.assign({name: variable.astype(float) * 0 + np.inf}),
        }
        if not wanted.optional:
            spoilt["no variable"] = sound.drop_vars(name)
        if not wanted.gaps:
            spoilt["not finite (nan)"] = sound.assign({name: variable.astype(float) * np.nan})
        if np.isfinite(wanted.low):
            spoilt["outside"] = sound.assign({name: variable * 0 + wanted.low - 1})
        for reason, broken in spoilt.items():
            path = tmp_path / "broken.nc"
            files.write(broken, path, kind=kind, config={}, code="")
            assert reason in refused(path) and name in refused(path)


def test_diverged_networks_may_contain_anything(tmp_path):
    sound = planted.dataset("observables")
    sound["diverged_at"][1] = 7
    sound["msd"][1, 0, 0] = np.inf
    files.write(sound, tmp_path / "lost.nc", kind="observables", config={}, code="")
    files.read(tmp_path / "lost.nc")
    sound["msd"][0, 0, 0] = np.inf
    files.write(sound, tmp_path / "lost.nc", kind="observables", config={}, code="")
    assert "network that is not marked as diverged" in refused(tmp_path / "lost.nc")


def test_foreign_file_must_satisfy_the_requested_contract(tmp_path):
    sound = planted.dataset("observables")
    sound.to_netcdf(tmp_path / "foreign.nc")
    files.read(tmp_path / "foreign.nc", "observables")
    sound["overlap"][0, 0, 0] = 1.5
    sound.to_netcdf(tmp_path / "foreign.nc")
    assert "overlap holds a value of 1.5, outside 0 to 1" in refused(tmp_path / "foreign.nc", "observables")


# Names.


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    overlay = tmp_path_factory.mktemp("config") / "mine.yaml"
    overlay.write_text("external: {mine: {snapshots: [mine.nc], chi: 5}, other: {snapshots: [other.nc], chi: 7}}")
    return load_files([CONFIG / "config.yaml", CONFIG / "smoke.yaml", overlay])


@pytest.fixture(scope="module")
def folder(tmp_path_factory, scenario):
    """A results folder in which every file matches its path."""
    root = tmp_path_factory.mktemp("results") / scenario.scenario
    return root, planted.results(root, scenario)


def rule_of(name):
    found = stages.find(name)
    return found and found[0].rule


def test_every_stage_has_a_file_that_is_recognised_by_its_name(folder, scenario):
    _, names = folder
    rules = {stages.find(name, scenario)[0].rule for name in names}
    declared = {rule for rule in stages.STAGES if Paths(scenario).files(rule)}
    assert rules == {rule for rule in declared if stages.STAGES[rule].path.endswith(".nc")}


def test_files_under_their_own_names_are_read(folder):
    root, names = folder
    for name in names:
        results.read(root / name)


def test_swapped_files_are_refused(folder, scenario):
    """Every file under every other name of its stage: another run, temperature, chunk of seeds, grid point, figure."""
    root, names = folder
    swapped = 0
    for one, other in itertools.permutations(names, 2):
        if rule_of(one) != rule_of(other):
            continue
        wanted, held = expected.contents(scenario, other), expected.contents(scenario, one)
        if wanted == held:
            # Two names for one result: equal declared inputs give equal bytes.
            continue
        dataset = files.read(root / one)
        with pytest.raises(QuenchError, match=r"does not match its path: .* is .*, not ") as caught:
            results.check(dataset, root / other)
        assert "\n" not in str(caught.value)
        swapped += 1
    assert swapped > 400


def test_file_of_another_stage_is_refused(folder):
    root, names = folder
    first = {rule_of(name): name for name in names}
    for one, other in itertools.permutations(first.values(), 2):
        if {rule_of(one), rule_of(other)} == {"observe", "response"}:
            # Without a run at T = 0 the response is that of the observables' own file.
            continue
        with pytest.raises(QuenchError, match=r"contains '|does not match its path"):
            results.check(files.read(root / one), root / other)


def test_file_outside_a_results_folder_is_not_checked_against_its_path(tmp_path):
    results.read(planted.write(tmp_path / "observables" / "hot" / "T1" / "chi30.nc", "observables"))


@pytest.mark.parametrize("kind", ["pretrained", "training", "scan", "observables", "mobility"])
def test_chunks_of_different_origin_are_refused(kind, tmp_path):
    def path(name, config=None, code="abc", seeds=(0, 1)):
        coordinates = {"seed": list(seeds)}
        if kind == "scan":
            coordinates = {"width": list(seeds), "weight_decay": [0.0, 0.0]}
        trajectory = {"trajectory": {"temperature": seeds[0] / 10, **(config or {})}}
        config = trajectory if kind in ("observables", "mobility") else config
        return planted.write(tmp_path / name, kind, config, coordinates, code=code)

    first, second = path("first.nc", seeds=(2, 3)), path("second.nc", seeds=(4, 5))
    assert len(results.read_chunks([first, second], kind)) == 2
    for other, reason in (
        (path("config.nc", {"width": 7}, seeds=(4, 5)), "made with another configuration than"),
        (path("code.nc", code="xyz", seeds=(4, 5)), "made by a different version of the code than"),
        (path("twice.nc", seeds=(2, 3)), "each may be in one file only"),
    ):
        with pytest.raises(QuenchError, match=reason) as caught:
            results.read_chunks([first, other], kind)
        assert str(caught.value).startswith(str(other))


# The commands.


def run(*words):
    return main([str(word) for word in words])


def test_verify_names_wrong_files_and_the_command_that_makes_them_again(folder, tmp_path, monkeypatch, capsys):
    root, names = folder
    copy = tmp_path / "results" / root.name
    shutil.copytree(root, copy)
    monkeypatch.chdir(tmp_path)
    # Planted files have a made-up fingerprint.
    monkeypatch.setattr(results, "codes_of", lambda dataset, stage: {"abc"})
    assert run("verify", "results/smoke") == 0
    assert f"{len(names)} files checked, nothing wrong" in capsys.readouterr().out

    flipped, cut, moved = (
        copy / name for name in ("observables/regularised/T0.01/chi30.nc", "glass/spins_50.nc", "data/mnist.nc")
    )
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 4
    flipped.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-500])
    shutil.copy(copy / "snapshots/regularised/T0.01/0-1.nc", moved)
    assert run("verify", "results/smoke") == 1
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    for path in (flipped, cut, moved):
        assert sum(line.startswith(f"{path}: ") for line in lines) == 1
    assert f"{len(names)} files checked, 3 wrong" in printed
    forced = lines[-1].split("--forcerun ")[1].split()
    assert forced == sorted(str(path.relative_to(tmp_path)) for path in (flipped, cut, moved))


def test_verify_misses_a_deleted_file_and_names_the_call_that_makes_it_again(folder, tmp_path, monkeypatch, capsys):
    root, _ = folder
    copy = tmp_path / "results" / root.name
    shutil.copytree(root, copy)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(results, "codes_of", lambda dataset, stage: {"abc"})
    deleted = copy / "observables/regularised/T0.01/chi30.nc"
    deleted.unlink()
    assert run("verify", "results/smoke") == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith(f"{deleted}: missing, but figures/") for line in lines) == 1
    assert any(line.endswith("files checked, nothing wrong, 1 missing") for line in lines)
    made_again = "snakemake results/smoke/observables/regularised/T0.01/chi30.nc --configfile results/smoke/config.yaml"
    assert lines[-1] == made_again
    # Beside an unpacked archive, files need not exist.
    (copy / "SHA256SUMS").write_text("")
    assert run("verify", "results/smoke") == 0


def test_verify_reports_another_version_of_the_code(folder, capsys):
    root, _ = folder
    assert run("verify", root) == 1
    assert capsys.readouterr().out.count("made by a different version of the code") > 10


@pytest.mark.parametrize(
    "words, reason", [(["verify", "."], "no config.yaml"), (["verify", "absent"], "no config.yaml")]
)
def test_verify_of_no_results_is_a_mistake(tmp_path, monkeypatch, capsys, words, reason):
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    assert reason in capsys.readouterr().err
