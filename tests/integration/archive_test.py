# SPDX-License-Identifier: GPL-2.0-or-later
"""Fetching sources from whatever state the Debian archive is in: a small one on this machine, without the network."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.fake_archive import UPSTREAM, FakeArchive, environment, fake_archive, sha256
from tests.support.paths import REPOSITORY

LIBRARY = "thing"
OLD, NEW = "1:2.0-1+deb12u1", "1:2.0-1+deb12u2"  # of Debian 12
NEWEST = "1:2.0-3+deb13u1"  # of Debian 13, from the same upstream release
KERNEL = "linux-source-6.12"
TARBALL = f"{LIBRARY}_2.0.orig.tar.xz"


@dataclass
class Fetched:
    status: int
    text: str
    version: str

    def last_lines(self) -> str:
        return "\n".join(self.text.splitlines()[-4:])


class Machine:
    """One that builds: its apt's sources, and a cache that is empty at first. Its pins are those of the fake packages."""

    def __init__(self, folder: Path, archive: FakeArchive):
        self.cache = folder / "cache"
        self.archive = archive
        self._folder = folder
        self._scripts = folder / "cmake/script"
        shutil.copytree(REPOSITORY / "cmake/script", self._scripts)
        pins = (REPOSITORY / "cmake/sources.cmake").read_text(encoding="utf-8")
        macro = pins[pins.index("macro("):pins.index("endmacro()")]
        (folder / "cmake/sources.cmake").write_text(
            f"{macro}endmacro()\n"
            f"vhdboot_source({LIBRARY} source 2.0 {TARBALL} {sha256(UPSTREAM)} {NEW} {NEWEST})\n"
            f'vhdboot_source({KERNEL} binary "" "" "")\n'
            f"vhdboot_source(compiler binary 9.1 usr/src/compiler.tar {sha256(b'compiler')})\n", encoding="utf-8")
        self.has("trixie main", "trixie-security main")

    def has(self, *suites: str) -> None:
        """Only these suites are in its /etc/apt."""
        lines = [f"deb [signed-by={self.archive.keyring}] {self.archive.address}/"
                 f"debian{'-security' if 'security' in suite else ''} {suite}" for suite in suites]
        self._config = self.archive.apt_config(*lines)

    def _script(self, name: str, *definitions: str) -> subprocess.CompletedProcess:
        return subprocess.run(["cmake", f"-DCACHE={self.cache}", f"-DVHDBOOT_KEYRING={self.archive.keyring}",
                               *(f"-D{definition}" for definition in definitions), "-P", self._scripts / name],
                              env=environment(self._config), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120)

    def fetch(self, name: str = LIBRARY, *definitions: str) -> Fetched:
        stamps = self._folder / "stamps"
        stamps.mkdir(exist_ok=True)
        (stamps / name).unlink(missing_ok=True)
        done = self._script("fetch.cmake", f"NAME={name}", f"STAMP={stamps / name}", *definitions)
        version = (stamps / name).read_text(encoding="utf-8") if done.returncode == 0 else ""
        return Fetched(done.returncode, done.stdout, version)

    def said_of(self, name: str = LIBRARY) -> tuple[str, str]:
        """What the build's last step prints and what it writes into the list of sources."""
        out = self._folder / "sources.md"
        done = self._script("sources_list.cmake", f"NAMES={name}", f"STAMPS={self._folder / 'stamps'}", f"OUT={out}")
        assert done.returncode == 0, done.stdout
        return done.stdout, out.read_text(encoding="utf-8")

    def sources_of(self, name: str, version: str) -> tuple[str, list[str]]:
        """What was said, and the lines of the list without its folders."""
        out = self._folder / "sources-of"
        out.unlink(missing_ok=True)
        done = self._script("sources_of.cmake", f"BINARY={name}", f"VERSION={version}", f"OUT={out}")
        assert (done.returncode == 0) == out.exists(), done.stdout
        lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
        assert all(any(Path(line.split(" ", 2)[2]).glob("*.dsc")) for line in lines)
        return " ".join(done.stdout.split()), [line.rpartition(" ")[0] for line in lines]

    def files(self, fetched: Fetched, name: str = LIBRARY) -> list[str]:
        folder = self.cache / "packages" / name / fetched.version.replace(":", "%3a")
        return sorted(path.name for path in folder.iterdir())

    def expire(self) -> None:
        """The lists are of yesterday."""

        os.utime(self.cache / "apt/updated", (0, 0))


