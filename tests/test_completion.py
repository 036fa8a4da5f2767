"""Shells complete commands and options of ``fastdiv``."""

import os
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("typer")
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def run(command, folder, **variables):
    """What a command prints in a new session: no terminal, nothing in the home folder."""
    done = subprocess.run(
        command,
        env=os.environ | {"HOME": str(folder)} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def complete(folder, words):
    """What the program answers to bash at the end of a line."""
    return run(
        [sys.executable, "-m", "fastdiv"],
        folder,
        _FASTDIV_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(words.count(" ")),
    ).split()


@pytest.fixture
def path(tmp_path):
    """A PATH with a ``fastdiv`` on it, installed or not."""
    script = tmp_path / "fastdiv"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fastdiv "$@"\n')
    script.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        ("fastdiv sc", ["score"]),
        ("fastdiv zz", []),
        ("fastdiv score --lab", ["--labels"]),
        ("fastdiv compare a.npy b.npy --block", ["--block-bytes"]),
    ],
)
def test_completes(tmp_path, words, answers):
    assert complete(tmp_path, words) == answers


def test_every_command_is_completed(tmp_path):
    assert set(complete(tmp_path, "fastdiv ")) >= {"score", "compare", "info"}


@needs_bash
def test_what_is_shown_completes_in_bash(tmp_path, path):
    # The shell that is found is the process that asks: bash stays, for what comes after.
    shown = run(["bash", "-c", "fastdiv --show-completion bash; true"], tmp_path, PATH=path)
    script = tmp_path / "completion.bash"
    script.write_text(shown)
    lines = (
        f'source "{script}"; COMP_WORDS=(fastdiv sc); COMP_CWORD=1; '
        '_fastdiv_completion fastdiv; echo "${COMPREPLY[@]}"; complete -p fastdiv'
    )
    answer, registered = run(["bash", "-c", lines], tmp_path, PATH=path).splitlines()
    assert answer == "score"
    assert "_fastdiv_completion" in registered


@needs_bash
def test_installs_into_the_home_folder_alone(tmp_path, path):
    run(["bash", "-c", "fastdiv --install-completion; true"], tmp_path, PATH=path)
    assert (tmp_path / ".bash_completions" / "fastdiv.sh").is_file()
    assert ".bash_completions/fastdiv.sh" in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize(
    ("shell", "says"), [("bash", "complete"), ("zsh", "#compdef fastdiv"), ("fish", "complete")]
)
def test_every_shell_s_script_can_be_had_without_that_shell(tmp_path, shell, says):
    command = [sys.executable, "-m", "fastdiv"]
    script = run(command, tmp_path, _FASTDIV_COMPLETE=f"source_{shell}")
    assert says in script
    assert f"_FASTDIV_COMPLETE=complete_{shell}" in script
