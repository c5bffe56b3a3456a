"""quench: every figure of two papers on glassy dynamics in neural networks, from declared inputs.

snakemake                                   the default scenario, config/config.yaml (real images, reduced scale)
snakemake kwj_fig3                          one figure with its prerequisites; kwj, bj, theory and ours draw many
snakemake --configfile config/smoke.yaml    another scenario, an overlay of the default
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


for path in SCENARIO.rules:

    include: str(Path(path).resolve())


rule all:
    default_target: True
    input:
        rules.report.output,


rule kwj:
    input:
        RULES.paths.figures("kwj_"),


rule bj:
    input:
        RULES.paths.figures("bj_"),


rule theory:
    input:
        RULES.paths.figures("theory_"),


rule ours:
    input:
        RULES.paths.figures("ours_"),


check_targets()


onstart:
    report_start()
    record_submission()
    predict_times()


onsuccess:
    report_end()


onerror:
    report_end()
