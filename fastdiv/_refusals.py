"""What is said of input that is refused: what it is, and what to pass instead."""


def no_number(value: object, name: str) -> TypeError:
    """Say that an option is no number."""
    return TypeError(f"{name} must be a number, not {value!r}")


def no_integer(value: object, name: str) -> TypeError:
    """Say that an option is no integer."""
    return TypeError(f"{name} must be an integer, not {value!r}")
