"""Why the program found no cell types."""


class ProgramError(RuntimeError):
    """The program failed; the message is the program's own."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(ProgramError, ValueError):
    """The program does not know an option, or refuses its value."""


class OutOfMemoryError(ProgramError, MemoryError):
    """The program found too little memory."""
