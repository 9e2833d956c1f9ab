# SPDX-License-Identifier: GPL-2.0-or-later
"""A release folder: what is in it, that it can be checked, unpacked and used, and what is refused.

It takes the products that are built already and leaves out the one with the other kernel. With --all two are built from
nothing, in different folders and surroundings, and compared.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest
from license_expression import get_spdx_licensing

from tests.support import proven, release, spdx
from tests.support.paths import PRODUCTS, REPOSITORY

SCRIPT = REPOSITORY / "tests/release.sh"
COMMITTER = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
             for what, value in (("NAME", "Test"), ("EMAIL", "test@example.org"))}
OTHER_SURROUNDINGS = {"TZ": "Pacific/Chatham", "LC_ALL": "C.UTF-8", "CXXFLAGS": "-O3", "DESTDIR": "/nonexistent",
                      "TAR_OPTIONS": "--owner=1000", "GZIP": "-1"}
SLOW = 3600


def surroundings(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("VHDBOOT_PRODUCTS", "SOURCE_DATE_EPOCH")} | more


def call(*words, script: Path = SCRIPT, seconds: int = 120, prefix=(), umask: int = 0o022, **environment):
    return subprocess.run([*prefix, script, *words], env=surroundings(**environment), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=seconds, preexec_fn=lambda: os.umask(umask))


def with_products(*words, **more):
    return call("--without-6.1", *words, VHDBOOT_PRODUCTS=str(PRODUCTS), **more)


def said(done) -> str:
    """What was refused: one sentence."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("tests/release.sh: "), done.stderr
    return lines[0]


def run(*words, **more) -> str:
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, timeout=120, **more).stdout


@pytest.fixture(scope="module", name="keys")
def make_keys(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    run("signify-openbsd", "-G", "-n", "-p", folder / "signify.pub", "-s", folder / "signify.sec")
    run("minisign", "-G", "-W", "-p", folder / "minisign.pub", "-s", folder / "minisign.sec")
    return folder


@pytest.fixture(scope="module", name="folder")
def make_release(tmp_path_factory, keys) -> Path:
    if not (PRODUCTS.parent / "CPackConfig.cmake").exists():
        pytest.skip(f"{PRODUCTS.parent} is not a product build")
    output = tmp_path_factory.mktemp("release") / "folder"
    done = with_products("--output", output, "--sign", keys / "minisign.sec", seconds=900)  # it packs and may download
    if "the Debian archive" in done.stderr:
        pytest.skip(f"not all sources are to be had: {done.stderr}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(output.parent.iterdir()) == [output]
    return output


@pytest.fixture(scope="module", name="version")
def version_of_folder(folder) -> str:
    return re.fullmatch(r"vhdboot-(.*)\.spdx\.json", next(folder.glob("*.spdx.json")).name)[1]


@pytest.fixture(scope="module", name="sources")
def names_of_sources(folder, version) -> dict[str, str]:
    """The SHA-256 of each file in the archive of the foreign sources."""
    top = f"vhdboot-{version}-third-party-sources/"
    with tarfile.open(folder / f"{top[:-1]}.tar") as tar:
        return {member.name.removeprefix(top): hashlib.file_digest(tar.extractfile(member), "sha256").hexdigest()
                for member in tar if member.isfile()}


@pytest.fixture(scope="module", name="sbom")
def read_sbom(folder, version) -> dict:
    return json.loads((folder / f"vhdboot-{version}.spdx.json").read_text(encoding="utf-8"))


def test_names(folder, version):
    assert {path.name for path in folder.iterdir()} == {
        "vhdboot.efi", f"vhdboot-{version}-tools-x86_64.tar.gz", f"vhdboot_{version}_amd64.deb",
        f"vhdboot-{version}-source.tar.gz", f"vhdboot-{version}-third-party-sources.tar", f"vhdboot-{version}.spdx.json",
        "sources.md", "licences.md", "LICENSE", "copyrights.txt", "proven.md", "CHANGELOG.md", "vhdboot.ps1",
        "SHA256SUMS",
        "SHA256SUMS.minisig"}
    assert all(path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o077 == 0o044 for path in folder.iterdir())


def test_sums(folder):
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=folder)
    named = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}
    assert named == {path.name for path in folder.iterdir() if not path.name.startswith("SHA256SUMS")}


