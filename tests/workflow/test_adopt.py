"""A results folder without Snakemake's records, or with damaged ones: what is whole and current is not made again."""

import shutil

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

CONFIG = ("--configfile", "config/smoke.yaml", "overlay.yaml")
TRAJECTORY = "snapshots/regularised/T0.01/0-1.nc"
FOLLOWERS = {f"observe regularised T0.01 {chi}" for chi in (30, 100)} | {f"figure kwj_fig{n}" for n in ("2", "3", "a2")}


@pytest.fixture
def copied(finished, new_repository):
    """Another repository with a copy of all results, all of one age, and without records."""
    repository = new_repository("copied")
    shutil.copytree(finished.folder / "results", repository.folder / "results", copy_function=shutil.copyfile)
    return repository


def adopt(repository):
    ended = repository.quench("adopt", "results/smoke", *CONFIG)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_whole_and_current_results_are_adopted(copied):
    assert copied.planned(), "copies of one age in any order would be made again"
    assert "16 files marked as done, none to be made again" in adopt(copied)
    assert copied.planned() == set()
    # Records of what made them exist: an edit is noticed.
    copied.edit("src/quench/figures/kwj/fig3.py", "ylim=(0, 1.03)", "ylim=(0, 1.05)")
    assert copied.planned() == {"figure kwj_fig3"}


def test_stale_file_and_its_followers_alone_are_made_again(copied):
    path = copied.folder / "results/smoke" / TRAJECTORY
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    told = adopt(copied)
    assert told.count(TRAJECTORY) == 1 and "15 files marked as done, 1 to be made again" in told
    assert copied.planned() == {"run regularised T0.01 0-1"} | FOLLOWERS


def test_code_of_then_is_noticed(copied):
    """The code was edited between the making and the copying."""
    copied.edit("src/quench/dynamics/reference/langevin.py", "np.sqrt(2 * step_size", "np.sqrt(2.0 * step_size")
    told = adopt(copied)
    assert told.count("made by a different version of the code") == 4
    planned = copied.planned()
    assert {job.split()[0] for job in planned} == {"run", "observe", "figure"}


def damage(folder, how):
    """Every record of ``folder`` and its content as ``how`` makes it."""
    for path in (path for path in folder.rglob("*") if path.is_file()):
        path.write_bytes(how(path.read_bytes()))


@pytest.mark.parametrize(
    "how",
    [lambda content: content[: len(content) // 2], lambda _: b"", lambda _: b"\xff\x00", lambda _: b"[]"],
    ids=["truncated", "empty", "binary", "not an object"],
)
def test_damaged_records_are_written_anew(copied, how):
    adopt(copied)
    damage(copied.folder / ".snakemake/metadata", how)
    adopt(copied)
    assert copied.planned() == set()
    copied.edit("src/quench/figures/kwj/fig3.py", "ylim=(0, 1.03)", "ylim=(0, 1.05)")
    assert copied.planned() == {"figure kwj_fig3"}


def test_marks_of_unfinished_jobs_are_removed(copied):
    """A main process that was killed leaves a mark beside each file that a job was making, though it may be whole."""
    adopt(copied)
    records = copied.folder / ".snakemake"
    record = next(path for path in (records / "metadata").rglob("*") if path.is_file())
    mark = records / "incomplete" / record.relative_to(records / "metadata")
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text('{"external_jobid": null}')
    assert copied.planned(), "an unfinished file is made again"
    adopt(copied)
    assert copied.planned() == set()


def test_other_folders_and_locked_ones_are_refused_in_one_line(copied):
    shutil.copytree(copied.folder / "results/smoke", copied.folder / "results/other")
    ended = copied.quench("adopt", "results/other", *CONFIG)
    line = "quench: results/other: the scenario 'smoke' has its results in results/smoke"
    assert (ended.returncode, ended.stderr.strip()) == (2, line)
    locks = copied.folder / ".snakemake/locks"
    locks.mkdir(parents=True, exist_ok=True)
    (locks / "0.output.lock").write_text(f"results/smoke/{TRAJECTORY}\n")
    ended = copied.quench("adopt", "results/smoke", *CONFIG)
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1 and "snakemake --unlock" in ended.stderr
