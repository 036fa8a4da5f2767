"""A picture as SVG that lives inside a page: its text, its fonts, its colours light and dark."""

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
FONT = re.compile(r"font: [^;]*?([\d.]+px)[^;]*")  # how matplotlib before 3.10 writes it


def colours() -> dict[str, str]:
    """Return what stands for the colours of `fastdiv.plot`, which the page knows light and dark."""
    from fastdiv.plot import _style

    named = {"p": _style.P, "q": _style.Q, "kl": _style.KL, "muted": _style.MUTED}
    return {color: f"var(--{name})" for name, color in named.items()} | {"#000000": "currentColor"}


@contextlib.contextmanager
def _defaults() -> Iterator[None]:
    """Draw the same whatever a user's style is: black on nothing, text as text."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {"svg.fonttype": "none", "svg.hashsalt": "fastdiv", "font.size": 11}
        )
        # The fonts are the page's; whether one here lacks a letter is no matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def inline_svg(
    draw: Callable[..., object], *, size: tuple[float, float], name: str, title: str
) -> str:
    """Draw on new axes and return the picture as an ``<svg>`` element.

    Parameters
    ----------
    draw : callable
        Draws on the axes given as ``ax``.
    size : tuple of float
        Width and height in inches; the element has no size of its own and takes the page's.
    name : str
        Begins every id in the element, so that several pictures can live in one page.
    title : str
        What the picture shows, for those who do not see it.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    with _defaults():
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(ax=figure.add_subplot())
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    root = ElementTree.fromstring(buffer.getvalue())
    _tidy(root, name)
    root.set("role", "img")
    root.set("aria-label", title)
    ElementTree.register_namespace("", SVG[1:-1])
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(root: ElementTree.Element, name: str) -> None:
    """Take out what is only for files of their own; name ids and colours after the page."""
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    # A style element would hold for the page as a whole.
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{SVG}style" or child.tag.endswith("}metadata"):
                parent.remove(child)
    table = colours()
    for element in root.iter():
        if "id" in element.attrib:
            element.set("id", f"{name}-{element.get('id')}")
        reference = element.attrib.pop(HREF, None)
        if reference is not None:
            element.set("href", f"#{name}-{reference[1:]}")
        for key, value in element.attrib.items():
            if "url(#" in value:
                element.set(key, value.replace("url(#", f"url(#{name}-"))
        style = element.get("style")
        if style is not None:
            style = re.sub("#[0-9a-f]{6}", lambda found: table.get(found[0], found[0]), style)
            parts = FONT.sub(r"font-size: \1", style).split("; ")
            element.set("style", "; ".join(p for p in parts if not p.startswith("font-family")))
