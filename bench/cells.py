"""What tables are laid out of."""


def markdown(head: list[str], rows: list[list[str]], texts: int) -> list[str]:
    """Lay out a table, of which the first columns are text."""
    rule = ["---"] * texts + ["--:"] * (len(head) - texts)
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def shown(shape: str) -> str:
    """Write a shape as people do."""
    return shape.replace("x", " × ")


def speed(shape: str, seconds: float) -> str:
    """10⁹ elements a second."""
    n, c = map(int, shape.split("x"))
    return f"{n * c / seconds / 1e9:.2f}"