@pytest.fixture(name="archive", scope="module")
def make_archive(tmp_path_factory):
    if any(shutil.which(tool) is None for tool in ("gpg", "gpgconf", "dpkg-deb", "apt-get")):
        pytest.skip("needs gpg, dpkg and apt")
    with fake_archive(tmp_path_factory.mktemp("archive")) as archive:
        publish(archive)
        yield archive


def publish(archive: FakeArchive) -> None:
    kernel = {"usr/src/linux-source-6.12.tar.xz": "a kernel"}
    archive.suite("trixie", binaries=[(KERNEL, "6.12.90-1", kernel)])
    archive.suite("trixie-updates")
    archive.suite("trixie-security", sources=[(LIBRARY, NEWEST)], binaries=[(KERNEL, "6.12.95-1", kernel)])
    archive.suite("bookworm", sources=[(LIBRARY, OLD)],
                  binaries=[("compiler", "9.1-4", {"usr/src/compiler.tar": "compiler"}),
                            ("shell", "3.0-1+b2", {"bin/shell": "shell"}, f"Source: {LIBRARY} ({OLD})\nBuilt-Using: "
                                                                          f"{LIBRARY} (= {NEW}), other (= 1-1)\n")])
    archive.suite("bookworm-updates")
    archive.suite("bookworm-backports", binaries=[(KERNEL, "6.12.80-1~bpo12+1", kernel)])
    archive.suite("bookworm-security", sources=[(LIBRARY, NEW), ("other", "1-1")])


@pytest.fixture(name="machine")
def make_machine(tmp_path, archive):
    archive.missing.clear()
    return Machine(tmp_path, archive)


def revision(version: str) -> str:
    return version.removeprefix("1:")


def test_the_newest_revision_with_its_patches(machine):
    done = machine.fetch()
    assert (done.status, done.version) == (0, NEWEST), done.text
    assert machine.files(done) == [f"{LIBRARY}_{revision(NEWEST)}.debian.tar.xz", f"{LIBRARY}_{revision(NEWEST)}.dsc", TARBALL]
    said, listed = machine.said_of()
    assert said == ""
    assert f"| {LIBRARY} | {NEWEST} | with Debian's patches |" in listed


@pytest.mark.parametrize("suites", [("bookworm main",), ("trixie main",), ("bookworm main", "bookworm-security main"),
                                    ("stable main contrib", "stable-security main")])
def test_whatever_release_the_machine_has(machine, suites):
    """The other one's suites are asked for at the same mirror."""
    machine.has(*suites)
    done = machine.fetch("compiler")
    assert (done.status, done.version) == (0, "9.1-4"), done.text
    done = machine.fetch(KERNEL)
    assert done.version == ("6.12.95-1" if len(suites) > 1 else "6.12.90-1"), done.text


def test_other_archives_of_the_machine_are_no_mirror(machine):
    machine.has("tool-bookworm main", "bookworm stable")
    done = machine.fetch()
    assert done.status != 0
    assert "apt has no Debian mirror here" in done.text


