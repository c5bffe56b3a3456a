"""From raw images to the networks of BJ trained by SGD, with all measurements made during training.

One job is a chunk of seeds of one classifier, trained one after the other; a killed job resumes from its checkpoint. From
the kept configurations follow Hessian spectra and barriers, and noise-free gradient descent beside SGD.
"""


rule images:
    output:
        RULES.output("images"),
    log:
        RULES.log("images"),
    conda:
        "../envs/training.yaml"
    resources:
        **RULES.resources("images"),
    params:
        options=RULES.options("images"),
        code=RULES.code("images"),
    shell:
        "quench images {params.options} -o {output} 2> {log}"


rule train:
    input:
        RULES.inputs("train"),
    output:
        RULES.output("train"),
    log:
        RULES.log("train"),
    conda:
        "../envs/training.yaml"
    threads: RULES.threads("train")
    resources:
        **RULES.resources("train"),
        checkpoint_seconds=CHECKPOINT_SECONDS,
    params:
        options=RULES.options("train"),
        code=RULES.code("train"),
    shell:
        "quench train {input} {params.options} --seeds {wildcards.seeds} --threads {threads}"
        " --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"


rule flatness:
    input:
        RULES.inputs("flatness"),
    output:
        RULES.output("flatness"),
    log:
        RULES.log("flatness"),
    conda:
        "../envs/training.yaml"
    resources:
        **RULES.resources("flatness"),
    params:
        options=RULES.options("flatness"),
        code=RULES.code("flatness"),
    shell:
        "quench flatness {input} {params.options} --threads {threads} -o {output} 2> {log}"


rule drift:
    input:
        RULES.inputs("drift"),
    output:
        RULES.output("drift"),
    log:
        RULES.log("drift"),
    conda:
        "../envs/training.yaml"
    resources:
        **RULES.resources("drift"),
    params:
        options=RULES.options("drift"),
        code=RULES.code("drift"),
    shell:
        "quench drift {input} {params.options} --threads {threads} -o {output} 2> {log}"
