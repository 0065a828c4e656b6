# The sheet of data sets, checked, and what each one's job may take.

import shlex
import sys
from pathlib import Path

import pandas
from snakemake.utils import validate

sys.path.insert(0, f"{workflow.basedir}/scripts")
import summary

validate(config, "../schemas/config.schema.yaml")
SHEET = Path(config["samples"])
if not SHEET.is_file():
    raise WorkflowError(f"{SHEET}: there is no such sheet of data sets; 'samples' in the configuration names it")
sheet = pandas.read_csv(SHEET, sep="\t", dtype=str, comment="#").dropna(how="all")
validate(sheet, "../schemas/samples.schema.yaml")
twice = sheet["name"][sheet["name"].duplicated()].unique()
if len(twice):
    raise WorkflowError(f"{SHEET}: {', '.join(twice)} stands there twice, and one's results would replace the other's")
sheet = sheet.set_index("name", drop=False)
SAMPLES = sheet.index
OUTPUT = config["output_dir"]
# The ending of labels and embeddings; all data sets have the same.
TABLE = str(config["options"].get("table_format", "csv")).lower()
# As the program reads them; a folder of .mtx has none.
ENDINGS = (".mtx.gz", ".csv.gz", ".tsv.gz", ".h5ad", ".h5", ".mtx", ".csv", ".tsv", ".zip")


wildcard_constraints:
    sample="[A-Za-z0-9_.-]+",


def path_of(sample):
    """The data set's file or folder; a relative path starts at the sheet."""
    return SHEET.parent / sheet.loc[sample, "path"]


def ending_of(sample):
    name = path_of(sample).name
    return next((ending for ending in ENDINGS if name.endswith(ending)), "")


def size_mb(path):
    """Size of a file, or of the files in a folder; 0 where it is missing, which the job will say."""
    path = Path(path)
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 2**20


def memory_mb(wildcards, attempt):
    """The program's own need, and the file's counts; twice as much with every attempt."""
    need = config["memory"]["base_mb"] + config["memory"]["per_file_mb"] * size_mb(path_of(wildcards.sample))
    return int(need * 2 ** (attempt - 1))


def minutes(wildcards, attempt):
    need = config["runtime"]["base_min"] + config["runtime"]["per_file_mb"] * size_mb(path_of(wildcards.sample))
    return int(need * attempt)


def gpus(wildcards):
    """A GPU for large files only, where the configuration has any."""
    is_large = size_mb(path_of(wildcards.sample)) >= config["gpu"]["from_mb"]
    return int(config["gpu"]["use"] and is_large)


def options_of(wildcards):
    """Options of the configuration, then those of the sheet, where the later of two holds."""
    row = sheet.loc[wildcards.sample]
    options = {name: str(value) for name, value in config["options"].items()}
    words = shlex.split(row.get("options") if isinstance(row.get("options"), str) else "")
    if len(words) % 2:
        raise WorkflowError(f"{SHEET}: options of {wildcards.sample}: every option takes a value, as '-n_hvg 2000'")
    options.update({name.lstrip("-"): value for name, value in zip(words[::2], words[1::2])})
    if str(options.get("table_format", "csv")).lower() != TABLE:
        raise WorkflowError(f"{SHEET}: options of {wildcards.sample}: table_format is set in the configuration, for all data sets")
    if isinstance(row.get("batch_key"), str):
        options["batch_key"] = row["batch_key"]
    options.setdefault("cuda", "True" if gpus(wildcards) else "False")
    return [word for name, value in options.items() for word in (f"-{name}", value)]


def summarise(samples):
    """Writes the table and the index of what there is."""
    summary.write(Path(OUTPUT), {sample: str(path_of(sample)) for sample in samples})
