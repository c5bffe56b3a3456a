"""Observables in; out comes each figure as PDF, PNG and SVG, with the plotted numbers as a small NetCDF.

A figure of the config named ``kwj_fig3`` is the module ``quench.figures.kwj.fig3``; it gets the averaged observables of
its runs and the prepared networks of its ensembles. Every figure is a target of its own name.
"""

from quench.fingerprint import fingerprint


FORMS = (".pdf", ".png", ".svg", ".nc")


def figures(prefix=""):
    """The files of every declared figure whose name starts with ``prefix``."""
    return [path for name in SCENARIO.figures if name.startswith(prefix) for path in figure_files(name)]


def figure_files(name):
    return [f"{RESULTS}/figures/{name}{form}" for form in FORMS]


def figure_module(name):
    return "quench.figures." + name.replace("_", ".", 1)


def figure_groups(name):
    """What the figure's section names, by name: observables of its runs at its chi, networks of its ensembles."""
    section = SCENARIO.figures[name]
    runs = {run: observables(run, section.chi) for run in section.runs}
    prepared = {e: [f"{RESULTS}/pretrained/{e}/{seeds}.nc" for seeds in chunks(e)] for e in section.ensembles}
    return {"run": runs, "ensemble": prepared}


def figure_inputs(wildcards):
    groups = figure_groups(wildcards.figure)
    return [path for kind in groups.values() for paths in kind.values() for path in paths]


def figure_options(wildcards):
    """``--run NAME FILE ...`` for every run, the same for ensembles, and the figure's own choices."""
    section = SCENARIO.figures[wildcards.figure]
    named = [
        " ".join([f"--{kind}", name, *map(shlex.quote, paths)])
        for kind, groups in figure_groups(wildcards.figure).items()
        for name, paths in groups.items()
    ]
    chosen = flags(
        scale=SCENARIO.scale, temperatures=section.temperatures, waiting_time=section.waiting_time, lags=section.lags
    )
    return " ".join([*named, chosen])


rule figure:
    input:
        figure_inputs,
    output:
        multiext(f"{RESULTS}/figures/{{figure}}", *FORMS),
    params:
        options=figure_options,
        code=lambda w: fingerprint(figure_module(w.figure)),
        module=lambda w: w.figure.replace("_", ".", 1),
        stem=f"{RESULTS}/figures/{{figure}}",
    resources:
        mem_mb=1500,
        runtime=10,
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    conda:
        "../envs/quench.yaml"
    shell:
        "{QUENCH} figure {params.module} {params.options} -o {params.stem} 2> {log}"


for name in SCENARIO.figures:

    rule:
        name:
            name
        input:
            figure_files(name),
