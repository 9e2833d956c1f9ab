# SPDX-License-Identifier: GPL-2.0-or-later
"""A small Debian archive on 127.0.0.1, signed with a key of its own, from which single files can be missing."""

import contextlib
import functools
import hashlib
import http.server
import lzma
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from .command import run

UPSTREAM = b"what upstream released"


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args, missing: set[str], **more):
        self._missing = missing
        super().__init__(*args, **more)

    def send_head(self):
        if any(part in self.path.replace("%2b", "+").replace("%7e", "~") for part in self._missing):
            self.send_error(404)
            return None
        return super().send_head()

    def log_message(self, *_args):
        """Nothing to the terminal."""


class FakeArchive:
    """Suites below FOLDER/debian and FOLDER/debian-security; `missing` are parts of paths that answer 404."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.missing: set[str] = set()
        self.keyring = folder / "key.gpg"
        self._home = folder / "gnupg"
        self._home.mkdir(parents=True, mode=0o700)
        self._gpg("--quick-gen-key", "archive", "rsa2048", "sign", "never")
        self.keyring.write_bytes(b"")
        self._gpg("--yes", "--output", self.keyring, "--export")
        handler = functools.partial(_Handler, directory=str(folder), missing=self.missing)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        run("gpgconf", "--homedir", self._home, "--kill", "gpg-agent")

    def _gpg(self, *words) -> None:
        run("gpg", "--homedir", self._home, "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback", *words)

    def apt_config(self, *lines: str) -> Path:
        """The configuration of a machine whose apt has these sources, and has never been updated."""
        folder = self.folder / "machine"
        (folder / "lists").mkdir(parents=True, exist_ok=True)
        (folder / "sources.list").write_text("\n".join(lines) + "\n", encoding="utf-8")
        config = folder / "apt.conf"
        config.write_text(f'Dir::Etc::SourceList "{folder}/sources.list";\nDir::Etc::SourceParts "/nonexistent";\n'
                          f'Dir::State::Lists "{folder}/lists";\nAcquire::http::Proxy "DIRECT";\n'
                          'Acquire::Check-Valid-Until "true";\n', encoding="utf-8")
        return config

    def suite(self, name: str, sources=(), binaries=()) -> None:
        """Publishes a suite: `sources` are (package, version), `binaries` (package, version, {path: content}) and,
        if need be, more lines of its control file."""
        root = self.folder / ("debian-security" if name.endswith("-security") else "debian")
        pool = "pool/updates/main" if name.endswith("-security") else "pool/main"
        for kind in ("source/Sources", "binary-amd64/Packages"):
            target = root / "dists" / name / "main" / f"{kind}.xz"
            target.parent.mkdir(parents=True, exist_ok=True)
            rows = ([self._source(root, f"{pool}/{package[0]}/{package}", package, version) for package, version in sources]
                    if kind.startswith("source") else
                    [self._binary(root, f"{pool}/{row[0][0]}/{row[0]}", *row) for row in binaries])
            target.write_bytes(lzma.compress("\n".join(rows).encode()))
        self._release(root / "dists" / name, name)

    @staticmethod
    def _sums(files: dict[str, bytes]) -> str:
        listing = {"Files": hashlib.md5, "Checksums-Sha256": hashlib.sha256}
        return "".join(f"{title}:\n" + "".join(f" {of(content).hexdigest()} {len(content)} {name}\n"
                                               for name, content in files.items()) for title, of in listing.items())

    def _source(self, root: Path, place: str, package: str, version: str) -> str:
        plain = version.rpartition(":")[2]
        upstream = plain.rpartition("-")[0]
        files = {f"{package}_{plain}.dsc": f"{package} {version}".encode(),
                 f"{package}_{upstream}.orig.tar.xz": UPSTREAM,
                 f"{package}_{plain}.debian.tar.xz": f"patches of {version}".encode()}
        (root / place).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (root / place / name).write_bytes(content)
        return (f"Package: {package}\nBinary: {package}\nVersion: {version}\nFormat: 3.0 (quilt)\nArchitecture: any\n"
                f"Directory: {place}\n{self._sums(files)}")

    def _binary(self, root: Path, place: str, package: str, version: str, content: dict[str, str],
                more: str = "") -> str:
        tree = self.folder / "trees" / f"{package}-{version}"
        (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
        control = f"Package: {package}\nVersion: {version}\nArchitecture: amd64\nMaintainer: nobody\nDescription: nothing\n{more}"
        (tree / "DEBIAN/control").write_text(control, encoding="utf-8")
        for path, text in content.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text, encoding="utf-8")
        (root / place).mkdir(parents=True, exist_ok=True)
        deb = root / place / f"{package}_{version.rpartition(':')[2]}_amd64.deb"
        run("dpkg-deb", "--root-owner-group", "--build", tree, deb)
        packed = deb.read_bytes()
        return (f"{control}Filename: {place}/{deb.name}\nSize: {len(packed)}\n"
                f"SHA256: {hashlib.sha256(packed).hexdigest()}\n")

    def _release(self, folder: Path, name: str) -> None:
        files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.xz"))}
        # An index is also named by the hash of what is unpacked.
        files |= {path.removesuffix(".xz"): lzma.decompress(content) for path, content in files.items()}
        label = "Debian-Security" if name.endswith("-security") else "Debian"
        sums = "".join(f" {hashlib.sha256(content).hexdigest()} {len(content)} {path}\n" for path, content in files.items())
        (folder / "Release").write_text(
            f"Origin: Debian\nLabel: {label}\nSuite: {name}\nCodename: {name}\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
            f"Architectures: amd64\nComponents: main\nSHA256:\n{sums}", encoding="utf-8")
        self._gpg("--yes", "--clearsign", "--output", folder / "InRelease", folder / "Release")


@contextlib.contextmanager
def fake_archive(folder: Path) -> Iterator[FakeArchive]:
    """A fake archive that is gone with the block."""
    archive = FakeArchive(folder)
    try:
        yield archive
    finally:
        archive.close()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def environment(config: Path) -> dict[str, str]:
    """The environment of a machine whose apt is configured like that."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "APT_CONFIG": str(config), "LC_ALL": "C"}
