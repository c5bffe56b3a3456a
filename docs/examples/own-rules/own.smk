"""Rules of your own. RESULTS is the scenario's folder; RULES.paths.files names the results of a rule of quench."""


rule table:
    input:
        RULES.paths.files("observe", {"run": "regularised"}),
    output:
        f"{RESULTS}/tables/tau90.csv",
    script:
        "table.py"
