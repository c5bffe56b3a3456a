"""From snapshots that were recorded elsewhere to their observables, which figures read like any others."""


rule external:
    input:
        # Beside an unpacked archive, the snapshots need not exist.
        lambda w: [
            path
            for path in SCENARIO.external[w.external].snapshots
            if not Path(RESULTS, SUMS).exists() or Path(path).exists()
        ],
    output:
        RULES.output("external"),
    log:
        RULES.log("external"),
    conda:
        "../envs/training.yaml"
    resources:
        **RULES.resources("external"),
    params:
        options=RULES.options("external"),
        code=RULES.code("external"),
    shell:
        # The user names these files: names may hold spaces, quotes, $ or [], and may begin with a hyphen.
        "quench observe {params.options} -o {output} 2> {log} -- {input:q}"
