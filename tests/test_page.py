"""The report, as its source and as a browser shows it."""

import io
import os
import re
import shutil
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from results import compare_result, score_result

import fastdiv

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
from fastdiv.scoring import page, pictures, tables
from fastdiv.scoring.page import Input
from fastdiv.scoring.sources import InputError

pytestmark = pytest.mark.thread_unsafe  # matplotlib's settings are one for all threads

DIGITS = Path("examples/digits")
X, Z, Y = (np.load(DIGITS / f"{name}.npy") for name in ("logits", "logits_8bit", "labels"))
LONG = "/data/" + "a-very-long-folder/" * 4 + "x&<script>alert(1)</script>" * 4 + "\"'.npy"


def inputs(**paths):
    return [
        Input(role, str(path), x.shape, str(x.dtype), x.nbytes) for role, (path, x) in paths.items()
    ]


def worst(values):
    order = np.argsort(-np.where(np.isnan(values), -1.0, values), kind="stable")[:20]
    return values[order], order.tolist()


def reports():
    """Plain ones, and one with rows that are infinite, NaN and 0 and a name made to hurt."""
    loss = fastdiv.cross_entropy_from_logits(Y, X)
    files = {"p": (DIGITS / "logits.npy", X), "q": (DIGITS / "logits_8bit.npy", Z)}
    labels = {"labels": ("examples/digits/labels.npy", Y)}
    hard = Z.copy()
    hard[5:300], hard[3, 3], hard[1] = X[5:300], -np.inf, np.nan
    command = ["fastdiv", "compare", str(files["p"][0]), str(files["q"][0])]
    one, ten = X[:1], Y[:1]
    return {
        "score": tables.report(
            score_result(Y, X), inputs=inputs(logits=files["p"], **labels), seconds=0.25,
            command=["fastdiv", "score", str(files["p"][0]), "--labels", *labels["labels"][:1]],
            worst=worst(loss),
        ),
        "compare": tables.report(
            compare_result(X, Z, Y), inputs=inputs(**files, **labels), command=command,
            worst=worst(fastdiv.kl_divergence_from_logits(X, Z)),
        ),
        "hard": tables.report(
            compare_result(X, hard), inputs=inputs(p=(LONG, X), q=(LONG, hard)),
            command=["fastdiv", "compare", LONG, LONG],
            worst=worst(fastdiv.kl_divergence_from_logits(X, hard).astype(float)),
        ),
        "equal": tables.report(
            compare_result(X, X), inputs=inputs(p=files["p"], q=files["p"]), command=command
        ),
        "one row": tables.report(
            score_result(ten, one), inputs=inputs(logits=("one.npy", one)), command=command[:3]
        ),
    }  # fmt: skip


NAMES = ["score", "compare", "hard", "equal", "one row"]
VOID = {"meta", "link", "br", "hr", "img", "input"}


@pytest.fixture(scope="module")
def made():
    return {name: page.render(report) for name, report in reports().items()}


