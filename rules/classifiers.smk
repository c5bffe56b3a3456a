"""Raw images in; out come the networks of BJ trained by SGD, with everything measured while they train.

One job is a chunk of seeds of one classifier, trained one after the other; a killed job goes on from its checkpoint. From
the configurations that it keeps come Hessian spectra and barriers, and noise-free gradient descent beside SGD.
"""


rule images:
    output:
        f"{RESULTS}/images/{{source}}.nc",
    log:
        f"{RESULTS}/logs/images/{{source}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        **cost("images"),
    params:
        root=flags(data_root=SCENARIO.data_root),
        code=lambda w: code("images"),
    shell:
        "quench images --source {wildcards.source} {params.root} -o {output} 2> {log}"


rule train:
    input:
        images_of,
    output:
        f"{RESULTS}/classifiers/{{classifier}}/{{seeds}}.nc",
    log:
        f"{RESULTS}/logs/classifiers/{{classifier}}/{{seeds}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        **cost("train"),
        checkpoint_seconds=CHECKPOINT_SECONDS,
    params:
        options=lambda w: OPTIONS.train(w.classifier),
        code=lambda w: code("train"),
    shell:
        "quench train {input} {params.options} --seeds {wildcards.seeds} --threads {threads}"
        " --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"


rule flatness:
    input:
        images_of,
        lambda w: LAYOUT.trainings(w.classifier),
    output:
        f"{RESULTS}/flatness/{{classifier}}.nc",
    log:
        f"{RESULTS}/logs/flatness/{{classifier}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        **cost("flatness"),
    params:
        options=lambda w: OPTIONS.after_training(w.classifier, "flatness"),
        code=lambda w: code("flatness"),
    shell:
        "quench flatness {input} {params.options} --threads {threads} -o {output} 2> {log}"


rule drift:
    input:
        images_of,
        lambda w: LAYOUT.trainings(w.classifier),
    output:
        f"{RESULTS}/drift/{{classifier}}.nc",
    log:
        f"{RESULTS}/logs/drift/{{classifier}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        **cost("drift"),
    params:
        options=lambda w: OPTIONS.after_training(w.classifier, "drift"),
        code=lambda w: code("drift"),
    shell:
        "quench drift {input} {params.options} --threads {threads} -o {output} 2> {log}"
