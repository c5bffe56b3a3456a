"""The cost model: scaling with the work, chunks of jobs of a declared length, and independence of all results."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from places import CONFIG, DOCS

from quench.cli import main
from quench.config.classifiers import Classifier
from quench.config.scenario import as_yaml, load_files, resolve
from quench.config.sections import CHUNKED
from quench.cost import speed
from quench.cost.chunks import declare, propose
from quench.cost.model import Costs
from quench.cost.work import START, Work, request, rounds
from quench.errors import QuenchError
from quench.networks.mlp import Architecture
from quench.pipeline.jobs import jobs
from quench.pipeline.paths import Paths
from quench.pipeline.stages import STAGES
from quench.provenance.fingerprint import all_fingerprints, dependencies
from quench.provenance.steps import _STEPS, modules

BASE = CONFIG / "config.yaml"


def scenario(name=None, **compute):
    loaded = load_files([BASE, *([CONFIG / f"{name}.yaml"] if name else [])])
    plain = loaded.model_dump(mode="json")
    return declare(resolve(plain | {"compute": plain["compute"] | compute}))


@pytest.mark.parametrize("name", [None, "smoke", "thorough", "laptop", "paper"])
def test_every_job_of_every_scenario_has_a_finite_cost(name):
    found = jobs(Paths(scenario(name)))
    assert {job.rule for job in found.values()} <= set(STAGES)
    for job in found.values():
        assert math.isfinite(job.work.seconds) and job.work.seconds >= 0
        assert job.work.memory >= 0 and job.work.disk > 0 and job.cores >= 1
        assert all(needed in found for needed in job.needs)


def test_jobs_come_after_those_that_they_need():
    order = list(jobs(Paths(scenario("smoke"))))
    found = jobs(Paths(scenario("smoke")))
    assert all(order.index(needed) < order.index(path) for path, job in found.items() for needed in job.needs)


def test_work_grows_in_proportion_to_what_is_done():
    complete = scenario()
    plain = complete.model_dump(mode="json")
    plain["runs"]["regularised"] |= {"lag_max": 300000}
    longer = resolve(plain)
    point = "T0.1"
    before, after = (Costs(s).run("regularised", point, "0-3").seconds for s in (complete, longer))
    # 32,000 and 302,000 updates; snapshots are a few hundred.
    assert after / before == pytest.approx(302 / 32, rel=0.05)
    two, four = (Costs(complete).run("regularised", point, seeds) for seeds in ("0-1", "0-3"))
    assert four.seconds == pytest.approx(2 * two.seconds)
    assert four.wall_seconds(4) == pytest.approx(two.wall_seconds(2))
    # 20 seeds of the same steps; half the spins are an eighth of the products.
    simulate = Costs(complete).simulation
    assert simulate("spins_200").seconds * 3 > simulate("spins_100").seconds


@pytest.mark.parametrize("inputs, width, depth", [(10, 30, 6), (10, 4, 2), (3, 5, 1)])
def test_weights_are_counted_as_the_networks_count_them(inputs, width, depth):
    assert speed.mlp_weights(inputs, width, depth) == Architecture(inputs, width, depth).n_weights


@pytest.mark.slow
@pytest.mark.parametrize("name", ["toy", "toy_under", "fully_connected", "small_net", "resnet", "tiny"])
def test_weights_of_classifiers_are_counted_as_torch_counts_them(name):
    from quench.networks.zoo import Images, construct

    section = scenario().classifiers[name]
    module = construct(section.model, Images(1, 28 // section.pool, 10), section.widths, section.multiplier)
    counted = sum(parameter.numel() for parameter in module.parameters())
    # Residual networks are scaled from one count, by the square of the width: good to some ten percent.
    assert speed.Model(section, "reference").n_weights == pytest.approx(counted, rel=0.3 if section.model == "D" else 0)


def test_the_engine_measured_is_the_engine_modelled():
    """docs/performance.md: 8.04, 44.3 and 0.297 ms a Langevin step, 17.5 and 91.2 us an SGD step of 100 samples."""
    measured = [
        (30, 60000, 8.04e-3),
        (72, 60000, 44.3e-3),
        (20, 5000, 0.297e-3),
        (30, 100, 17.5e-6),
        (72, 100, 91.2e-6),
    ]
    for width, samples, seconds in measured:
        n_weights = speed.mlp_weights(10, width, 6)
        assert 1 / 1.5 < speed.gradient(n_weights, width, samples, "fused") / seconds < 1.5


def test_fused_classifiers_measured_are_those_modelled():
    """docs/performance.md, on a core half as fast as the reference core: 45, 511, 50, 1.4 and 12.7 us, 28.6 ms an update."""
    images = {"source": "mnist", "rate": 0.1, "steps": 2}
    a_on_pictures = {"model": "A", "source": "cifar10", "rate": 0.1, "steps": 2}
    measured = [
        ({"model": "B", "batch_size": 10, **images}, 45e-6),
        ({"model": "B", "batch_size": 128, **images}, 511e-6),
        ({"model": "A", "widths": (500,), "pool": 2, "batch_size": 10, **images}, 50e-6),
        ({"model": "A-under", "pool": 4, "batch_size": 10, **images}, 1.4e-6),
        ({"model": "A-under", "pool": 4, "batch_size": 100, **images}, 12.7e-6),
        ({"batch_size": 10, **a_on_pictures}, 28.6e-3),
    ]
    for section, seconds in measured:
        model = speed.Model(Classifier(**section), "fused")
        assert 1 / 1.5 < 2 * model.step(section["batch_size"]) / seconds < 1.7


@given(seconds=st.floats(1e-3, 1e7), minutes=st.floats(1, 1e4))
def test_jobs_last_as_long_as_declared_within_a_factor_of_two(seconds, minutes):
    count = rounds(seconds, minutes)
    assert count & (count - 1) == 0
    assert count == 1 or count * seconds <= 60 * minutes * (1 + 1e-9)
    assert 2 * count * seconds > 60 * minutes * (1 - 1e-9)


SMOKE = scenario("smoke")


@settings(deadline=None, max_examples=50)
@given(chunk=st.integers(1, 60), minutes=st.one_of(st.none(), st.floats(1, 1e5)))
def test_chunks_hold_every_network_once(chunk, minutes):
    compute = SMOKE.compute.model_copy(update={"chunk": chunk, "job_minutes": minutes})
    paths = Paths(declare(SMOKE.model_copy(update={"compute": compute})))
    for table in CHUNKED:
        for name, section in getattr(paths.scenario, table).items():
            spans = [tuple(map(int, part.split("-"))) for part in paths.chunks(table, name)]
            members = [member for first, last in spans for member in range(first, last + 1)]
            first, count = (0, len(section.points)) if table == "scans" else (section.first_seed, section.seeds)
            assert members == list(range(first, first + count))


def test_declared_chunks_are_kept_and_those_of_job_minutes_are_declared_once():
    """Names of files follow from the resolved scenario alone, whatever the cost model proposes later."""
    plain = scenario().model_dump(mode="json")
    plain["compute"]["job_minutes"] = 0.05
    plain["ensembles"]["regularised"]["chunk"] = 3
    resolved = declare(resolve(plain))
    assert resolved.chunk("ensembles", "regularised") == 3
    proposed = propose(resolved, 0.05)
    assert resolved.chunk("scans", "map") == proposed["scans"]["map"] < len(resolved.scans["map"].points)
    # The kept configuration resolves to the same names without the model.
    again = resolve(yaml.safe_load(as_yaml(resolved)))
    assert again == resolved
    assert Paths(again).files("scan") == Paths(resolved).files("scan")
    with pytest.raises(QuenchError, match=r"ensembles\.underparameterised\.chunk: not declared yet"):
        Paths(resolve(plain)).files("pretrain")


def test_longer_jobs_take_more_networks_and_the_command_prints_them_as_an_overlay(tmp_path, capsys):
    few, many = (propose(scenario("paper"), minutes) for minutes in (45, 450))
    assert all(few[table][name] <= many[table][name] for table in few for name in few[table])
    words = ["cost", "--scenario", "paper", "--config-folder", str(CONFIG), "--as-reference", "--job-minutes", "450"]
    assert main(words) == 0
    printed = capsys.readouterr().out.split("minutes:\n")[1]
    overlay = yaml.safe_load(printed)
    assert overlay.pop("compute") == {"job_minutes": 450.0}
    assert overlay == {table: {name: {"chunk": size} for name, size in sizes.items()} for table, sizes in many.items()}
    (tmp_path / "long.yaml").write_text(printed)
    assert resolve(load_files([BASE, CONFIG / "paper.yaml", tmp_path / "long.yaml"]).model_dump(mode="json"))


def test_paths_do_not_depend_on_the_cost_model():
    for module in ("paths", "stages", "expected", "results"):
        assert not any(name.startswith("quench.cost") for name in dependencies(f"quench.pipeline.{module}"))


def test_the_paper_is_hundreds_of_jobs_of_the_declared_length():
    complete = scenario("paper")
    trainings = [job for job in jobs(Paths(complete)).values() if job.rule in {"pretrain", "scan", "run"}]
    assert 100 <= len(trainings) <= 999
    assert sum(job.work.units for job in trainings if job.rule == "run") >= 4000
    wall = [job.work.wall_seconds(job.cores) / 60 for job in trainings]
    # One network is never divided: a longer job trains all its networks at once.
    assert all(
        minutes <= 2 * complete.compute.job_minutes or job.cores >= job.work.units
        for minutes, job in zip(wall, trainings, strict=True)
    )


def test_requests_grow_with_every_try_and_stay_within_the_limit():
    work = Work("engine", seconds=7200, units=4, memory=1e9)
    requested = [request(work, 2, attempt) for attempt in (1, 2, 3)]
    assert requested[0]["runtime"] * 60 > work.wall_seconds(2) and requested[0]["mem_mb"] > work.memory_mb()
    assert all(after[key] > before[key] for before, after in pairwise(requested) for key in requested[0])
    assert request(work, 2, 3, limit=60)["runtime"] == 60


def test_no_result_depends_on_the_cost_model():
    known = all_fingerprints()
    covered = {module for step in _STEPS for backend in ("fused", "reference") for module in modules(step, backend)}
    drawn = {name for name in known if name.startswith(("quench.figures.", "quench.claims."))}
    # Some modules are of one backend only.
    for module in (covered & known.keys()) | drawn:
        assert not any(name.startswith("quench.cost") for name in dependencies(module)), module


@pytest.mark.slow
def test_the_command_prints_every_stage_and_its_finished_share(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["cost", "--scenario", "smoke", "--cores", "2", "--config-folder", str(CONFIG)]
    assert main([*words, "--as-reference"]) == 0
    before = capsys.readouterr().out
    rows = {line.split()[0]: line.split() for line in before.splitlines()[2:]}
    found = {job.rule for job in jobs(Paths(SMOKE)).values()}
    assert list(rows) == [*(rule for rule in STAGES if rule in found), "all"]
    assert all(row[-1] == "0%" for row in rows.values())
    assert sum(int(row[1]) for name, row in rows.items() if name != "all") == int(rows["all"][1])
    Path("results/smoke/data").mkdir(parents=True)
    Path("results/smoke/data/mnist.nc").touch()
    assert main(words) == 0
    after = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()[2:]}
    assert after["dataset"][-1] == "100%" and after["all"][-1] != "0%" and after["run"][-1] == "0%"


def test_an_unknown_scenario_is_named(capsys):
    assert main(["cost", "--scenario", "papr", "--config-folder", str(CONFIG)]) == 2
    assert "did you mean 'paper'" in capsys.readouterr().err


def test_every_kind_of_work_has_a_start():
    assert {job.work.kind for job in jobs(Paths(scenario("smoke"))).values()} <= set(START)


def test_memory_does_not_grow_where_tries_end_at_the_limit():
    work = Work("torch", seconds=36_000, memory=1e9)
    requested = [request(work, 1, attempt, limit=600) for attempt in (1, 2, 6)]
    assert [one["runtime"] for one in requested] == [600] * 3
    assert len({one["mem_mb"] for one in requested}) == 1
    assert request(work, 1, 2, limit=6000)["mem_mb"] > requested[0]["mem_mb"]


def test_stem_threads_and_device_of_a_classifier_count():
    base = load_files([CONFIG / "config.yaml", CONFIG / "paper.yaml"])

    def resnet(**keys):
        changed = base.classifiers["resnet"].model_copy(update=keys)
        return Costs(base.model_copy(update={"classifiers": {"resnet": changed}})).work(
            "train", {"classifier": "resnet", "seeds": "0-0"}
        )

    one = resnet()
    assert resnet(stem="cifar").seconds > 5 * one.seconds
    assert resnet(device="cuda").seconds < one.seconds / 5
    assert resnet(threads=4).wall_seconds(4) == pytest.approx(one.wall_seconds(1) / 4, rel=0.01)


def test_the_costs_in_the_documentation_are_those_of_the_model(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["--config-folder", str(CONFIG), "--as-reference", "--cores", "500"]
    assert main(["cost", "--scenario", "paper", *options]) == 0
    assert f"```text\n{capsys.readouterr().out}```" in (DOCS / "cluster.md").read_text(encoding="utf-8")
