"""The one exception that is written for people."""


class GritError(Exception):
    """Something the user can mend: says what is wrong, where, and what to do, in one line.

    ``python -m grit`` prints its message alone and exits with code 1.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
