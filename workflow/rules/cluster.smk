# One run of the program for each data set.


rule cluster:
    input:
        lambda wildcards: path_of(wildcards.sample),
    output:
        f"{OUTPUT}/results/{{sample}}.json",
        f"{OUTPUT}/pred_label/{{sample}}.{TABLE}",
        f"{OUTPUT}/embedding/{{sample}}.{TABLE}",
    log:
        f"{OUTPUT}/logs/{{sample}}.log",
    benchmark:
        f"{OUTPUT}/logs/{{sample}}.tsv"
    params:
        script=f"{workflow.basedir}/scripts/cluster.sh",
        output_dir=lambda wildcards, output: str(Path(output[0]).parent.parent),
        options=options_of,
        # Outputs are named after the input: a link of the sample's name.
        link=lambda wildcards: f"{OUTPUT}/inputs/{wildcards.sample}{ending_of(wildcards.sample)}",
    threads: config["threads"]
    resources:
        mem_mb=memory_mb,
        runtime=minutes,
        gpu=gpus,
        attempt=lambda wildcards, attempt: attempt,
    retries: config["retries"]
    conda:
        "../envs/attentionae-sc.yaml"
    shell:
        "{params.script:q} {resources.attempt} {input:q} {params.link:q} {log:q}"
        " attentionae-sc -output_dir {params.output_dir:q} -threads {threads} {params.options:q}"