@pytest.mark.parametrize("missing", [f"{revision(NEWEST)}.dsc", f"{revision(NEWEST)}.debian.tar.xz"])
def test_patches_of_an_older_revision(machine, missing):
    machine.archive.missing.add(missing)
    done = machine.fetch()
    assert (done.status, done.version) == (0, NEW), done.text
    assert f"{LIBRARY}_{revision(NEW)}.dsc" in machine.files(done)
    said, listed = machine.said_of()
    for text in (said, listed):
        assert f"{LIBRARY} {NEW}: with Debian's patches of an older revision ({NEWEST} could not be fetched)" in text
    # It stays like that until somebody asks, and then the newest is taken.
    machine.archive.missing.clear()
    assert machine.fetch().version == NEW
    assert machine.fetch(LIBRARY, "UPDATE=ON").version == NEWEST
    assert machine.said_of()[0] == ""


def test_an_archive_that_knows_only_an_old_revision(machine):
    machine.archive.missing.update({"dists/trixie-security/", "dists/bookworm-security/"})
    done = machine.fetch()
    assert (done.status, done.version) == (0, OLD), done.text
    said, _ = machine.said_of()
    assert f"{LIBRARY} {OLD}: with Debian's patches of an older revision than {NEW}" in said


def test_the_bare_upstream_release(machine):
    machine.archive.missing.update({".dsc", ".debian.tar.xz"})
    done = machine.fetch()
    assert (done.status, done.version) == (0, "2.0"), done.text
    assert machine.files(done) == [TARBALL]
    said, listed = machine.said_of()
    for text in (said, listed):
        assert f"{LIBRARY} 2.0: the bare upstream release, without Debian's patches ({NEWEST} could not be fetched)" in text
    assert "update" in said.splitlines()[-1]
    machine.archive.missing.clear()
    assert machine.fetch(LIBRARY, "UPDATE=ON").version == NEWEST


def test_what_is_there_is_not_given_up_for_less(machine):
    assert machine.fetch().version == NEWEST
    machine.archive.missing.update({".dsc", ".debian.tar.xz", "dists/trixie-security/"})
    machine.expire()
    assert machine.fetch(LIBRARY, "UPDATE=ON").version == NEWEST


def test_a_tarball_that_no_index_names_any_more(machine):
    machine.archive.missing.update({"dists/trixie-security/", "dists/bookworm"})
    done = machine.fetch()
    assert (done.status, done.version) == (0, "2.0"), done.text
    assert machine.files(done) == [TARBALL]


@pytest.mark.parametrize("suite", ["trixie-security", "trixie/", "trixie-updates", "bookworm-updates", "bookworm-backports",
                                   "bookworm-security", "bookworm/main/source"])
def test_a_suite_that_is_missing(machine, suite):
    machine.archive.missing.add(f"dists/{suite}")
    done = machine.fetch()
    assert (done.status, done.version) == (0, NEW if suite == "trixie-security" else NEWEST), done.text
    assert "going on with the others" in done.text


def test_the_kernel_comes_from_the_suite_that_lives_longest(machine):
    assert machine.fetch(KERNEL).version == "6.12.95-1"


@pytest.mark.parametrize("missing, version", [
    ({"6.12.95-1_"}, "6.12.90-1"),
    ({"dists/trixie-security/"}, "6.12.90-1"),
    ({"6.12.95-1_", "6.12.90-1_"}, "6.12.80-1~bpo12+1"),
    ({"dists/trixie"}, "6.12.80-1~bpo12+1"),
])
def test_the_kernel_from_somewhere_else(machine, missing, version):
    machine.archive.missing.update(missing)
    done = machine.fetch(KERNEL)
    assert (done.status, done.version) == (0, version), done.text


def test_lists_of_yesterday(machine, archive):
    """What they name has gone from the mirror: they are asked for anew."""
    assert machine.fetch(KERNEL).version == "6.12.95-1"
    shutil.rmtree(machine.cache / "packages" / KERNEL)
    try:
        archive.suite("trixie-security", sources=[(LIBRARY, NEWEST)],
                      binaries=[(KERNEL, "6.12.96-1", {"usr/src/linux-source-6.12.tar.xz": "newer"})])
        archive.missing.add("6.12.95-1_")
        machine.expire()
        done = machine.fetch(KERNEL)
        assert (done.status, done.version) == (0, "6.12.96-1"), done.text
    finally:
        publish(archive)


