"""Observables in; out comes each figure as PDF, PNG and SVG, with the plotted numbers as a small NetCDF.

A figure of the config whose kind, or else name, is ``kwj_fig3`` is drawn by the module ``quench.figures.kwj.fig3`` from the
averaged observables of its runs, the prepared networks of its ensembles and whatever else its section names. Every figure
is a target of its own name.
"""


rule figure:
    input:
        lambda w: [
            path
            for kind in LAYOUT.figure_inputs(w.figure).values()
            for paths in kind.values()
            for path in paths
        ],
    output:
        multiext(f"{RESULTS}/figures/{{figure}}", *FIGURE_FORMS),
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        options=lambda w: OPTIONS.figure(w.figure),
        code=lambda w: figure_code(LAYOUT, w.figure),
        module=lambda w: LAYOUT.figure_module(w.figure),
        stem=f"{RESULTS}/figures/{{figure}}",
    shell:
        "quench figure {params.module} {params.options} -o {params.stem} 2> {log}"


for name in SCENARIO.figures:

    rule:
        name:
            name
        input:
            LAYOUT.figure(name),
