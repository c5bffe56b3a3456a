"""Nothing in; out comes the glass: quenches solved at infinite N, and simulations at finite N with errors over couplings."""


rule pspin:
    output:
        f"{RESULTS}/glass/{{quench}}.nc",
    log:
        f"{RESULTS}/logs/glass/{{quench}}.log",
    wildcard_constraints:
        quench=one_of(SCENARIO.quenches),
    conda:
        "../envs/figures.yaml"
    resources:
        **cost("pspin"),
    params:
        options=lambda w: OPTIONS.quench(w.quench),
        code=lambda w: code("pspin"),
    shell:
        "quench pspin {params.options} -o {output} 2> {log}"


rule simulation:
    output:
        f"{RESULTS}/glass/{{simulation}}.nc",
    log:
        f"{RESULTS}/logs/glass/{{simulation}}.log",
    wildcard_constraints:
        simulation=one_of(SCENARIO.simulations),
    conda:
        "../envs/figures.yaml"
    resources:
        **cost("simulation"),
    params:
        options=lambda w: OPTIONS.simulation(w.simulation),
        code=lambda w: code("pspin-simulate"),
    shell:
        "quench pspin-simulate {params.options} -o {output} 2> {log}"