def test_nothing_to_be_had(machine):
    machine.archive.missing.add("pool/")
    done = machine.fetch()
    assert done.status != 0
    told = " ".join(done.text.split())
    assert f"{LIBRARY} 2.0 cannot be fetched from the Debian archive. Tried:" in told
    for tried in (OLD, NEW, NEWEST, "404"):
        assert tried in told
    assert "name another Debian mirror in /etc/apt/sources.list" in told
    place = machine.cache / "packages" / LIBRARY / "2.0"
    assert f"put {TARBALL} (SHA-256 {sha256(UPSTREAM)}), from wherever you find it, into {place}" in told
    # Which is a way out.
    place.mkdir()
    (place / TARBALL).write_bytes(UPSTREAM)
    done = machine.fetch()
    assert (done.status, done.version) == (0, "2.0"), done.text


def test_no_kernel_to_be_had(machine):
    machine.archive.missing.add("pool/")
    done = machine.fetch(KERNEL)
    assert done.status != 0
    told = " ".join(done.text.split())
    assert f"{KERNEL} cannot be fetched from the Debian archive. Tried: {KERNEL} 6.12.95-1:" in told
    assert "-DVHDBOOT_KERNEL_SOURCE=FOLDER" in told


def test_no_archive_at_all(machine):
    machine.archive.missing.add("dists/")
    done = machine.fetch()
    assert done.status != 0
    told = " ".join(done.text.split())
    assert "the Debian archive cannot be reached; apt-get update says:" in told
    assert "name another Debian mirror" in told


def test_another_tarball_than_the_pinned_one_is_refused(machine):
    """Even where the archive's signature is good."""
    place = machine.cache / "packages" / LIBRARY / "2.0"
    place.mkdir(parents=True)
    (place / TARBALL).write_bytes(b"not what upstream released")
    machine.archive.missing.add("pool/")
    done = machine.fetch()
    assert done.status != 0
    assert "but cmake/sources.cmake pins" in " ".join(done.text.split())


def test_a_pinned_file_of_a_binary_package_by_hand(machine):
    machine.archive.missing.add("pool/")
    done = machine.fetch("compiler")
    place = machine.cache / "packages/compiler/9.1/files/usr/src"
    assert done.status != 0 and f"into {place}" in " ".join(done.text.split())
    place.mkdir(parents=True)
    (place / "compiler.tar").write_bytes(b"compiler")
    done = machine.fetch("compiler")
    assert (done.status, done.version) == (0, "9.1"), done.text


def test_a_package_without_a_good_signature_is_not_taken(machine, archive):
    release = archive.folder / "debian-security/dists/trixie-security/InRelease"
    whole = release.read_text(encoding="utf-8")
    try:
        release.write_text(whole.replace("Label: Debian-Security", "Label: Debian-Securitx"), encoding="utf-8")
        done = machine.fetch()
        assert done.version == NEW, done.text
    finally:
        release.write_text(whole, encoding="utf-8")


def test_sources_of_a_binary_package(machine):
    """Its own, and those of what is linked into it; once there, the archive is not asked again."""
    expected = [f"{LIBRARY} {OLD}", f"{LIBRARY} {NEW}", "other 1-1"]
    assert machine.sources_of("shell", "3.0-1+b2")[1] == expected
    machine.archive.missing.add("dists")
    machine.expire()
    assert machine.sources_of("shell", "3.0-1+b2")[1] == expected


def test_sources_of_a_binary_package_that_is_gone(machine):
    text, lines = machine.sources_of("shell", "2.9-1")
    assert not lines and "the Debian archive no longer names shell 2.9-1, so its source cannot be found" in text


def test_sources_that_are_gone(machine):
    machine.archive.missing.add("other_1-1.dsc")
    text, lines = machine.sources_of("shell", "3.0-1+b2")
    assert not lines and "the source of shell 3.0-1+b2 cannot be fetched from the Debian archive" in text
