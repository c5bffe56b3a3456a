"""Snapshots that somebody recorded elsewhere in; out come their observables, which the figures take like any other."""


rule external:
    input:
        # What an unpacked archive was measured from need not be here.
        lambda w: [
            path
            for path in SCENARIO.external[w.external].snapshots
            if not Path(RESULTS, SUMS).exists() or Path(path).exists()
        ],
    output:
        f"{RESULTS}/external/{{external}}.nc",
    log:
        f"{RESULTS}/logs/external/{{external}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        **cost("external"),
    params:
        options=lambda w: OPTIONS.external(w.external),
        code=lambda w: code("observe"),
    shell:
        "quench observe {input} {params.options} -o {output} 2> {log}"
