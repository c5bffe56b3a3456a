"""A twin of the paper scenario: the same entries, keys and stages, with P_D, networks, widths and steps divided."""

from places import CONFIG

from quench.config.scenario import load_files, resolve

TIMES = 2000  # updates of the paper for each of the twin
KEPT = (1, 1e-4, 1e-5, 1e-6, 0)  # temperatures that some figure names, the highest, and none
SAMPLES = {"subset": 100, "source": "mnist5k"}


def _shorter(value):
    return max(1, value // TIMES)


def _times(values):
    return sorted({_shorter(value) for value in values})


def scenario(*figures):
    """The twin, resolved, with these figures; by default with all."""
    paper = load_files([CONFIG / "config.yaml", CONFIG / "paper.yaml"]).model_dump(mode="json")
    sgd = {"epochs": 2, "batch_size": 20, "learning_rate": 0.05}
    for data in paper["data"].values():
        data.update(SAMPLES)
    for ensemble in paper["ensembles"].values():
        ensemble.update(width=4, depth=2, seeds=2)
        ensemble["sgd"].update(sgd)
    for scan in paper["scans"].values():
        scan.update(widths=[3, 4, 5][: len(scan["widths"])], weight_decays=scan["weight_decays"][:4], depth=2, seeds=2)
        scan["sgd"].update(sgd, polish=[[2, 0.01]])
    for run in paper["runs"].values():
        run.update(waiting_times=_times(run["waiting_times"]), motility_lags=_times(run["motility_lags"]))
        run.update(lag_max=min(_shorter(run["lag_max"]), 200), per_decade=6, step_size=0.02, samples_max=None)
        run["temperatures"] = [one for one in run["temperatures"] if one in KEPT]
        run["batch_sizes"] = sorted({max(1, size // 600) for size in run["batch_sizes"]})[::3]
    for classifier in paper["classifiers"].values():
        _shrink(classifier)
    for quench in paper["quenches"].values():
        quench.update(t_max=20.0, times="0,1,10", waiting_times="1", lags="0,1,5", resolution="fast")
    for simulation in paper["simulations"].values():
        simulation.update(spins=simulation["spins"] // 8, seeds=2, step=0.1)
    for figure in paper["figures"].values():
        figure["lags"] = [_shorter(lag) for lag in figure["lags"]]
        figure["waiting_time"] = figure["waiting_time"] and _shorter(figure["waiting_time"])
        if figure["fit"] and figure["fit"][0] >= TIMES:
            figure["fit"] = [_shorter(end) for end in figure["fit"]]
    if figures:
        paper["figures"] = {name: paper["figures"][name] for name in figures}
    return resolve(paper | {"scenario": "twin"})


def _shrink(classifier):
    steps = 40
    hidden = {"A": 1, "A-under": 1, "B": 2, "C": 3, "D": 1}[classifier["model"]]
    images = {
        "source": "mnist5k",
        "train_samples": 60,
        "test_samples": 20,
        "pool": 1 if classifier["model"] in "CD" else 4,
    }
    classifier.update(images, widths=[3] * hidden, steps=steps, batch_size=6, waiting_per_decade=3, lags_per_decade=4)
    classifier.update(measures_per_decade=2, noise_batches=4, noise_draws=10)
    classifier["channel_std"] = classifier["channel_std"] and classifier["channel_std"][:1]
    if classifier["flatness"]:
        classifier["flatness"].update(times=[0, steps // 2, steps], samples=20, probes=1, lanczos_steps=10)
    if classifier["drift"]:
        classifier["drift"].update(starts=[steps // 2], lag_max=10)
