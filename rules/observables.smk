"""From snapshots to the observables of every point of a run, per network and averaged over all chunks of networks.

Where a figure shows it, also the response beside the run of the same networks at T = 0; the displacement, size and data gradient of every
single weight; and the eigenvalues of the Hessian.
"""


rule observe:
    input:
        RULES.inputs("observe"),
    output:
        RULES.output("observe"),
    log:
        RULES.log("observe"),
    conda:
        "../envs/training.yaml"
    resources:
        **RULES.resources("observe"),
    params:
        options=RULES.options("observe"),
        code=RULES.code("observe"),
    shell:
        "quench observe {input} {params.options} -o {output} 2> {log}"


rule response:
    input:
        snapshots=RULES.snapshots,
        control=RULES.control,
    output:
        RULES.output("response"),
    log:
        RULES.log("response"),
    conda:
        "../envs/training.yaml"
    resources:
        **RULES.resources("response"),
    params:
        options=RULES.options("response"),
        code=RULES.code("response"),
    shell:
        "quench observe {input.snapshots} {params.options} --control {input.control} -o {output} 2> {log}"


rule mobility:
    input:
        RULES.inputs("mobility"),
    output:
        RULES.output("mobility"),
    log:
        RULES.log("mobility"),
    conda:
        "../envs/training.yaml"
    resources:
        **RULES.resources("mobility"),
    params:
        options=RULES.options("mobility"),
        code=RULES.code("mobility"),
    shell:
        "quench mobility {input} {params.options} -o {output} 2> {log}"


rule curvature:
    input:
        RULES.inputs("curvature"),
    output:
        RULES.output("curvature"),
    log:
        RULES.log("curvature"),
    conda:
        "../envs/training.yaml"
    resources:
        **RULES.resources("curvature"),
    params:
        options=RULES.options("curvature"),
        code=RULES.code("curvature"),
    shell:
        "quench curvature {input} {params.options} -o {output} 2> {log}"
