"""Files that are written whole, and what they take the place of."""

import os
import stat
import threading

import pytest

from fastdiv.scoring.sources import InputError
from fastdiv.scoring.whole_file import whole_file


def write(path, content=b"new"):
    with whole_file(path) as file:
        file.write(content)


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "file", tmp_path / "link"
    link.symlink_to("there/file")
    for content in (b"first", b"second"):
        write(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    assert list((tmp_path / "there").iterdir()) == [target]
    (tmp_path / "nowhere").symlink_to("none/file")
    with pytest.raises(InputError, match="nowhere: there is no folder"):
        write(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(InputError, match="circle: "):
        write(tmp_path / "circle")


@pytest.mark.thread_unsafe
def test_modes(tmp_path):
    mask = os.umask(0o027)
    try:
        write(tmp_path / "new")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    for mode in (0o600, 0o664):
        (tmp_path / "new").chmod(mode)
        write(tmp_path / "new")
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == mode


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe, content = tmp_path / "pipe", os.urandom(1 << 20)
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with whole_file(pipe) as file:
        # The size at the beginning is known at the end, as of a .npy file.
        file.write(b"?" + content[1:])
        file.seek(0)
        file.write(content[:1])
    reader.join(60)
    assert got == [content]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_nothing_is_written_to_a_pipe_after_an_error(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    # That it is not even opened, which would wait for a reader, is seen in that this ends.
    with pytest.raises(TypeError), whole_file(tmp_path / "pipe") as file:
        file.write("no bytes")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_names_at_the_limit(tmp_path):
    # 255 bytes, as long as a name may be.
    path = tmp_path / ("é" * 127 + "x")
    write(path)
    assert path.read_bytes() == b"new"
    with pytest.raises(InputError, match="cannot be written: File name too long"):
        write(tmp_path / ("x" * 256))
