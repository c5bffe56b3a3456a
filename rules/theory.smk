"""Nothing in; out comes the 3-spin glass: simulations at finite N, with errors over realisations of the couplings."""


rule pspin_simulation:
    output:
        f"{RESULTS}/glass/{{simulation}}.nc",
    log:
        f"{RESULTS}/logs/glass/{{simulation}}.log",
    conda:
        "../envs/figures.yaml"
    resources:
        **cost("pspin_simulation"),
    params:
        options=lambda w: OPTIONS.simulation(w.simulation),
        code=lambda w: code("pspin-simulate"),
    shell:
        "quench pspin-simulate {params.options} -o {output} 2> {log}"
