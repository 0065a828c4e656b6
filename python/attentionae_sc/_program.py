"""Where the program lies, and how it is started."""

import os
import sys

NAME = "attentionae-sc"
#: The program within this package.
PACKED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "program", NAME)


def main() -> None:
    """The command ``attentionae-sc``: gives its process to the program."""
    if not os.path.isfile(PACKED):
        sys.exit(f"error: {PACKED}: the program is missing from this package; install it anew: pip install {NAME}")
    os.execve(PACKED, [sys.argv[0], *sys.argv[1:]], environment())


def path() -> str:
    """The program: the one in this package, else the first in PATH, as where conda installs both."""
    if os.path.isfile(PACKED):
        return PACKED
    import shutil

    found = shutil.which(NAME)
    if found is None:
        raise FileNotFoundError(f"{NAME} is neither in {os.path.dirname(PACKED)} nor in PATH: pip install {NAME}")
    return found


def environment() -> dict[str, str]:
    """The environment for the program. It finds torch in the folder of packages that holds this one; torch in another one
    of this Python's folders, as ``pip install --user`` makes them, is named to it."""
    variables = dict(os.environ)
    beside = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(PACKED))), "torch", "lib")
    if "LIBTORCH" in variables or os.path.isdir(beside):
        return variables
    from importlib.util import find_spec

    found = find_spec("torch")
    if found is not None and found.submodule_search_locations:
        variables["LIBTORCH"] = found.submodule_search_locations[0]
    return variables
