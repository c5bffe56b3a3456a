"""Snapshots in; out come the observables of every point of a run, per network and averaged over all chunks of networks.

Where a figure asks for it, also every single weight's displacement, size and data gradient.
"""


rule observe:
    input:
        lambda w: LAYOUT.snapshots(w.run, w.point),
    output:
        f"{RESULTS}/observables/{{run}}/{{point}}/chi{{chi}}.nc",
    log:
        f"{RESULTS}/logs/observables/{{run}}/{{point}}/chi{{chi}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        **cost("observe"),
    params:
        options=lambda w: OPTIONS.observe(w.run, w.chi),
        code=lambda w: code("observe"),
    shell:
        "quench observe {input} {params.options} -o {output} 2> {log}"


rule mobility:
    input:
        snapshots=f"{RESULTS}/snapshots/{{run}}/{{point}}/{{seeds}}.nc",
        dataset=dataset_of_run,
    output:
        f"{RESULTS}/mobility/{{run}}/{{point}}/{{seeds}}.nc",
    log:
        f"{RESULTS}/logs/mobility/{{run}}/{{point}}/{{seeds}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        **cost("mobility"),
    params:
        options=lambda w: OPTIONS.mobility(w.run),
        code=lambda w: code(
            "mobility", OPTIONS.engines.ensemble(SCENARIO.runs[w.run].ensemble)
        ),
    shell:
        "quench mobility {input.snapshots} {input.dataset} {params.options} -o {output} 2> {log}"
