"""Raw images in, one dataset file out: standardised pixels, principal component scores, binary labels."""


rule dataset:
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
