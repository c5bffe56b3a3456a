"""A dataset in; out come networks in a basin (SGD), then snapshots of their measured dynamics at every point of a run.

With compute.snapshots: streamed, the file of a run holds what is measured of it instead; the rest of the graph is the same.

One job is one configuration and one chunk of seeds; it uses a thread for each of its networks, up to compute.threads, so
that the scheduler gives the cores that it cannot use to other jobs. A killed job goes on from its checkpoint when it is
started again.
"""


rule pretrain:
    input:
        lambda w: LAYOUT.dataset(SCENARIO.ensembles[w.ensemble].dataset),
    output:
        f"{RESULTS}/pretrained/{{ensemble}}/{{seeds}}.nc",
    log:
        f"{RESULTS}/logs/pretrained/{{ensemble}}/{{seeds}}.log",
    conda:
        "../envs/training.yaml"
    threads: n_networks
    resources:
        **cost("pretrain"),
        checkpoint_seconds=CHECKPOINT_SECONDS,
    params:
        options=lambda w: OPTIONS.pretrain(w.ensemble, w.seeds),
        code=lambda w: code("pretrain", OPTIONS.engines.ensemble(w.ensemble)),
    shell:
        "quench pretrain {input} {params.options} --threads {threads} --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"


rule run:
    input:
        pretrained=lambda w: f"{RESULTS}/pretrained/{SCENARIO.runs[w.run].ensemble}/{w.seeds}.nc",
        dataset=dataset_of_run,
    output:
        f"{RESULTS}/snapshots/{{run}}/{{point}}/{{seeds}}.nc",
    log:
        f"{RESULTS}/logs/snapshots/{{run}}/{{point}}/{{seeds}}.log",
    conda:
        "../envs/training.yaml"
    threads: n_networks
    resources:
        **cost("run"),
        checkpoint_seconds=CHECKPOINT_SECONDS,
    params:
        options=lambda w: OPTIONS.run(w.run, w.point),
        code=lambda w: code(run_step(w), OPTIONS.engines.run(w.run)),
    shell:
        "quench run {input.pretrained} {input.dataset} {params.options} --threads {threads} --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"
