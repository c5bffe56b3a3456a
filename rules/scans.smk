"""A dataset in; out comes the final loss of networks trained over a grid of widths and regularisation strengths.

One job is a chunk of grid points with all their seeds; how large it is changes no bit of the results. A killed job
starts again with the points that it had not finished.
"""


rule scan:
    input:
        lambda w: LAYOUT.dataset(SCENARIO.scans[w.scan].dataset),
    output:
        f"{RESULTS}/scans/{{scan}}/{{part}}.nc",
    log:
        f"{RESULTS}/logs/scans/{{scan}}/{{part}}.log",
    conda:
        "../envs/training.yaml"
    threads: lambda w: LAYOUT.cores(SCENARIO.scans[w.scan].seeds)
    resources:
        **cost("scan"),
        checkpoint_seconds=CHECKPOINT_SECONDS,
    params:
        options=lambda w: OPTIONS.scan(w.scan, w.part),
        code=lambda w: code("scan", OPTIONS.engines.scans()),
    shell:
        "quench scan {input} {params.options} --threads {threads} --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"
