"""quench: every figure of two papers on glassy dynamics in neural networks, from declared inputs.

snakemake                                   everything in config/config.yaml (real images, reduced scale)
snakemake kwj_fig3                          one figure and what it needs; kwj is all of that paper's
snakemake --configfile config/smoke.yaml    another scenario, laid over the default
"""


configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/training.smk"
include: "rules/scans.smk"
include: "rules/observables.smk"
include: "rules/classifiers.smk"
include: "rules/theory.smk"
include: "rules/external.smk"
include: "rules/figures.smk"
include: "rules/claims.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        rules.report.output,


rule kwj:
    input:
        LAYOUT.figures("kwj_"),


rule bj:
    input:
        LAYOUT.figures("bj_"),


rule theory:
    input:
        LAYOUT.figures("theory_"),


onstart:
    save_resolved_config()
    tell_room()
