# One table of all data sets, as `attentionae-sc batch` writes it, and a page with links to everything.


localrules:
    summary,


rule summary:
    input:
        expand(f"{OUTPUT}/results/{{sample}}.json", sample=SAMPLES),
        # A data set that is taken off the sheet leaves the table, too.
        sheet=SHEET,
    output:
        f"{OUTPUT}/results/batch.csv",
        f"{OUTPUT}/results/batch.json",
        f"{OUTPUT}/index.html",
    log:
        f"{OUTPUT}/logs/summary.log",
    run:
        summarise(list(SAMPLES))
