"""From results to each figure as PDF, PNG and SVG, with the plotted numbers as a small NetCDF file.

A figure of the config whose kind, or else name, is ``kwj_fig3`` is drawn by the module ``quench.figures.kwj.fig3`` from the
files that its section names. Every figure is a target of its name.
"""

from quench.report.papers import place


rule figure:
    input:
        RULES.inputs("figure"),
    output:
        multiext(f"{RESULTS}/figures/{{figure}}", ".pdf", ".png", ".nc"),
        report(
            f"{RESULTS}/figures/{{figure}}.svg",
            caption="captions/figure.rst",
            category=lambda w: place(w.figure).paper.name,
            subcategory=lambda w: place(w.figure).section,
            labels=lambda w: {
                "figure": place(w.figure).label or w.figure,
                "title": declarations(w.figure).title,
            },
        ),
    log:
        RULES.log("figure"),
    conda:
        "../envs/figures.yaml"
    resources:
        **RULES.resources("figure"),
    params:
        # A change of the declared files makes a figure stale; Snakemake ignores changes of parameters made from inputs.
        declared=lambda w: RULES.inputs("figure")(w),
        files=lambda w, input: RULES.figure_inputs(w.figure, input),
        options=RULES.options("figure"),
        code=RULES.code("figure"),
        caption=lambda w: declarations(w.figure).caption,
        module=lambda w: SCENARIO.figures[w.figure].module(w.figure),
        stem=lambda w, output: str(Path(output[0]).with_suffix("")),
    shell:
        "quench figure {params.module} {params.files} {params.options} -o {params.stem} 2> {log}"


for name in SCENARIO.figures:

    rule:
        name:
            name
        input:
            RULES.paths.figure(name),
