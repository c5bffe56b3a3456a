"""The plotted numbers of the figures in; out comes one row for every claim of the papers: value, interval, verdict."""


rule claims:
    input:
        declared=local(CLAIMS),
        figures=claim_figures,
    output:
        report(
            f"{RESULTS}/claims.csv",
            caption="captions/claims.rst",
            category="Claims",
        ),
        f"{RESULTS}/claims.json",
    log:
        f"{RESULTS}/logs/claims.log",
    conda:
        "../envs/figures.yaml"
    resources:
        **cost("claims"),
    params:
        options=claim_options,
        code=claims_code,
        stem=lambda w, output: str(Path(output[0]).with_suffix("")),
        scenario=SCENARIO.scenario,
    shell:
        "quench claims {input.declared} --scenario {params.scenario} {params.options} -o {params.stem} 2> {log}"
