"""Raw images in; out come the networks of BJ trained by SGD, with everything measured while they train.

One job is a chunk of seeds of one classifier, trained one after the other; a killed job goes on from its checkpoint. From
the configurations that it keeps come Hessian spectra and barriers, and noise-free gradient descent beside SGD.
"""


rule train:
    output:
        f"{RESULTS}/classifiers/{{classifier}}/{{seeds}}.nc",
    log:
        f"{RESULTS}/logs/classifiers/{{classifier}}/{{seeds}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        checkpoint_seconds=CHECKPOINT_SECONDS,
        mem_mb=2500,
        runtime=lambda w, attempt: 120 * attempt,
    params:
        options=lambda w: classifier_options(
            SCENARIO.classifiers[w.classifier],
            "seeds",
            "first_seed",
            "flatness",
            "drift",
        ),
        keep=lambda w: flags(keep=SCENARIO.classifiers[w.classifier].keep),
        root=flags(data_root=SCENARIO.data_root, device=SCENARIO.compute.device),
        code=lambda w: code("train"),
    shell:
        "quench train {params.options} {params.keep} {params.root} --seeds {wildcards.seeds} --threads {threads}"
        " --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"


rule flatness:
    input:
        lambda w: trainings(w.classifier),
    output:
        f"{RESULTS}/flatness/{{classifier}}.nc",
    log:
        f"{RESULTS}/logs/flatness/{{classifier}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=2500,
        runtime=lambda w, attempt: 120 * attempt,
    params:
        options=lambda w: classifier_options(
            SCENARIO.classifiers[w.classifier].flatness
        ),
        root=flags(data_root=SCENARIO.data_root, device=SCENARIO.compute.device),
        code=lambda w: code("flatness"),
    shell:
        "quench flatness {input} {params.options} {params.root} --threads {threads} -o {output} 2> {log}"


rule drift:
    input:
        lambda w: trainings(w.classifier),
    output:
        f"{RESULTS}/drift/{{classifier}}.nc",
    log:
        f"{RESULTS}/logs/drift/{{classifier}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=2500,
        runtime=lambda w, attempt: 120 * attempt,
    params:
        options=lambda w: classifier_options(SCENARIO.classifiers[w.classifier].drift),
        root=flags(data_root=SCENARIO.data_root, device=SCENARIO.compute.device),
        code=lambda w: code("drift"),
    shell:
        "quench drift {input} {params.options} {params.root} --threads {threads} -o {output} 2> {log}"
