"""Figures and claims in; out comes one page with all of them and where they come from, which needs no other file.

``quench report FOLDER --compare OTHER`` lays two scenarios side by side; it is no rule, since either may be anywhere.
"""


rule report:
    input:
        LAYOUT.figures(),
        claims=rules.claims.output,
    output:
        report(
            f"{RESULTS}/report/index.html",
            caption="captions/report.rst",
            category="Report",
        ),
    log:
        f"{RESULTS}/logs/report.log",
    conda:
        "../envs/figures.yaml"
    resources:
        **cost("report"),
    params:
        config=as_yaml(SCENARIO),
        code=report_code(),
        workflow=snakemake_call(),
        folder=lambda w, output: Path(output[0]).parents[1],
    shell:
        "printf %s {params.config:q} | quench report {params.folder} --config - --workflow {params.workflow:q}"
        " -o {output} 2> {log}"
