"""From raw images, or a file of the user, to a dataset file: standardised, principal component scores, labels."""


rule dataset:
    input:
        lambda w: RULES.paths.raw(w.dataset),
    output:
        RULES.output("dataset"),
    log:
        RULES.log("dataset"),
    conda:
        "../envs/training.yaml"
    resources:
        **RULES.resources("dataset"),
    params:
        options=RULES.options("dataset"),
        code=RULES.code("dataset"),
    shell:
        "quench prepare {params.options} -o {output} 2> {log}"
