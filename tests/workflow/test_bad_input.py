"""A mistake in the scenario is one line and a failure, before any work."""

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]


def assert_one_line(repository, ended, told):
    assert ended.returncode != 0
    lines = [line for line in ended.stderr.splitlines() if line.startswith("quench: ")]
    assert len(lines) == 1 and told in lines[0]
    assert "Traceback" not in ended.stderr + ended.stdout
    assert not (repository.folder / "results").exists()


@pytest.mark.parametrize(
    "change, told",
    [
        ({"runs": {"regularised": {"temperature": [1]}}}, "no such key (did you mean 'temperatures'?)"),
        ({"runs": {"regularised": {"temperatures": [-0.1]}}}, "greater than or equal to 0 (got -0.1)"),
        ({"runs": {"regularised": {"chi": 1e18}}}, "below the resolution of float64 weights"),
        ({"data": {"mnist": {"subset": 6000}}}, "P_D = 6000 is more than the 5000 training images"),
        ({"ensembles": {"regularised": {"width": "wide"}}}, "ensembles.regularised.width: input should be a valid integer"),
        ({"figures": {"kwj_fig2": {"waiting_time": 11}}}, "t_w = 11 is not on the schedule of run 'regularised'"),
        ({"figures": {"kwj_fig3": {"runs": []}}}, "figures.kwj_fig3: kwj.fig3 needs runs"),
        ({"figures": {"kwj_fig33": {"runs": ["regularised"]}}}, "did you mean 'kwj.fig3'"),
    ],
)  # fmt: skip
def test_one_line_before_any_work(untouched, change, told):
    untouched.overlay(change)
    assert_one_line(untouched, untouched.snakemake(), told)


def test_dry_run_tells_the_same(untouched):
    untouched.overlay({"compute": {"chunk": 0}})
    assert_one_line(untouched, untouched.snakemake("--dry-run"), "compute.chunk: input should be greater")


def test_all_mistakes_of_a_wider_target_are_listed_before_any_work(untouched):
    untouched.overlay({"runs": {"regularised": {"temperatures": [0.1, 0.003]}}})
    for options in ((), ("-n",)):
        ended = untouched.snakemake(*options, targets=())
        assert ended.returncode != 0 and "Traceback" not in ended.stdout + ended.stderr
        lines = [line for line in ended.stderr.splitlines() if line.startswith("quench: ")]
        assert [line.split(": ")[2] for line in lines[:-1]] == [
            f"figures.{name}.temperatures" for name in ("kwj_fig2", "kwj_figa2", "ours_immobile")
        ]
        assert lines[-1].endswith("add figures: {kwj_fig2: null, kwj_figa2: null, ours_immobile: null}")
    assert not (untouched.folder / "results").exists()


def test_unknown_target_names_the_nearest(untouched):
    untouched.overlay({})
    assert_one_line(
        untouched, untouched.snakemake("-n", targets=("kwj_fgi3",)), "'kwj_fgi3' (did you mean 'kwj_fig3'?)"
    )


def test_overlay_without_its_default_names_what_is_missing(untouched, tmp_path):
    untouched.overlay({})
    assert_one_line(untouched, untouched.snakemake("--directory", str(tmp_path)), "config/config.yaml: not found in")


def test_missing_images_without_a_network_are_told_before_any_work(untouched, tmp_path):
    # A module of this name is imported when Python starts: it takes the network away from the whole process.
    (untouched.folder / "src" / "sitecustomize.py").write_text(
        "import socket\n\n\ndef refuse(*args, **kwargs):\n    raise OSError('no network')\n\n\n"
        "socket.create_connection = refuse\n"
    )
    untouched.overlay({"data": {"mnist": {"source": "cifar10", "subset": 200}}})
    environment = {"PYTHONPATH": str(untouched.folder / "src"), "QUENCH_DATA": str(tmp_path)}
    ended = untouched.snakemake(environment=environment)
    assert_one_line(untouched, ended, f"put data_batch_1.bin into {tmp_path / 'cifar-10-batches-bin'}")
    # A plan needs no images.
    planned = untouched.snakemake("-n", environment=environment)
    assert planned.returncode == 0 and "put data_batch_1.bin into" in planned.stderr
