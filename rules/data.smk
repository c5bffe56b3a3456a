"""Raw images, or a file of one's own, in; out comes one dataset file: standardised, principal component scores, labels."""


rule dataset:
    input:
        lambda w: LAYOUT.raw(w.dataset),
    output:
        f"{RESULTS}/data/{{dataset}}.nc",
    log:
        f"{RESULTS}/logs/data/{{dataset}}.log",
    conda:
        "../envs/training.yaml"
    resources:
        **cost("dataset"),
    params:
        options=lambda w: OPTIONS.prepare(w.dataset),
        code=lambda w: code("prepare"),
    shell:
        "quench prepare {params.options} -o {output} 2> {log}"