class Source(HTMLParser):
    """Elements of a page; an end that does not fit its beginning is an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", NAMES)
def test_source(made, name):
    text = made[name]
    found = Source(text).found
    tags = Counter(tag for tag, _ in found)
    assert (tags["h1"], tags["main"], tags["title"]) == (1, 1, 1)
    assert tags["caption"] == tags["table"]
    assert not {"script", "img", "iframe", "object"} & set(tags)
    assert tags["svg"] == tags["figure"] == tags["figcaption"] >= 2
    ids = [a["id"] for _, a in found if "id" in a]
    assert len(ids) == len(set(ids))
    for tag, attributes in found:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
        for key, value in attributes.items():
            assert key != "xlink:href"
            for reference in re.findall(r"url\(#([^)]*)\)", value or ""):
                assert reference in ids
            if key == "href":
                assert value == "data:," or value[1:] in ids
    # The only address is the name of the SVG language.
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}


def test_everything_is_told(made):
    text = re.sub(r"<[^>]+>", " ", made["score"])
    for word in (
        "Scores of logits.npy", "0.192516 nats", "96.11 %", "float32", "uint8",
        "899 \N{MULTIPLICATION SIGN} 10",
        "--labels examples/digits/labels.npy", fastdiv.__version__, np.__version__, "0.25 s",
        "maximum",
    ):  # fmt: skip
        assert word in text
    text = re.sub(r"<[^>]+>", " ", made["hard"])
    assert "1 row (0.111 %) has infinite KL(p‖q)." in text
    assert "1 row (0.111 %) is no distribution (NaN), so that" in text
    assert "<script>" not in made["hard"]


def test_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("what was there")
    report = reports()["one row"]

    def fails(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(InputError, match=r"report.html: cannot be written: No space left"):
            page.write(path, report)
    assert path.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [path]
    page.write(path, report)
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_mask()
    with pytest.raises(InputError, match="there is no folder"):
        page.write(tmp_path / "none" / "report.html", report)
    with pytest.raises(InputError, match="is a folder"):
        page.write(tmp_path, report)


def _mask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_all_pictures_in_a_file(tmp_path, suffix):
    path = tmp_path / f"all.{suffix}"
    pictures.draw_file(reports()["score"].pictures, path)
    begin = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(begin)


def test_pictures_in_an_unknown_format(tmp_path):
    with pytest.raises(InputError, match=r"all.xyz: pictures are not written as .xyz"):
        pictures.draw_file(reports()["score"].pictures, tmp_path / "all.xyz")


def test_without_jinja(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ImportError, match=r"needs jinja2, .*pip install 'fastdiv\[report\]'"):
        page.render(reports()["one row"])


# As a browser shows it

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        # A sandbox is not to be had as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


# Contrast of every piece of text with what is behind it, as WCAG 2 defines it, and its size; then
# that of every line and area in a picture that is not meant to be faint.
CONTRAST = """() => {
  const luminance = c => {
    const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (c.startsWith('rgb(')) return c;
    }
    throw new Error('nothing is behind');
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text) continue;
    const style = getComputedStyle(e), [a, b] = [
      e.namespaceURI.endsWith('svg') ? style.fill : style.color, behind(e)].map(luminance);
    const turn = e.ownerSVGElement && e.getScreenCTM();
    const scale = turn ? Math.hypot(turn.a, turn.b) : 1;
    found.push([text, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05),
      parseFloat(style.fontSize) * scale]);
  }
  const drawn = [], paper = luminance(behind(document.body));
  for (const e of document.querySelectorAll('figure svg :is(path, use)')) {
    const style = getComputedStyle(e);
    for (const kind of ['fill', 'stroke']) {
      // A path that a use element shows has the colours of that one.
      if (style[kind] === 'none' || style[kind + 'Opacity'] < 1 || style.opacity < 1) continue;
      if (e.closest('defs, clipPath')) continue;
      const a = luminance(style[kind]);
      drawn.push([kind + ' ' + style[kind] + ' of ' + e.parentElement.id,
        (Math.max(a, paper) + 0.05) / (Math.min(a, paper) + 0.05)]);
    }
  }
  return [found, drawn];
}"""


@pytest.mark.chromium
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_in_a_browser(made, browser, tmp_path, name, scheme, width):
    from PIL import Image

    path = tmp_path / "report.html"
    path.write_text(made[name], encoding="utf-8")
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints, requests = [], []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(path.as_uri())

    assert opened.title().endswith("· fastdiv")
    assert opened.locator("h2").all_inner_texts() == [
        "Pictures", "Numbers", "Inputs", "How to repeat it", "Where it was made"
    ]  # fmt: skip
    assert "fastdiv" in opened.locator("pre").inner_text()

    wide = opened.evaluate("document.documentElement.scrollWidth")
    assert wide == width, "nothing sticks out to the side"
    written, drawn = opened.evaluate(CONTRAST)
    for text, contrast, size in written:
        assert contrast >= 4.5, text
        assert size >= 8.5, text
    assert len(drawn) > 20
    for what, contrast in drawn:
        assert contrast >= 3, what

    paper = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    paper = tuple(map(int, re.findall(r"\d+", paper)))
    assert (sum(paper) < 128) == (scheme == "dark")
    # The clip path, nothing else, takes any text out of a picture's frame.
    for picture in opened.locator("figure svg").all():
        pixels = np.asarray(Image.open(io.BytesIO(picture.screenshot())).convert("RGB"), int)
        drawn = np.abs(pixels - paper).max(-1) > 60
        assert 0.01 < drawn.mean() < 0.6
        # Something with a colour of its own, beside the text and the lines.
        assert (np.ptp(pixels, axis=-1) > 40).mean() > 0.001 or name == "equal"
        assert not drawn[0].any()
        assert not drawn[-1].any()

    assert complaints == []
    assert requests == [path.as_uri()]
    opened.close()
