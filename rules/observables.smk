"""Snapshots in; out come the observables of every point of a run, per network and averaged over all chunks of networks.

Where a figure asks for it, also every single weight's displacement, size and data gradient.
"""


rule observe:
    input:
        lambda w: expand(
            f"{RESULTS}/snapshots/{{run}}/{{point}}/{{seeds}}.nc",
            run=w.run,
            point=w.point,
            seeds=chunks(SCENARIO.runs[w.run].ensemble),
        ),
    output:
        f"{RESULTS}/observables/{{run}}/{{point}}/chi{{chi}}.nc",
    log:
        f"{RESULTS}/logs/observables/{{run}}/{{point}}/chi{{chi}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=2500,
        runtime=20,
    params:
        options=lambda w: flags(
            waiting_times=SCENARIO.runs[w.run].waiting_times,
            chi=w.chi,
            **measured_options(SCENARIO.runs[w.run]),
        ),
        code=lambda w: code("observe"),
    shell:
        "quench observe {input} {params.options} -o {output} 2> {log}"


rule mobility:
    input:
        snapshots=f"{RESULTS}/snapshots/{{run}}/{{point}}/{{seeds}}.nc",
        dataset=lambda w: f"{RESULTS}/data/{SCENARIO.ensembles[SCENARIO.runs[w.run].ensemble].dataset}.nc",
    output:
        f"{RESULTS}/mobility/{{run}}/{{point}}/{{seeds}}.nc",
    log:
        f"{RESULTS}/logs/mobility/{{run}}/{{point}}/{{seeds}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=2500,
        runtime=20,
    params:
        options=mobility_options,
        code=lambda w: code("mobility", BACKEND),
    shell:
        "quench mobility {input.snapshots} {input.dataset} {params.options} -o {output} 2> {log}"
