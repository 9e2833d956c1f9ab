# SPDX-License-Identifier: GPL-2.0-or-later
"""The product is the same bit by bit, wherever, when and in whatever surroundings it is built.

Builds two copies of the tree in different folders, with different umask, time zone, language and home. The second one
also compiles the toolchain and the libraries again; only downloads and the boot kernel, which takes ten minutes, are
shared. VHDBOOT_TEST_KERNEL=1 compiles the kernel a second time as well.

That takes ten minutes, so only with --all; that no path of this machine is inside the products is always seen.
"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from tests.support.paths import PRODUCTS, product_cache

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("vhdboot.efi", "vhdboot-init", "vhdboot-inspect", "raw2vhd", "vhdboot", "vhdtool")
LIBRARIES = ("libstdc++.a", "libgcc_eh.a", "libblkid.a", "libntfs-3g.a", "libz.a", "liblzma.a", "libzstd.a",
             "libbz2.a", "liblz4.a")
BUILD_SECONDS = 3600


def copy_tree(destination: pathlib.Path) -> None:
    """The files that a build may see: those that git knows or would add."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                             check=True, stdout=subprocess.PIPE).stdout
    for name in filter(None, listing.decode().split("\0")):
        source = ROOT / name
        if source.is_file():
            target = destination / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def build(folder: pathlib.Path, cache: pathlib.Path, umask: int, **environment: str) -> pathlib.Path:
    tree = folder / "tree"
    home = folder / "home"
    home.mkdir()
    log = folder / "build.log"
    variables = {**os.environ, "HOME": str(home), **environment}
    commands = (
        ["cmake", "--preset", "release", f"-DVHDBOOT_CACHE={cache}"],
        ["cmake", "--build", "--preset", "release"],
    )
    with log.open("wb") as output:
        for command in commands:
            result = subprocess.run(command, cwd=tree, env=variables, stdin=subprocess.DEVNULL, stdout=output,
                                    stderr=subprocess.STDOUT, timeout=BUILD_SECONDS, preexec_fn=lambda: os.umask(umask))
            text = log.read_text(errors="replace")
            if "The build needs more packages" in text:
                pytest.skip(re.search(r"apt install[^\n]*", text).group())
            assert result.returncode == 0, text[-4000:]
    return tree / "build" / "release"


def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    for program in ("cmake", "ninja", "git"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    cache = product_cache()
    # Both copies first: somebody may be working on the tree.
    first_folder = tmp_path_factory.mktemp("first")
    second_folder = tmp_path_factory.mktemp("second") / "much" / "deeper"
    copy_tree(first_folder / "tree")
    copy_tree(second_folder / "tree")
    first = build(first_folder, cache, 0o022, TZ="UTC", LC_ALL="C")

    own_cache = second_folder / "cache"
    own_cache.mkdir(parents=True)
    shared = ["packages", "apt"] if os.environ.get("VHDBOOT_TEST_KERNEL") else ["packages", "apt", "kernel"]
    for name in shared:
        (own_cache / name).symlink_to(cache / name)
    second = build(second_folder, own_cache, 0o077, TZ="Pacific/Chatham", LC_ALL="C.UTF-8", LANG="C.UTF-8")
    yield first, second
    for folder in (first_folder, second_folder):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.only_all
@pytest.mark.parametrize("name", PROGRAMS)
def test_products_are_the_same(builds, name):
    first, second = builds
    assert digest(first / "out" / name) == digest(second / "out" / name)


@pytest.mark.only_all
@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_are_the_same(builds, name):
    first, second = builds
    assert digest(first / "sysroot/lib" / name) == digest(second / "sysroot/lib" / name)


@pytest.mark.parametrize("name", [*(f"out/{name}" for name in ("vhdboot-init", "vhdboot-inspect", "raw2vhd", "vhdboot", "vhdtool")),
                                  *(f"sysroot/lib/{name}" for name in LIBRARIES)])
def test_no_path_of_this_machine_inside(name):
    """Also where two builds would have the same one: the home, the temporary folder, the cache."""
    path = PRODUCTS.parent / name
    if not path.exists():
        pytest.skip(f"{path} is not built")
    # /mnt/wsl is a folder of guests.
    foreign = re.compile(rb"/(?:home|root|build|builds|work|srv|opt)/[\w.]|/mnt/(?!wsl)[\w.]|/tmp/[\w.]|\.cache/vhdboot")
    found = foreign.findall(path.read_bytes())
    assert not found


@pytest.mark.only_all
def test_the_second_build_made_its_own_toolchain(builds):
    """Otherwise the comparison above would compare a file with itself."""
    log = (builds[1].parents[2] / "build.log").read_text(errors="replace")
    assert "toolchain: compiling" in log
    assert "libraries: compiling" in log
