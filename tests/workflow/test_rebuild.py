"""What a change makes anew, by the job list of the real pipeline: exactly what it changed, and nothing else."""

import re

import pytest
import xarray as xr
import yaml

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

TARGETS = ("kwj_fig2", "kwj_fig3", "kwj_figa2")
FIGURES = {f"figure {name}" for name in TARGETS}
REGULARISED = {f"run regularised {point} 0-1" for point in ("T0.01", "T0.0001")}
OVERPARAMETERISED = {f"run overparameterised {point} 0-1" for point in ("T0.01", "T0.0001")}
MEASURED = {
    f"observe {run} {point} {chi}"
    for run, chis in (("regularised", (30, 100)), ("overparameterised", (300,)))
    for point in ("T0.01", "T0.0001")
    for chi in chis
}


def test_everything_was_made_and_nothing_is_left_to_do(finished):
    results = finished.folder / "results" / "smoke"
    for name in TARGETS:
        for suffix in (".pdf", ".png", ".svg", ".nc"):
            assert (results / "figures" / f"{name}{suffix}").stat().st_size > 0
    resolved = yaml.safe_load((results / "config.yaml").read_text())
    assert resolved["compute"]["backend"] == "reference" and resolved["scenario"] == "smoke"
    assert finished.planned() == set()


def test_every_file_says_where_it_comes_from(finished):
    paths = list((finished.folder / "results" / "smoke").rglob("*.nc"))
    assert len(paths) >= 16  # A dataset, 2 ensembles, 4 trajectories, 6 observables, 3 figures.
    for path in paths:
        with xr.open_dataset(path) as opened:
            assert {"kind", "config", "code_fingerprint", "package_versions", "git_commit", "created_by"} <= set(
                opened.attrs
            ), path
            for name, variable in opened.variables.items() if opened.attrs["kind"] != "figure" else ():
                assert variable.attrs.get("long_name"), f"{path}: {name} has no long_name"


@pytest.mark.parametrize(
    "path, old, new",
    [
        ("src/quench/dynamics/reference/langevin.py", "    amplitude = ", "    # A comment.\n    amplitude = "),
        ("src/quench/dynamics/reference/langevin.py", '"""Overdamped', '"""Very overdamped'),
        ("src/quench/data/prepare.py", '"""Class indices to labels', '"""From class indices to labels'),
        ("src/quench/figures/kwj/fig3.py", '"""Overlap and tau90', '"""The overlap and tau90'),
        # Plumbing makes no number.
        ("src/quench/runtime/progress.py", "LOG_EVERY_SECONDS = 30.0", "LOG_EVERY_SECONDS = 20.0"),
        ("src/quench/cli/run.py", 'title = f"run ', 'title = f"Run '),
        ("rules/training.smk", "rule run:\n", "# A comment.\nrule run:\n"),
    ],
    ids=[
        "comment",
        "module docstring",
        "data docstring",
        "figure docstring",
        "progress",
        "cli",
        "rule comment",
    ],
)
def test_edit_without_effect_on_results_reruns_nothing(restored, path, old, new):
    restored.edit(path, old, new)
    assert restored.planned() == set()


def test_style_of_one_figure_redraws_that_figure_alone(restored):
    restored.edit("src/quench/figures/kwj/fig3.py", "ylim=(0, 1.03)", "ylim=(0, 1.05)")
    assert restored.planned() == {"figure kwj_fig3"}


def test_common_style_redraws_the_figures_alone(restored):
    restored.edit("src/quench/figures/style.py", '"lines.linewidth": 1.3', '"lines.linewidth": 1.4')
    assert restored.planned() == FIGURES


def test_choice_of_one_figure_redraws_that_figure_alone(restored):
    restored.overlay({"figures": {"kwj_figa2": {"temperatures": [1e-4]}}})
    assert restored.planned() == {"figure kwj_figa2"}


def test_choice_that_changes_no_input_redraws_the_figure_too(restored):
    restored.overlay({"figures": {"kwj_fig2": {"waiting_time": 10}}})
    assert restored.planned() == {"figure kwj_fig2"}


