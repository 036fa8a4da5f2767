"""What binds a kernel that has its row in the cache: the inner loop's instructions and its cycles.

    python bench/loops.py

Disassembles (with objdump) the AVX-512 module and takes of each function, for rows of one block,
the innermost loop with the most float multiply-adds. Beside its instructions for 16 floats, one
register, stand the cycles that a call takes for 16 floats of a row, of which the loop is a part.
The floor is what its multiply-adds and multiplications, or its divisions, take at least, by what
they are measured to take among others of their kind: half a cycle for a multiply-add where a core
has two units of 512 bits, one where it has two of 256.
"""

import importlib
import re
import subprocess
import time
from collections import Counter
from typing import Any

import numpy as np
from limit import clock, cycles_of_arithmetic

import fastdiv

LINE = re.compile(r"^\s+([0-9a-f]+):\s+(\S+)\s*(.*)$")
KINDS = {
    "multiply-adds": r"vf(n?m(add|sub)).*ps|vmulps",
    "divisions": r"vdivps",
    "comparisons": r"vp?cmp\w*|vptestn?m\w*",
    "other arithmetic": r"v(add|sub|max|min|cvt\w*)ps|vcvt.*",
    "integers and bits": r"vp(add|sub|s[lr][la]|and|or|xor|ternlog|max|min).*|vblend.*",
    "permutations": r"vperm.*",
    "loads and stores": r"vmov.*|vbroadcast.*",
}
# Where the loop is, and an instruction of it by which its registers are counted, and how many times
# it is there for each; none: the loop works on two.
PLACES = {
    "cross_entropy_label_from_logits": ("mid_logits", "vpslld", 1),
    "entropy_from_logits": ("mid_logits", "vpslld", 1),
    "softmax": ("mid_softmax", "vpslld", 1),
    "entropy": ("mid_weights", "vdivps", 1),
    "cross_entropy": ("mid_weight_targets", "vdivps", 1),
    "kl_divergence": ("mid_weights", "vdivps", 1),
    "js_divergence": ("mid_weights", "vdivps", 2),
    "kl_divergence_from_logits": ("mid_logit_pairs", "", 0),
}
# So many that the call itself is next to nothing.
ROWS = 96


def disassembled() -> dict[str, list[tuple[int, str, str]]]:
    """List address, mnemonic and operands of every instruction of every function."""
    module = importlib.import_module("fastdiv.kernels._kernels_x86_64_v4")
    assert module.__file__ is not None
    command = ["objdump", "-d", "--no-show-raw-insn", module.__file__]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, list[tuple[int, str, str]]] = {}
    name = ""
    for line in text.splitlines():
        if line.endswith(">:"):
            name = line.split("<")[1][:-2]
            found[name] = []
        elif match := LINE.match(line):
            found[name].append((int(match[1], 16), match[2], match[3]))
    return found


def loops(code: list[tuple[int, str, str]]) -> list[list[tuple[str, str]]]:
    """Find the innermost loops: from the target of a jump back to the jump."""
    backward = []
    for address, mnemonic, operands in code:
        target = re.match(r"([0-9a-f]+)", operands)
        if mnemonic.startswith("j") and target and code[0][0] <= int(target[1], 16) < address:
            backward.append((int(target[1], 16), address))
    inner = [
        (low, high)
        for low, high in backward
        if not any(low <= a and b <= high and (a, b) != (low, high) for a, b in backward)
    ]
    return [[(m, o) for a, m, o in code if low <= a <= high] for low, high in inner]


def counted(body: list[tuple[str, str]]) -> Counter[str]:
    """Count the instructions of each kind that work on whole registers."""
    counts: Counter[str] = Counter()
    for mnemonic, operands in body:
        if "zmm" in operands or "%k" in operands:
            counts.update(kind for kind, names in KINDS.items() if re.fullmatch(names, mnemonic))
    return counts


def arguments(name: str) -> tuple[Any, ...]:
    """Make rows of a thousand classes, of one operand or two, for the second cache."""
    rng = np.random.default_rng(0)
    x, z = rng.normal(0, 3, (2, ROWS, 1024)).astype(np.float32)
    if name == "cross_entropy_label_from_logits":
        return rng.integers(0, 1024, ROWS), x
    if name.endswith("from_logits") or name == "softmax":
        return (x, z) if "divergence" in name else (x,)
    p, q = fastdiv.softmax(x), fastdiv.softmax(z)
    return (p,) if name == "entropy" else (p, q)


def cycles(name: str, ghz: float) -> float:
    """Time a call, at best, for sixteen floats of a row."""
    function = getattr(fastdiv, name.replace("_label", ""))
    given = arguments(name)
    best = np.inf
    for _ in range(300):
        start = time.perf_counter()
        for _ in range(5):
            function(*given)
        best = min(best, (time.perf_counter() - start) / 5)
    return best * ghz * 1e9 * 16 / (ROWS * 1024)


def table() -> list[str]:
    """Make a line for each function."""
    code = disassembled()
    ghz = clock()
    multiply_add, division = cycles_of_arithmetic(ghz)
    lines = [
        f"| function | {' | '.join(KINDS)} | floor | cycles |",
        "| --- |" + " --: |" * (len(KINDS) + 2),
    ]
    for name, (place, mark, times) in PLACES.items():
        (symbol,) = (s for s in code if re.search(rf"fuse_0.*\d{place}_{name}$", s))
        # Of pairs the terms, not the exponentials, which are the ones that permute.
        found = [body for body in loops(code[symbol]) if mark or not counted(body)["permutations"]]
        body = max(found, key=lambda body: counted(body)["multiply-adds"])
        registers = sum(m == mark and "zmm" in o for m, o in body) / times if mark else 2
        counts = {kind: n / registers for kind, n in counted(body).items()}
        floor = max(counts["multiply-adds"] * multiply_add, counts.get("divisions", 0) * division)
        shown = " | ".join(f"{counts.get(kind, 0):g}" for kind in KINDS)
        shown += f" | {floor:.1f} | {cycles(name, ghz):.1f}"
        lines.append(f"| `{name.replace('_label', '')}` | {shown} |")
    return [
        *lines,
        "",
        f"At {ghz:.2f} GHz; of such registers a multiply-add takes {multiply_add:.2f} cycles among "
        f"others, a division {division:.1f}.",
    ]


if __name__ == "__main__":
    print("\n".join(table()))
