"""Builds the Rust program and lays it into the wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

PROGRAMS = ("attentionae-sc", "attentionae-sc-engine")
COMPLETIONS = {
    "bash": "share/bash-completion/completions/attentionae-sc",
    "zsh": "share/zsh/site-functions/_attentionae-sc",
    "fish": "share/fish/vendor_completions.d/attentionae-sc.fish",
    "man": "share/man/man1/attentionae-sc.1",
}


def rust_root(root):
    """The folder of Cargo.toml: below that of pyproject.toml in an sdist, above it in the repository."""
    packed = Path(root) / "rust"
    return packed if packed.is_dir() else Path(root).parent


class CargoVersion(MetadataHookInterface):
    """The version number stands in Cargo.toml only."""

    def update(self, metadata):
        text = (rust_root(self.root) / "Cargo.toml").read_text()
        metadata["version"] = re.search(r'^version = "(.+)"$', text, re.MULTILINE).group(1)


class Program(BuildHookInterface):
    """Compiles the program and gives its files their places."""

    def dependencies(self):
        """libtorch and CMake, unless the environment names others."""
        wanted = {"LIBTORCH": "torch==2.11.*", "CMAKE": "cmake==3.31.*"}
        return [package for variable, package in wanted.items() if variable not in os.environ]

    def initialize(self, version, build_data):
        if version == "editable":
            raise SystemExit("error: an editable install has no place for the program; install a wheel: make wheel")
        rust = rust_root(self.root)
        folder = Path(self.directory) / "program"
        folder.mkdir(parents=True, exist_ok=True)
        environment = cargo_environment()
        built = compile_program(rust, environment)
        files = build_data["force_include"]
        for name in PROGRAMS:
            files[stripped(built / name, folder / name)] = f"attentionae_sc/program/{name}"
        shared = build_data.setdefault("shared_data", {})
        for which, place in COMPLETIONS.items():
            path = folder / which
            path.write_bytes(output([folder / PROGRAMS[0], "completions", which], env=environment))
            shared[str(path)] = place
        licences = folder / "THIRD-PARTY.txt"
        licences.write_bytes(output([sys.executable, rust / "packaging/licences.py"], env=environment))
        metadata = f"attentionae_sc-{self.metadata.version}.dist-info/licenses"
        files[str(rust / "LICENSE")] = f"{metadata}/LICENSE"
        files[str(licences)] = f"{metadata}/THIRD-PARTY.txt"
        files[str(rust / "src/plot/font/LICENSE")] = f"{metadata}/DejaVuSans.txt"
        build_data["pure_python"] = False
        # The program runs beside any Python; auditwheel replaces the platform by the oldest that it runs on.
        build_data["tag"] = "py3-none-linux_x86_64"


def cargo_environment():
    """The environment for cargo, with the libtorch and the CMake of this Python where no other is named."""
    environment = dict(os.environ)
    if "LIBTORCH" not in environment:
        environment["LIBTORCH"] = str(package_folder("torch"))
    if "CMAKE" not in environment:
        environment["CMAKE"] = str(package_folder("cmake") / "data/bin/cmake")
    return environment


def package_folder(name):
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"error: the Python package {name} is missing: pip install {name}")
    return Path(found.submodule_search_locations[0])


def compile_program(rust, environment):
    """The folder of the compiled programs."""
    if shutil.which("cargo") is None:
        raise SystemExit("error: cargo is missing, which compiles the program: install Rust from https://rustup.rs")
    target = Path(environment.get("CARGO_TARGET_DIR", rust / "target"))
    subprocess.run(["cargo", "build", "--release", "--locked", "--bins"], cwd=rust, env=environment, check=True)
    return target / "release"


def stripped(source, target):
    """A copy without symbols, which only debuggers read."""
    shutil.copy2(source, target)
    subprocess.run(["strip", target], check=True)
    return str(target)


def output(command, env):
    return subprocess.run(command, check=True, capture_output=True, env=env).stdout