def test_another_temperature_trains_that_temperature_alone(restored):
    restored.overlay({"runs": {"regularised": {"temperatures": [0.01, 1e-3, 1e-4]}}})
    planned = restored.planned()
    assert {job for job in planned if job.startswith(("run", "pretrain", "dataset"))} == {"run regularised T0.001 0-1"}
    new = "regularised T0.001"
    # Fig. 2 and A2 name the temperatures that they show, Fig. 3 shows them all.
    assert planned == {
        f"run {new} 0-1", f"observe {new} 30", "figure kwj_fig3",
    }  # fmt: skip


def test_one_temperature_less_trains_nothing(restored):
    # Another figure shows the temperature that is left out.
    restored.overlay({"runs": {"overparameterised": {"temperatures": [0.01]}}, "figures": {"ours_immobile": None}})
    assert restored.planned() == {"figure kwj_fig3"}


def test_another_seed_trains_that_seeds_chunk_alone(restored):
    restored.overlay({"ensembles": {"overparameterised": {"seeds": 3}}})
    points = [f"overparameterised {point}" for point in ("T0.01", "T0.0001")]
    assert restored.planned() == {
        "pretrain overparameterised 2-2",
        *(f"run {point} 2-2" for point in points),
        *(f"observe {point} 300" for point in points),
        "figure kwj_fig3",
    }


def test_another_length_measures_anew_and_trains_nothing(restored):
    restored.overlay({"runs": {"overparameterised": {"chi": 200, "more_chi": [300]}}})
    points = [f"overparameterised {point} 200" for point in ("T0.01", "T0.0001")]
    assert restored.planned() == {*(f"observe {point}" for point in points), "figure kwj_fig3"}


def test_langevin_edit_redoes_what_follows_and_no_sgd(restored):
    restored.edit("src/quench/dynamics/reference/langevin.py", "np.sqrt(2 * step_size", "np.sqrt(2.0 * step_size")
    assert restored.planned() == REGULARISED | OVERPARAMETERISED | MEASURED | FIGURES


def test_observable_edit_trains_nothing(restored):
    restored.edit(
        "src/quench/observables/overlap.py",
        "np.count_nonzero(np.abs(displacement)",
        "np.count_nonzero(np.fabs(displacement)",
    )
    assert restored.planned() == MEASURED | FIGURES


def test_sgd_edit_leaves_the_data_alone(restored):
    restored.edit("src/quench/dynamics/batches.py", "-(-n_samples // batch_size)", "-((-n_samples) // batch_size)")
    # The same tree: brackets are formatting.
    assert restored.planned() == set()
    restored.edit("src/quench/dynamics/batches.py", "-((-n_samples) // batch_size)", "-(-1 * n_samples // batch_size)")
    planned = restored.planned()
    assert "dataset mnist" not in planned
    assert {job for job in planned if job.startswith("pretrain")} == {
        "pretrain regularised 0-1", "pretrain overparameterised 0-1",
    }  # fmt: skip


def test_more_epochs_of_one_ensemble_leave_the_other_alone(restored):
    restored.overlay({"ensembles": {"overparameterised": {"sgd": {"epochs": 4}}}})
    planned = restored.planned()
    assert "pretrain overparameterised 0-1" in planned and planned >= OVERPARAMETERISED
    assert not {job for job in planned if " regularised " in job}
    assert {"figure kwj_fig3"} == planned & FIGURES


def test_deleted_result_is_made_again_with_the_same_bytes(restored):
    path = restored.folder / "results/smoke/observables/overparameterised/T0.01/chi300.nc"
    content = path.read_bytes()
    path.unlink()
    try:
        told = restored.quench(
            "status", *TARGETS, "--scenario", "config/smoke.yaml", "--scenario", "overlay.yaml"
        ).stdout
        assert f"made again by snakemake {path.relative_to(restored.folder)} --configfile" in told
        assert f"{path}: missing, but figures/" in restored.quench("verify", "results/smoke").stdout
        # The figure is there and needs nothing; asked for by its name, the file is made by its own job alone.
        again = restored.snakemake(targets=[str(path.relative_to(restored.folder))])
        assert again.returncode == 0, again.stderr
        assert set(re.findall(r"^(?:local)?rule (\w+):$", again.stdout + again.stderr, flags=re.MULTILINE)) == {
            "observe"
        }
        assert path.read_bytes() == content
    finally:
        path.write_bytes(content)
