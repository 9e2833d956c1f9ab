# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's archive, from the mirror that this machine's apt is configured for, without touching that configuration."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .command import CommandError, run
from .paths import cache_folder, locked

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def mirror() -> str:
    """The address of the main Debian archive that apt uses here."""
    lines = run("apt-get", "indextargets", "--format", "$(REPO_URI)|$(LABEL)|$(COMPONENT)", "Created-By: Packages")
    rows = [line.split("|") for line in lines.splitlines() if line.count("|") == 2]
    # Before the first `apt-get update` apt knows no labels; the addresses alone still tell security from main.
    for uri, label, component in rows:
        if component == "main" and (label == "Debian" or (not label and "security" not in uri)):
            return uri
    raise CommandError("apt has no source for Debian's main archive here; run `apt-get update` and look at its sources")


def bootstrap_words(suite: str, packages: Iterable[str], target: Path, more_suites: Iterable[str] = ()) -> list[str]:
    """The command that installs a minimal Debian with these packages into a folder; more options may follow."""
    sources = [f"deb {mirror()} {name} main" for name in (suite, *sorted(set(more_suites)))]
    options = [f"--include={','.join(packages)}", "--mode=root", "--variant=minbase", "--architectures=amd64",
               f"--keyring={KEYRING}", "--aptopt=Acquire::Languages none",
               "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
               "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
               "--dpkgopt=force-confold"]
    # It starts a Python for each package: the system's own, and not what stands in front of that.
    return ["env", f"PATH={SYSTEM_PATH}", "mmdebstrap", suite, str(target), *sources, *options]


class Suite:
    """One suite of the archive (bookworm, trixie) seen through a private apt configuration."""

    def __init__(self, name: str):
        self.name = name
        self.folder = cache_folder() / f"apt-{name}"
        self._updated = False

    def source_line(self) -> str:
        return f"deb [signed-by={KEYRING}] {mirror()} {self.name} main"

    def _apt(self, *args, cwd=None) -> str:
        return run("apt-get", "-q", f"-oDir::Etc={self.folder}/etc", f"-oDir::State={self.folder}/state",
                   f"-oDir::Cache={self.folder}/cache", f"-oDir::State::status={self.folder}/status",
                   "-oAPT::Sandbox::User=root", "-oAcquire::Languages=none", "-oAPT::Architecture=amd64",
                   "-oAPT::Update::Post-Invoke-Success=", *args, cwd=cwd)

    def _update(self) -> None:
        if self._updated:
            return
        for sub in ("etc/apt.conf.d", "etc/preferences.d", "etc/trusted.gpg.d", "state/lists/partial",
                    "cache/archives/partial"):
            (self.folder / sub).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "etc/sources.list").write_text(self.source_line() + "\n", encoding="utf-8")
        self._apt("update")
        self._updated = True

    def fetch(self, package: str, folder: Path) -> Path:
        """Downloads a package, verified by the archive's signature, and returns its file."""
        with locked(self.folder.with_suffix(".use")):
            self._update()
            self._apt("download", package, cwd=folder)
        return max(folder.glob(f"{package}_*.deb"))

    def kernel_package(self) -> str:
        """The package with the kernel that the suite installs, by its full name."""
        with tempfile.TemporaryDirectory(prefix="kernel.", dir=self.folder.parent) as folder:
            depends = run("dpkg-deb", "-f", self.fetch("linux-image-amd64", Path(folder)), "Depends")
        return re.search(r"linux-image-[0-9]\S*", depends)[0]

    def unpack(self, package: str) -> Path:
        """Downloads a package, verified by the archive's signature, and returns the folder it is unpacked in."""
        target = self.folder / "unpacked" / package
        with locked(self.folder.with_suffix(".use")):
            if target.is_dir():
                return target
            self._update()
            fresh = target.with_name(f"{package}.{os.getpid()}")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            self._apt("download", package, cwd=fresh)
            for deb in fresh.glob("*.deb"):
                run("dpkg-deb", "-x", deb, fresh)
                deb.unlink()
            fresh.rename(target)
        return target
