"""From the plotted numbers of the figures to one row for every claim of the papers: value, interval, verdict."""

from quench.config.claims import load as load_claims

CLAIMS_FILE = os.path.relpath(ROOT / "config/claims.yaml")
try:
    CLAIMS = load_claims(CLAIMS_FILE).claims
except QuenchError as error:
    sys.exit(f"quench: {error}")
# Figures of this scenario that some claim reads.
CLAIMED = [
    name for name in SCENARIO.figures if any(name in claim.reads for claim in CLAIMS)
]


rule claims:
    input:
        declared=local(CLAIMS_FILE),
        figures=expand(RULES.output("figure"), figure=CLAIMED),
    output:
        report(
            RULES.output("claims"),
            caption="captions/claims.rst",
            category="Claims",
        ),
        f"{RESULTS}/claims.json",
    log:
        RULES.log("claims"),
    conda:
        "../envs/figures.yaml"
    resources:
        **RULES.resources("claims"),
    params:
        figures=lambda w, input: " ".join(
            f"--figure {name} {path}"
            for name, path in zip(CLAIMED, input.figures, strict=True)
        ),
        code=code_of(
            *(
                f"quench.claims.{module}"
                for module in sorted(
                    {"judge", *(claim.quantity.partition(".")[0] for claim in CLAIMS)}
                )
            )
        ),
        stem=lambda w, output: str(Path(output[0]).with_suffix("")),
        scenario=SCENARIO.scenario,
    shell:
        "quench claims {input.declared} --scenario {params.scenario} {params.figures} -o {params.stem} 2> {log}"
