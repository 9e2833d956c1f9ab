# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package: dpkg takes it, and what is in it runs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import PRODUCTS

BUILD = PRODUCTS.parent


def run(*words, **more) -> str:
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, **more).stdout


@pytest.fixture(scope="module", name="package")
def make_package(tmp_path_factory) -> Path:
    if not (BUILD / "CPackConfig.cmake").exists():
        pytest.skip(f"{BUILD} is not a product build")
    folder = tmp_path_factory.mktemp("package")
    run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder)
    return next(folder.glob("vhdboot_*_amd64.deb"))


@pytest.fixture(scope="module", name="root")
def install_package(package, tmp_path_factory) -> Path:
    """A system of its own, with nothing in it: the package depends on nothing."""
    root = tmp_path_factory.mktemp("root")
    (root / "var/lib/dpkg/updates").mkdir(parents=True)
    (root / "var/lib/dpkg/info").mkdir()
    (root / "var/lib/dpkg/status").touch()
    run("dpkg", f"--root={root}", "--force-not-root", f"--log={root}/dpkg.log", "--install", package)
    return root


def test_dpkg_knows_it(root):
    status = run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "--show", "--showformat=${Status} ${Architecture}",
                 "vhdboot")
    assert status == "install ok installed amd64"


@pytest.mark.parametrize("name", [
    "share/vhdboot/vhdboot.efi", "share/man/man1/raw2vhd.1", "share/man/man7/vhdboot.7", "share/doc/vhdboot/LICENSE",
    "share/doc/vhdboot/docs/licences.md", "share/doc/vhdboot/docs/images.md", "share/doc/vhdboot/docs/chain.svg",
    "share/doc/vhdboot/sources.md", "share/doc/vhdboot/README.md",
    "share/man/man1/vhdtool.1", "share/bash-completion/completions/raw2vhd.bash",
    "share/bash-completion/completions/vhdtool.bash", "share/zsh/site-functions/_raw2vhd",
    "share/zsh/site-functions/_vhdtool", "share/man/man1/vhdboot.1", "share/zsh/site-functions/_vhdboot",
    "share/bash-completion/completions/vhdboot.bash", "share/fish/vendor_completions.d/vhdboot.fish",
])
def test_has(root, name):
    assert (root / "usr" / name).stat().st_size > 0


def test_has_the_products_that_readme_names(root):
    """vhdboot-init is inside vhdboot.efi, and nowhere else."""
    installed = {str(path.relative_to(root / "usr")) for path in (root / "usr").rglob("*") if path.is_file()}
    assert {name for name in installed if not name.startswith(("share/man/", "share/doc/", "share/bash-completion/",
                                                               "share/zsh/", "share/fish/"))} == {
        "bin/raw2vhd", "bin/vhdboot", "bin/vhdboot-inspect", "bin/vhdtool", "share/vhdboot/vhdboot.efi"}


def test_efi_file_is_the_one_that_was_built(root):
    assert (root / "usr/share/vhdboot/vhdboot.efi").read_bytes() == (PRODUCTS / "vhdboot.efi").read_bytes()


def test_tools_run_where_nothing_else_is(root, tmp_path):
    image = tmp_path / "disk.vhd"
    image.write_bytes(bytes(1 << 20))
    shutil.copy(image, root / "disk.vhd")
    run("chroot", root, "/usr/bin/raw2vhd", "/disk.vhd")
    assert (root / "disk.vhd").stat().st_size == (1 << 20) + 512


@pytest.mark.parametrize("words, expected", [
    ("raw2vhd --re", ["--relocate-gpt"]),
    ("vhdtool c", ["cat", "check", "commit", "create"]),
    ("vhdtool check --c", ["--conf"]),
    ("vhdboot l", ["list"]),
    ("vhdboot list --n", ["--names"]),
])
def test_bash_completes(root, words, expected):
    program = words.split()[0]
    script = root / f"usr/share/bash-completion/completions/{program}.bash"
    completed = run("bash", "-c", f"source {script}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
                                  f"_{program}; echo \"${{COMPREPLY[@]}}\"")
    assert completed.split() == expected


@pytest.mark.parametrize("program", ["vhdboot", "vhdtool"])
def test_help_names_what_is_completed(root, program):
    """A command that is new is completed, too."""
    named = re.findall(r"^  ([\w-]+) ", run(root / "usr/bin" / program, "--help"), re.MULTILINE)
    script = (root / f"usr/share/bash-completion/completions/{program}.bash").read_text(encoding="utf-8")
    assert named and f'"{" ".join(named)} --help' in script