def test_minisign(folder, keys, tmp_path):
    run("minisign", "-V", "-p", keys / "minisign.pub", "-m", folder / "SHA256SUMS")
    for name in ("SHA256SUMS", "SHA256SUMS.minisig"):
        shutil.copy(folder / name, tmp_path)
    (tmp_path / "SHA256SUMS").write_text("other", encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        run("minisign", "-V", "-p", keys / "minisign.pub", "-m", tmp_path / "SHA256SUMS")


def test_signify_and_the_same_again(folder, keys, tmp_path):
    """Another signer, another place, other surroundings: the same bytes."""
    other = tmp_path / "deeper/folder"
    done = with_products("--output", other, "--sign", keys / "signify.sec", "--signer", "signify", umask=0o077,
                         HOME=str(tmp_path), **OTHER_SURROUNDINGS)
    assert done.returncode == 0, done.stdout + done.stderr
    run("signify-openbsd", "-V", "-p", keys / "signify.pub", "-m", other / "SHA256SUMS")
    (other / "SHA256SUMS.sig").unlink()
    first, second = ({path.name: spdx.digest(path) for path in one.iterdir() if path.suffix != ".minisig"} for one in (folder, other))
    assert first == second


def test_version_is_in_the_file(folder, version):
    osrel = run("objcopy", "-O", "binary", "--only-section=.osrel", folder / "vhdboot.efi", "/dev/stdout")
    assert f'VERSION="{version.removesuffix("+dirty")}"' in osrel.splitlines()


def test_tools(folder, version, tmp_path):
    run("tar", "-xf", folder / f"vhdboot-{version}-tools-x86_64.tar.gz", "-C", tmp_path)
    top = tmp_path / f"vhdboot-{version}"
    assert list(tmp_path.iterdir()) == [top]
    programs = {path.name for path in (top / "bin").iterdir()}
    assert {"vhdboot", "vhdtool", "raw2vhd", "vhdboot-inspect"} <= programs
    for program in programs:
        assert run(top / "bin" / program, "--version").split()[-1] == version.removesuffix("+dirty")
        assert "statically linked" in run("file", "-L", top / "bin" / program) if shutil.which("file") else True
        assert (top / f"share/man/man1/{program}.1").is_file() or (top / f"share/man/man8/{program}.8").is_file()
        assert (top / f"share/bash-completion/completions/{program}.bash").is_file()
    assert (top / "share/doc/vhdboot/LICENSE").is_file()
    assert not (top / "share/vhdboot").exists()


def test_package(folder, version):
    package = folder / f"vhdboot_{version}_amd64.deb"
    assert run("dpkg-deb", "--field", package, "Version").strip() == version
    listed = run("dpkg-deb", "--contents", package)
    for name in ("usr/bin/vhdtool", "usr/share/vhdboot/vhdboot.efi", "usr/share/man/man7/vhdboot.7",
                 "usr/share/doc/vhdboot/CHANGELOG.md"):
        assert f"./{name}\n" in listed
    assert all(" root/root " in line for line in listed.splitlines())


def test_own_source(folder, version):
    with tarfile.open(folder / f"vhdboot-{version}-source.tar.gz") as tar:
        members = tar.getmembers()
        names = {member.name.split("/", 1)[-1] for member in members if member.isfile()}
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=REPOSITORY).splitlines()
    assert names == {name for name in tracked if (REPOSITORY / name).is_file()}
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members} == {(0, 0, "", members[0].mtime)}


