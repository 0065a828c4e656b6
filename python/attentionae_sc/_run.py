"""One run of the program: its words on stderr as they come, its failure as an exception."""

import signal
import subprocess
import sys
from collections.abc import Sequence

from . import _program
from ._errors import OutOfMemoryError, ProgramError, UsageError

#: The program's exit codes that mean more than failure.
USAGE, OUT_OF_MEMORY = 2, 137
#: How the first line of a failure begins; what follows it is about it.
FAILURE = "error: "


def run(arguments: Sequence[str]) -> str:
    """Runs the program to its end; what it prints on stdout. What it says is shown on ``sys.stderr``, which in a notebook is the cell's.

    Ctrl-C stops the program, which removes its unfinished files, and is raised again then.
    """
    command = [_program.path(), *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, env=_program.environment()
    ) as process:
        try:
            failure = _listen(process)
            # One line of scores: it fits into the pipe, so nothing has waited for this.
            result = process.stdout.read()
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
    if process.returncode != 0:
        raise _exception(failure, process.returncode)
    return result


def _listen(process: subprocess.Popen) -> list[str]:
    """Shows what the program says until it ends; the lines of its failure are kept instead."""
    failure: list[str] = []
    for line in process.stderr:
        if failure or line.startswith(FAILURE):
            failure.append(line.rstrip("\n").removeprefix(FAILURE))
        else:
            sys.stderr.write(line)
            sys.stderr.flush()
    return failure


def _exception(failure: list[str], code: int) -> ProgramError:
    if code < 0 and not failure:
        failure = [f"attentionae-sc was ended by {signal.Signals(-code).name}"]
    message = "\n".join(failure) or f"attentionae-sc ended with exit code {code}"
    if code == USAGE:
        return UsageError(message, code)
    if code in (OUT_OF_MEMORY, -signal.SIGKILL):
        return OutOfMemoryError(message, code)
    return ProgramError(message, code)
