"""A dataset in; out come networks in a basin (SGD), then snapshots of their measured dynamics at every point of a run.

One job is one configuration and one chunk of seeds; it uses a thread for each of its networks, so that the scheduler
gives the cores that it cannot use to other jobs. A killed job goes on from its checkpoint when it is started again.
"""


def pretrain_options(wildcards):
    section = SCENARIO.ensembles[wildcards.ensemble]
    polish = ",".join(f"{epochs}:{rate!r}" for epochs, rate in section.sgd.polish)
    return flags(
        width=section.width,
        depth=section.depth,
        weight_decay=section.weight_decay,
        seeds=wildcards.seeds,
        learning_rate=section.sgd.learning_rate,
        batch_size=section.sgd.batch_size,
        epochs=section.sgd.epochs,
        polish=polish or None,
        **compute_options(),
    )


def run_options(wildcards):
    section = SCENARIO.runs[wildcards.run]
    value = value_of(wildcards.run, wildcards.point)
    lag_max = section.lag_max
    if section.dynamics == "langevin":
        point = {"temperature": value}
    else:
        point = {"batch_size": value}
        lag_max = min(lag_max, section.samples_max // value) if section.samples_max else lag_max
    return flags(
        dynamics=section.dynamics,
        **point,
        step_size=section.step_size,
        waiting_times=section.waiting_times,
        lag_max=lag_max,
        dense=section.dense,
        per_decade=section.per_decade,
        **compute_options(),
    )


def compute_options():
    return {"backend": BACKEND, "device": SCENARIO.compute.device, "precision": SCENARIO.compute.precision}


rule pretrain:
    input:
        lambda w: f"{RESULTS}/data/{SCENARIO.ensembles[w.ensemble].dataset}.nc",
    output:
        f"{RESULTS}/pretrained/{{ensemble}}/{{seeds}}.nc",
    params:
        options=pretrain_options,
        code=lambda w: code("pretrain", BACKEND),
    threads: n_networks
    resources:
        mem_mb=1500,
        runtime=lambda w, attempt: 60 * attempt,
    log:
        f"{RESULTS}/logs/pretrained/{{ensemble}}/{{seeds}}.log",
    conda:
        "../envs/quench.yaml"
    shell:
        "{QUENCH} pretrain {input} {params.options} --threads {threads} -o {output} 2> {log}"


rule run:
    input:
        pretrained=lambda w: f"{RESULTS}/pretrained/{SCENARIO.runs[w.run].ensemble}/{w.seeds}.nc",
        dataset=lambda w: f"{RESULTS}/data/{SCENARIO.ensembles[SCENARIO.runs[w.run].ensemble].dataset}.nc",
    output:
        f"{RESULTS}/snapshots/{{run}}/{{point}}/{{seeds}}.nc",
    params:
        options=run_options,
        code=lambda w: code(SCENARIO.runs[w.run].dynamics, BACKEND),
    threads: n_networks
    resources:
        mem_mb=2500,
        runtime=lambda w, attempt: 60 * attempt,
    log:
        f"{RESULTS}/logs/snapshots/{{run}}/{{point}}/{{seeds}}.log",
    conda:
        "../envs/quench.yaml"
    shell:
        "{QUENCH} run {input.pretrained} {input.dataset} {params.options} --threads {threads} -o {output} 2> {log}"
