"""From a dataset to networks in a basin (SGD), and to snapshots of their measured dynamics at every point of a run.

With compute.snapshots: streamed, the file of a run contains its observables instead of snapshots; the graph is the same.

One job is one configuration and one chunk of seeds. It uses one thread per network, up to compute.threads, and leaves the
other cores to other jobs. A killed job resumes from its checkpoint when it is started again.
"""


rule pretrain:
    input:
        RULES.inputs("pretrain"),
    output:
        RULES.output("pretrain"),
    log:
        RULES.log("pretrain"),
    conda:
        "../envs/training.yaml"
    threads: RULES.threads("pretrain")
    resources:
        **RULES.resources("pretrain"),
        checkpoint_seconds=CHECKPOINT_SECONDS,
    params:
        options=RULES.options("pretrain"),
        code=RULES.code("pretrain"),
    shell:
        "quench pretrain {input} {params.options} --threads {threads} --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"


rule replicas:
    input:
        RULES.inputs("replicas"),
    output:
        RULES.output("replicas"),
    log:
        RULES.log("replicas"),
    conda:
        "../envs/training.yaml"
    threads: RULES.threads("replicas")
    resources:
        **RULES.resources("replicas"),
        checkpoint_seconds=CHECKPOINT_SECONDS,
    params:
        options=RULES.options("replicas"),
        code=RULES.code("replicas"),
    shell:
        "quench replicas {input} {params.options} --threads {threads} --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"


rule run:
    input:
        RULES.inputs("run"),
    output:
        RULES.output("run"),
    log:
        RULES.log("run"),
    conda:
        "../envs/training.yaml"
    threads: RULES.threads("run")
    resources:
        **RULES.resources("run"),
        checkpoint_seconds=CHECKPOINT_SECONDS,
    params:
        options=RULES.options("run"),
        code=RULES.code("run"),
    shell:
        "quench run {input} {params.options} --threads {threads} --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"
