"""The glass itself: quenches solved at infinite N, and simulations at finite N with errors over couplings."""


rule pspin:
    output:
        RULES.output("pspin"),
    log:
        RULES.log("pspin"),
    wildcard_constraints:
        quench=one_of(SCENARIO.quenches),
    conda:
        "../envs/figures.yaml"
    resources:
        **RULES.resources("pspin"),
    params:
        options=RULES.options("pspin"),
        code=RULES.code("pspin"),
    shell:
        "quench pspin {params.options} -o {output} 2> {log}"


rule simulation:
    output:
        RULES.output("simulation"),
    log:
        RULES.log("simulation"),
    wildcard_constraints:
        simulation=one_of(SCENARIO.simulations),
    conda:
        "../envs/figures.yaml"
    resources:
        **RULES.resources("simulation"),
    params:
        options=RULES.options("simulation"),
        code=RULES.code("simulation"),
    shell:
        "quench pspin-simulate {params.options} -o {output} 2> {log}"
