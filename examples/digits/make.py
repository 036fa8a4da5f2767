"""Make the digits example: a classifier's logits on images it was not trained on.

Usage::

    python examples/digits/make.py

A multinomial logistic regression is trained on half of scikit-learn's handwritten digits.
Three files are written next to this script, one row for each image of the other half:

- ``logits.npy``, float32, the model's logits;
- ``logits_8bit.npy``, float32, the logits of the same model with its weights rounded to 8 bits;
- ``labels.npy``, uint8, the digit that was really drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split


def save(path: Path, array: NDArray[Any]) -> None:
    """Write `array` to `path`, which holds either the old array or the whole new one."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, array)
    partial.replace(path)


def round_to_8_bits(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round weights to 255 evenly spaced levels, symmetric about zero, one scale per class.

    Parameters
    ----------
    weights : ndarray, shape (classes, features)
        The weights to round.

    Returns
    -------
    ndarray, shape (classes, features)
        The values that the int8 weights stand for.
    """
    scale = np.abs(weights).max(axis=1, keepdims=True) / 127
    levels = np.rint(weights / scale).astype(np.int8)
    rounded: NDArray[np.float64] = levels * scale
    return rounded


def accuracy(x: NDArray[np.float32], y: NDArray[np.uint8]) -> float:
    """Return the share of rows whose largest logit is the label's."""
    return float(np.mean(x.argmax(axis=1) == y))


def main() -> None:
    """Train the model and write its logits, both ways, and the labels."""
    images, digits = load_digits(return_X_y=True)
    train, held_out, y_train, y_held_out = train_test_split(
        images / 16, digits, test_size=0.5, stratify=digits, random_state=0
    )
    model = LogisticRegression(max_iter=1000).fit(train, y_train)

    x = (held_out @ model.coef_.T + model.intercept_).astype(np.float32)
    # The intercepts stay as they are: ten numbers are not worth rounding.
    x_8bit = (held_out @ round_to_8_bits(model.coef_).T + model.intercept_).astype(np.float32)
    y = y_held_out.astype(np.uint8)

    folder = Path(__file__).resolve().parent
    save(folder / "logits.npy", x)
    save(folder / "logits_8bit.npy", x_8bit)
    save(folder / "labels.npy", y)

    rows, classes = x.shape
    print(f"{rows} rows, {classes} classes")
    print(f"accuracy {accuracy(x, y):.4f}, with 8-bit weights {accuracy(x_8bit, y):.4f}")
    print(f"largest change of a logit {np.abs(x - x_8bit).max():.4f}")


if __name__ == "__main__":
    main()
