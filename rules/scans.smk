"""From a dataset to the final loss of networks trained over a grid of widths and regularisation strengths.

One job is a chunk of grid points with all their seeds; the size of the chunk changes no bit of the results. A killed job
resumes with the points that it had not finished.
"""


rule scan:
    input:
        RULES.inputs("scan"),
    output:
        RULES.output("scan"),
    log:
        RULES.log("scan"),
    conda:
        "../envs/training.yaml"
    threads: RULES.threads("scan")
    resources:
        **RULES.resources("scan"),
        checkpoint_seconds=CHECKPOINT_SECONDS,
    params:
        options=RULES.options("scan"),
        code=RULES.code("scan"),
    shell:
        "quench scan {input} {params.options} --threads {threads} --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"
