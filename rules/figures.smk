"""Observables in; out comes each figure as PDF, PNG and SVG, with the plotted numbers as a small NetCDF.

A figure of the config named ``kwj_fig3`` is the module ``quench.figures.kwj.fig3``; it gets the averaged observables of
its runs, the prepared networks of its ensembles and its phase-diagram scans. Every figure is a target of its own name.
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
        multiext(f"{RESULTS}/figures/{{figure}}", ".pdf", ".png", ".nc"),
        report(
            f"{RESULTS}/figures/{{figure}}.svg",
            caption="captions/figure.rst",
            category=lambda w: place(w.figure).paper.name,
            subcategory=lambda w: place(w.figure).section,
            labels=lambda w: {
                "figure": place(w.figure).label or w.figure,
                "title": words(figure_module(w.figure))[0],
            },
        ),
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        options=lambda w: OPTIONS.figure(w.figure),
        code=lambda w: fingerprint(figure_module(w.figure)),
        caption=lambda w: words(figure_module(w.figure))[1],
        module=lambda w: w.figure.replace("_", ".", 1),
        stem=f"{RESULTS}/figures/{{figure}}",
    shell:
        "quench figure {params.module} {params.options} -o {params.stem} 2> {log}"


for name in SCENARIO.figures:

    rule:
        name:
            name
        input:
            LAYOUT.figure(name),
