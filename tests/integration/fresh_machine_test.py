# SPDX-License-Identifier: GPL-2.0-or-later
"""README's build, by an ordinary user on a fresh Debian: a minimal one made by mmdebstrap, a clean clone, an empty cache.

Compiles everything, the boot kernel as well: only with --all. Needs root and the network.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.debian import SYSTEM_PATH, bootstrap_words
from tests.support.paths import REPOSITORY

# Runs a command as the user in the chroot; its mounts are gone with it.
ENTER = """
mount --make-rprivate /
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
exec chroot --userspec="$2" "$1" env -i HOME=/home/builder LC_ALL=C PATH="$4" sh -c "$3"
"""
BUILD_SECONDS = 7200


def enter(root: Path, command: str, user: str = "builder", seconds: int = 1200) -> subprocess.CompletedProcess:
    return subprocess.run(["unshare", "-m", "sh", "-ec", ENTER, "sh", root, user, command, SYSTEM_PATH],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds)


@pytest.fixture(scope="module", name="machine", params=["trixie", "bookworm"])
def fresh_machine(request, tmp_path_factory):
    if not request.config.getoption("--all"):
        pytest.skip("takes a quarter of an hour for each release: only with --all")
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        pytest.skip("needs root and mmdebstrap")
    root = tmp_path_factory.mktemp(request.param) / "root"
    words = bootstrap_words(request.param, ["cmake", "ninja-build", "git", "ca-certificates"], root)
    made = subprocess.run([*words, "--quiet"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=1800)
    assert made.returncode == 0, made.stdout
    done = enter(root, "useradd -m builder && apt-get -q update", "root")
    assert done.returncode == 0, done.stdout
    clone = root / "home/builder/vhdboot"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", REPOSITORY, clone], check=True, timeout=120)
    done = enter(root, "chown -R builder: /home/builder/vhdboot", "root")
    assert done.returncode == 0, done.stdout
    yield root
    shutil.rmtree(root, ignore_errors=True)


def install(root: Path, packages: str, *options: str) -> str:
    done = enter(root, f"DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends {' '.join(options)} "
                       f"{packages}", "root")
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_all_packages_of_the_tests_can_be_installed(machine):
    listed = (REPOSITORY / "tests/packages.list").read_text(encoding="utf-8").splitlines()
    install(machine, " ".join(line for line in listed if line and not line.startswith("#")), "--simulate")


def test_build(machine):
    configure = "cd ~/vhdboot && cmake --preset release"
    done = enter(machine, configure)
    missing = re.search(r"The build needs more packages: apt install ([^\n]+(?:\n\s+[^\n]+)*)", done.stdout)
    assert done.returncode != 0 and missing, done.stdout
    install(machine, " ".join(missing.group(1).split()))
    done = enter(machine, f"{configure} && cmake --build --preset release", seconds=BUILD_SECONDS)
    assert done.returncode == 0, done.stdout[-6000:]
    out = machine / "home/builder/vhdboot/build/release/out"
    assert 0 < (out / "vhdboot-init").stat().st_size <= 5 << 18
    assert 0 < (out / "vhdboot.efi").stat().st_size <= 8 << 20
    assert "| ntfs-3g | " in (out / "sources.md").read_text(encoding="utf-8")
    print("\n".join(done.stdout.splitlines()[-20:]))
    # And it runs.
    done = enter(machine, "cd ~/vhdboot/build/release/out && ./vhdtool create x.vhd 8M && ./vhdtool info x.vhd")
    assert done.returncode == 0, done.stdout
