"""A dataset in; out comes the final loss of networks trained over a grid of widths and regularisation strengths.

One job is a chunk of grid points with all their seeds; how large it is changes no bit of the results. A killed job
starts again with the points that it had not finished.
"""


rule scan:
    input:
        lambda w: f"{RESULTS}/data/{SCENARIO.scans[w.scan].dataset}.nc",
    output:
        f"{RESULTS}/scans/{{scan}}/{{part}}.nc",
    log:
        f"{RESULTS}/logs/scans/{{scan}}/{{part}}.log",
    conda:
        "../envs/training.yaml"
    threads: lambda w: SCENARIO.scans[w.scan].seeds
    resources:
        checkpoint_seconds=CHECKPOINT_SECONDS,
        mem_mb=1500,
        runtime=lambda w, attempt: 240 * attempt,
    params:
        options=scan_options,
        code=lambda w: code("scan", BACKEND),
    shell:
        "quench scan {input} {params.options} --threads {threads} --checkpoint-every {resources.checkpoint_seconds} -o {output} 2> {log}"