def test_foreign_sources(sources):
    """All that is pinned is there with the hash that is pinned; and what is not."""
    pins = re.findall(r"^vhdboot_source\((\S+) source \S+ (\S+)\n  (\w{64})",
                      (REPOSITORY / "cmake/sources.cmake").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(pins) >= 8
    for name, file, sum_ in pins:
        assert sources[f"{name}/{file}"] == sum_
    for name in ("busybox", "glibc", "musl", "gnu-efi"):
        assert any(re.match(rf"{name}/.*\.orig\.tar\.", path) for path in sources), name
        assert any(re.match(rf"{name}/.*\.dsc$", path) for path in sources), name
    assert any(re.match(r"linux-source-[\d.]+/linux-source-.*\.tar\.xz$", path) for path in sources)
    assert sources["linux.config"] == spdx.digest(PRODUCTS.parent / "kernel/config")
    assert not any(path.startswith("gcc") for path in sources)
    assert "README.md" in sources


# --- the SBOM, by the rules of SPDX 2.3

PACKAGE_KEYS = {"SPDXID", "name", "versionInfo", "summary", "supplier", "downloadLocation", "filesAnalyzed", "packageFileName",
                "checksums", "sourceInfo", "licenseDeclared", "licenseConcluded", "copyrightText", "externalRefs"}
FILE_KEYS = {"SPDXID", "fileName", "fileTypes", "checksums", "licenseConcluded", "licenseComments", "copyrightText"}
LENGTHS = {"SHA1": 40, "SHA256": 64}


def test_sbom_document(sbom):
    assert set(sbom) == {"spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo", "packages",
                         "files", "relationships", "hasExtractedLicensingInfos"}
    assert (sbom["spdxVersion"], sbom["dataLicense"], sbom["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    assert re.fullmatch(r"[a-z]+:[^#\s]+", sbom["documentNamespace"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sbom["creationInfo"]["created"])
    assert all(re.match(r"(Tool|Person|Organization): \S", name) for name in sbom["creationInfo"]["creators"])


def test_sbom_elements(sbom):
    elements = [*sbom["packages"], *sbom["files"]]
    ids = [element["SPDXID"] for element in elements]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in ids)
    for element in elements:
        assert set(element) <= (PACKAGE_KEYS if "name" in element else FILE_KEYS)
        assert {"name", "downloadLocation", "versionInfo"} <= set(element) or {"fileName", "checksums"} <= set(element)
        for one in element["checksums"]:
            assert re.fullmatch(rf"[0-9a-f]{{{LENGTHS[one['algorithm']]}}}", one["checksumValue"])
    for file in sbom["files"]:
        assert file["fileName"].startswith("./") and file["checksums"][0]["algorithm"] == "SHA1"
    for relation in sbom["relationships"]:
        assert set(relation) == {"spdxElementId", "relationshipType", "relatedSpdxElement"}
        assert relation["relationshipType"] in ("DESCRIBES", "GENERATED_FROM", "STATIC_LINK", "CONTAINS")
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= {*ids, "SPDXRef-DOCUMENT"}
    assert {relation["relatedSpdxElement"] for relation in sbom["relationships"]} >= {one["SPDXID"] for one in sbom["packages"]}


def test_sbom_licences_are_of_spdx(sbom):
    licensing = get_spdx_licensing()
    own = {one["licenseId"] for one in sbom["hasExtractedLicensingInfos"]}
    for package in sbom["packages"]:
        for key in ("licenseDeclared", "licenseConcluded"):
            result = licensing.validate(package[key])
            assert set(result.invalid_symbols) <= own, f"{package['name']}: {result.errors}"


def test_sbom_names_what_is_linked(folder, sbom, sources):
    packages = {package["name"]: package for package in sbom["packages"]}
    text = (folder / "sources.md").read_text(encoding="utf-8")
    for name, version, _ in release.read_list(text):
        assert packages[name]["versionInfo"] == version
    assert {"glibc", "busybox-static", "musl-dev", "gnu-efi", "gcc-12", "ntfs-3g"} <= set(packages)
    for name, package in packages.items():
        if name != "vhdboot" and not name.startswith("gcc-12"):
            assert package["checksums"][0]["checksumValue"] in sources.values(), name


def test_sbom_has_the_products(folder, sbom):
    assert {file["fileName"] for file in sbom["files"]} == {
        f"./{path.name}" for path in folder.iterdir() if path.suffix in (".efi", ".deb") or "-tools-" in path.name}
    for file in sbom["files"]:
        assert file["checksums"][1]["checksumValue"] == spdx.digest(folder / file["fileName"])
    tools = next(file["SPDXID"] for file in sbom["files"] if "-tools-" in file["fileName"])
    linked = {one["relatedSpdxElement"] for one in sbom["relationships"]
              if one["spdxElementId"] == tools and one["relationshipType"] == "STATIC_LINK"}
    assert {"SPDXRef-Package-zlib", "SPDXRef-Package-musl-dev"} <= linked
    assert "SPDXRef-Package-busybox-static" not in linked


@pytest.mark.parametrize("name", [*(name for name in spdx.LICENCES if name not in ("linux", "gcc-12-source"))])
def test_licences_page_names(name):
    """The page for people says it, too."""
    assert name.removesuffix("-dev").removesuffix("-static") in (REPOSITORY / "docs/licences.md").read_text(encoding="utf-8")


def test_copyrights(folder):
    text = (folder / "copyrights.txt").read_text(encoding="utf-8")
    for words in ("Julian R Seward", "Jean-loup Gailly", "Rich Felker", "Yann Collet", "Hewlett-Packard", "Linus Torvalds"):
        assert words in text


# --- what was proven

def page_about(*sums: str) -> str:
    return "# What was proven\n\n" + "".join(f"- `{one}`: 2 rows\n" for one in sums)


def test_proven_page(tmp_path):
    efi = tmp_path / "vhdboot.efi"
    efi.write_bytes(b"efi")
    mine, other = spdx.digest(efi), "0" * 64
    page, problem = release.proven_page(page_about(mine), efi)
    assert problem is None and page.startswith("The `vhdboot.efi` of this release is the very file")
    for text, words in ((page_about(mine, other), "only 2 of the 4 boots"), (page_about(other), "about another vhdboot.efi"),
                        ("- not noted: 57 rows\n", "does not say"), ("", "does not say")):
        page, problem = release.proven_page(text, efi)
        assert words in problem and page.startswith("**Take care: ") and mine in page


def test_page_names_what_was_booted(tmp_path, monkeypatch):
    row = dict.fromkeys(proven.COLUMNS, "x")
    for name, more in (("a", {"efi": "1" * 64}), ("b", {"efi": "1" * 64}), ("c", {})):
        (tmp_path / f"{name}.json").write_text(json.dumps({**row, **more}), encoding="utf-8")
    monkeypatch.setattr(proven, "RECORDS", tmp_path)
    assert proven.booted(proven.page()) == {"1" * 64: 2, proven.NOT_NOTED: 1}


def test_the_page_in_the_tree_can_be_read():
    text = (REPOSITORY / "docs/proven.md").read_text(encoding="utf-8")
    assert sum(proven.booted(text).values()) == len(re.findall(r"^\| (?!system|---)", text, re.MULTILINE))


# --- which version

@pytest.fixture(name="tree")
def small_tree(tmp_path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "CMakeLists.txt").write_text("project(vhdboot VERSION 1.2.3 LANGUAGES NONE)\n", encoding="utf-8")
    (tree / "CHANGELOG.md").write_text("# Changes\n\n## 1.2.3 (2026-12-01)\n", encoding="utf-8")
    run("git", "init", "-q", tree)
    commit(tree)
    return tree


def commit(tree: Path) -> str:
    run("git", "-C", tree, "add", "-A")
    run("git", "-C", tree, "commit", "-q", "-m", "test", env={**os.environ, **COMMITTER})
    return run("git", "-C", tree, "rev-parse", "HEAD").strip()


def test_version_between_releases(tree):
    head = run("git", "-C", tree, "rev-parse", "HEAD")
    assert str(release.version_of(tree)) == f"1.2.3+g{head[:10]}"
    (tree / "new").touch()
    assert str(release.version_of(tree)) == f"1.2.3+g{head[:10]}+dirty"


def test_version_of_a_release(tree):
    run("git", "-C", tree, "tag", "v1.2.3")
    assert str(release.version_of(tree)) == "1.2.3"
    (tree / "CMakeLists.txt").write_text("project(vhdboot VERSION 1.2.4 LANGUAGES NONE)\n", encoding="utf-8")
    with pytest.raises(release.Refusal, match="tag v1.2.3, but CMakeLists.txt has the version 1.2.4"):
        release.version_of(tree)


def test_a_release_has_an_entry_in_the_changelog(tree):
    (tree / "CHANGELOG.md").write_text("# Changes\n\n## 1.2.3 (unreleased)\n", encoding="utf-8")
    commit(tree)
    run("git", "-C", tree, "tag", "v1.2.3")
    with pytest.raises(release.Refusal, match="CHANGELOG.md has no entry"):
        release.version_of(tree)


def test_changelog_begins_with_the_version_to_come():
    first = re.search(r"^## (\S+) \((.*)\)$", (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first and (first[2] == "unreleased" or first[1] == release.version_of(REPOSITORY).number)


# --- what is refused

def test_help():
    done = call("--help")
    assert done.returncode == 0 and "--require-proven" in done.stdout and done.stderr == ""


@pytest.mark.parametrize("words", [["--no-such-option"], ["extra"], ["--signer", "gpg"], ["--sign", "/no/such/key"], ["--output"]])
def test_wrong_command_line(words):
    done = call(*words)
    assert done.returncode == 2 and done.stdout == ""


def test_missing_key_is_named(tmp_path):
    assert call("--sign", tmp_path / "key").stderr.splitlines()[-1].endswith(f"there is no key {tmp_path}/key")


def test_folder_that_is_not_empty(tmp_path):
    (tmp_path / "mine").touch()
    done = with_products("--output", tmp_path)
    assert done.returncode == 3 and "is there and not empty" in said(done)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_not_enough_space(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small volume")
    mount = ("unshare", "-m", "sh", "-ec", 'mount -t tmpfs -o size=64m none "$0"; exec "$@"', tmp_path)
    done = with_products("--output", tmp_path / "folder", prefix=mount)
    assert done.returncode == 3 and "0.1 GiB free, and 1 GiB are needed" in said(done)


def test_no_products(tmp_path):
    done = call("--output", tmp_path / "folder", VHDBOOT_PRODUCTS=str(tmp_path / "out"))
    assert done.returncode == 3 and "is not that of a product build" in said(done)
    assert list(tmp_path.iterdir()) == []


def test_what_goes_wrong_leaves_nothing(folder, keys, tmp_path):
    """The last step fails: the key is none."""
    (tmp_path / "key").write_text("no key", encoding="utf-8")
    done = with_products("--output", tmp_path / "folder", "--sign", tmp_path / "key", "--signer", "signify")
    assert done.returncode == 1 and "could not sign" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_stopped_leaves_nothing(tmp_path):
    with subprocess.Popen([SCRIPT, "--without-6.1", "--output", tmp_path / "folder"], env=surroundings(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".release.*/build.log")) and time.monotonic() < deadline:
            assert child.poll() is None, child.stdout.read()
        child.terminate()
        assert child.wait(30) == 143
    assert list(tmp_path.iterdir()) == []

def test_stopped_while_a_build_starts(tmp_path):
    """The signal comes from the build itself, before its parent knows that it has a child."""
    cmake = tmp_path / "bin" / "cmake"
    cmake.parent.mkdir()
    cmake.write_text("#!/bin/bash\nfor ((i = 0;; i++)); do mkdir -p left && : >left/$i; done\n", encoding="utf-8")
    cmake.chmod(0o755)
    program = """
import os, signal, subprocess, sys
from tests.support import release

class Signalling(subprocess.Popen):
    def __init__(self, words, preexec_fn=None, **more):
        def begin():
            if words[0] == "cmake":
                os.kill(os.getppid(), signal.SIGTERM)
            if preexec_fn:
                preexec_fn()
        super().__init__(words, preexec_fn=begin, **more)

subprocess.Popen = Signalling
sys.exit(release.main(sys.argv[1:]))
"""
    done = subprocess.run(["/usr/bin/python3", "-c", program, "--without-6.1", "--output", tmp_path / "folder"],
                          env=surroundings(PYTHONPATH=str(REPOSITORY), PATH=f"{cmake.parent}:{os.environ['PATH']}"),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 143, said(done)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_another_file_was_proven(folder, tmp_path):
    """Of the tree at hand, or of one in which the page is about these bytes."""
    page = (folder / "proven.md").read_text(encoding="utf-8")
    done = with_products("--output", tmp_path / "folder", "--require-proven")
    if page.startswith("**Take care"):
        assert done.returncode == 3 and "docs/proven.md" in said(done)
        assert list(tmp_path.iterdir()) == []
    else:
        assert done.returncode == 0


# --- twice

def build_all(tree: Path, output: Path, umask: int, **environment: str) -> None:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    done = call("--output", output, script=tree / "tests/release.sh", seconds=2 * SLOW, umask=umask, XDG_CACHE_HOME=home,
                **environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.only_all
def test_twice_the_same(tmp_path):
    """With the other kernel, too."""
    trees = [tmp_path / "one", tmp_path / "much/deeper/two"]
    for tree in trees:
        run("git", "clone", "-q", REPOSITORY, tree)
    outputs = [tmp_path / "first", tmp_path / "another/second"]
    build_all(trees[0], outputs[0], 0o022, TZ="UTC", LC_ALL="C")
    build_all(trees[1], outputs[1], 0o077, HOME=str(tmp_path), **OTHER_SURROUNDINGS)
    first, second = ({path.name: spdx.digest(path) for path in output.iterdir()} for output in outputs)
    assert first == second
    assert "vhdboot-6.1.efi" in first
    assert all((path.stat().st_mode & 0o777) == 0o644 for path in outputs[1].iterdir())
