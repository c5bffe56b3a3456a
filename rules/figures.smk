"""Observables in; out comes each figure as PDF, PNG and SVG, with the plotted numbers as a small NetCDF.

A figure of the config whose kind, or else name, is ``kwj_fig3`` is drawn by the module ``quench.figures.kwj.fig3`` from the
averaged observables of its runs, the prepared networks of its ensembles and whatever else its section names. Every figure
is a target of its own name.
"""


rule figure:
    input:
        lambda w: LAYOUT.figure_paths(w.figure),
    output:
        multiext(f"{RESULTS}/figures/{{figure}}", ".pdf", ".png", ".nc"),
        report(
            f"{RESULTS}/figures/{{figure}}.svg",
            caption="captions/figure.rst",
            category=lambda w: place(w.figure).paper.name,
            subcategory=lambda w: place(w.figure).section,
            labels=lambda w: {
                "figure": place(w.figure).label or w.figure,
                "title": figure_declared(w.figure).title,
            },
        ),
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    conda:
        "../envs/figures.yaml"
    resources:
        **cost("figure"),
    params:
        # What makes a figure stale: Snakemake does not look at parameters that are made from its inputs, as those below.
        declared=lambda w: OPTIONS.figure(w.figure, LAYOUT.figure_paths(w.figure)),
        options=lambda w, input: OPTIONS.figure(w.figure, input),
        code=lambda w: figure_code(w.figure),
        caption=lambda w: figure_declared(w.figure).caption,
        module=lambda w: SCENARIO.figures[w.figure].module(w.figure),
        stem=lambda w, output: str(Path(output[0]).with_suffix("")),
    shell:
        "quench figure {params.module} {params.options} -o {params.stem} 2> {log}"


for name in SCENARIO.figures:

    rule:
        name:
            name
        input:
            LAYOUT.figure(name),
