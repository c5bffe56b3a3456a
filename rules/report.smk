"""From figures and claims to one self-contained page with all of them and their provenance.

``quench report FOLDER --compare OTHER`` sets two scenarios side by side; it is no rule, because both may be anywhere.
"""

# The papers' own scale, with which the page compares this scenario.
PAPER_FILES = [
    os.path.relpath(ROOT / "config" / name) for name in ("config.yaml", "paper.yaml")
]


rule report:
    input:
        RULES.paths.figures(),
        claims=rules.claims.output,
        paper=[local(path) for path in PAPER_FILES],
    output:
        report(
            RULES.output("report"),
            caption="captions/report.rst",
            category="Report",
        ),
    log:
        RULES.log("report"),
    conda:
        "../envs/figures.yaml"
    resources:
        **RULES.resources("report"),
    params:
        config=as_yaml(SCENARIO),
        code=f"{code_of('quench.report.page')} {templates_hash()}",
        workflow=snakemake_call(),
        folder=lambda w, output: Path(output[0]).parents[1],
    shell:
        "printf %s {params.config:q} | quench report {params.folder} --config - --workflow {params.workflow:q}"
        " --paper {input.paper}"
        " -o {output} 2> {log}"
