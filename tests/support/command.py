# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tools of the system; a failure carries what the tool said."""

import ctypes
import os
import signal
import subprocess
from pathlib import Path


class CommandError(RuntimeError):
    """A tool ended with another status than 0."""


def die_with_parent() -> None:
    """For a process's `preexec_fn`: it ends with the thread that started it, however that one ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def run(*args, cwd=None, env=None, stdin: bytes | None = None, ok=(0,), log: Path | None = None) -> str:
    """Runs a tool to its end and returns its standard output as text.

    `ok` are the exit codes that count as success. With `log`, output is appended to that file too.
    """
    words = [str(arg) for arg in args]
    environment = {**os.environ, "LC_ALL": "C", **(env or {})}
    # sbin is not in every user's PATH, and most file system tools live there.
    environment["PATH"] = environment.get("PATH", "") + ":/usr/sbin:/sbin"
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(words, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **given)
    out = done.stdout.decode("utf-8", "replace")
    err = done.stderr.decode("utf-8", "replace")
    if log is not None:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"$ {' '.join(words)}\n{out}{err}")
    if done.returncode not in ok:
        tail = "\n".join((out + err).strip().splitlines()[-25:])
        raise CommandError(f"{' '.join(words)}: exit status {done.returncode}\n{tail}")
    return out
