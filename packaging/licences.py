"""Prints the licences of every crate that is linked into the program, with the texts that the crates carry.

    python3 packaging/licences.py > THIRD-PARTY.txt
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = "x86_64-unknown-linux-gnu"
NAMES = ("license", "licence", "copying", "notice", "unlicense")
# C libraries that a crate brings keep their licences this deep; what lies in these folders is not linked.
DEPTH = 4
UNLINKED = {"contrib", "examples", "programs", "tests", "test", "testing"}


def linked_packages():
    """The crates that end up in the program, by name: without those of tests and of build scripts."""
    tree = ["cargo", "tree", "--locked", "--edges", "normal", "--target", TARGET, "--prefix", "none", "--format", "{p}"]
    lines = subprocess.run(tree, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    linked = {tuple(line.split()[:2]) for line in lines if line}
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    packages = [package for package in found["packages"] if package["source"]]
    chosen = [package for package in packages if (package["name"], "v" + package["version"]) in linked]
    return sorted(chosen, key=lambda package: (package["name"], package["version"]))


def texts(folder):
    """The licence files below a crate's folder, each text once."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    parts = ((path, path.relative_to(folder).parts) for path in files)
    near = (path for path, parts in parts if len(parts) <= DEPTH and not UNLINKED & set(parts))
    named = (path for path in near if path.name.lower().startswith(NAMES) and path.suffix not in (".rs", ".py", ".json"))
    seen = set()
    for path in named:
        text = path.read_text(errors="replace").strip()
        if text not in seen:
            seen.add(text)
            yield path.relative_to(folder), text


def main():
    packages = linked_packages()
    print(f"attentionae-sc contains {len(packages)} crates of other authors. Their licences:\n")
    without = [package["name"] for package in packages if not (package["license"] or package["license_file"])]
    if without:
        sys.exit(f"error: these crates name no licence: {', '.join(without)}")
    # The same text, as of the Apache licence, is printed once and then referred to.
    first = {}
    for package in packages:
        print("=" * 100)
        print(f"{package['name']} {package['version']}: {package['license'] or package['license_file']}")
        print(package["repository"] or "")
        for path, text in texts(Path(package["manifest_path"]).parent):
            here = f"{package['name']} {path}"
            if text in first:
                print(f"\n{path}: the same text as {first[text]}")
            else:
                first[text] = here
                print(f"\n--- {path}\n{text}")
        print()


if __name__ == "__main__":
    main()
