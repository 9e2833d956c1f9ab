# SPDX-License-Identifier: GPL-2.0-or-later
"""Which modules init/modules loads, and in which order, for a real Debian kernel: what modprobe says is right. Needs kmod,
g++ with zlib, liblzma, libzstd, libbz2 and liblz4, and Debian's archive for the kernel package of this release."""

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.command import CommandError, run  # noqa: E402
from support.paths import REPOSITORY, cache_folder, locked  # noqa: E402

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
SOURCES = ["tests/integration/print_modules.cpp", "init/modules/modules.cpp", "base/glob.cpp",
           "init/modules/vermagic.cpp", "init/modules/decompress.cpp", "init/modules/codecs.cpp", "base/text.cpp", "base/error.cpp"]
# What stage 2 asks for, and what has dependencies of every kind.
ALWAYS = ["dm_mod", "loop", "exfat", "ahci", "sd_mod", "nvme", "usb_storage", "uas", "xhci_pci", "virtio_blk",
          "virtio_pci", "virtio_scsi", "vmd", "mmc_block", "sdhci_pci", "ext4", "xfs", "dm-snapshot", "no_such_module"]
EXAMPLE = "kernel/drivers/block/loop.ko"


def kernel_package():
    """The package of the default kernel of this machine's Debian."""
    for line in run("apt-cache", "depends", "linux-image-amd64").splitlines():
        found = re.match(r"\s*Depends: (linux-image-[0-9]\S*-amd64)$", line)
        if found:
            return found[1]
    raise CommandError("linux-image-amd64 depends on no kernel")


def unpack_index(package, target):
    """Leaves depmod's files for a kernel package, and one module, below `target` as in a root file system."""
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        root = fresh / "all"
        root.mkdir(parents=True)
        run("apt-get", "-q", "-oAPT::Sandbox::User=root", "download", package, cwd=fresh)
        run("dpkg-deb", "-x", next(fresh.glob("*.deb")), root)
        (folder,) = (root / "lib/modules").iterdir()
        run("depmod", "-b", root, folder.name)
        kept = fresh / "kept/lib/modules" / folder.name
        kept.mkdir(parents=True)
        for file in folder.glob("modules.*"):
            shutil.copy(file, kept)
        # modprobe leaves out what is not there, but looks into none of them.
        for file in folder.glob("kernel/**/*.ko*"):
            empty = kept / file.relative_to(folder)
            empty.parent.mkdir(parents=True, exist_ok=True)
            empty.touch()
        example = next(folder.glob(EXAMPLE + "*"))
        shutil.copy(example, kept / example.relative_to(folder))
        (fresh / "kept").rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@pytest.fixture(scope="module")
def root():
    for tool in ("modprobe", "depmod", "apt-get", "dpkg-deb"):
        if shutil.which(tool, path=PATH) is None:
            pytest.skip(f"{tool} is not installed")
    try:
        package = kernel_package()
        target = cache_folder() / f"modules-{package}"
        with locked(target):
            if not target.is_dir():
                unpack_index(package, target)
    except CommandError as error:
        pytest.skip(f"no Debian kernel package: {error}")
    return target


@pytest.fixture(scope="module")
def folder(root):
    (only,) = (root / "lib/modules").iterdir()
    return only


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    out = tmp_path_factory.mktemp("modules") / "print_modules"
    run("g++", "-std=gnu++23", "-O1", f"-I{REPOSITORY}", *(REPOSITORY / source for source in SOURCES), "-llzma", "-lz",
        "-lzstd", "-lbz2", "-llz4", "-o", out)
    return out


def ours(program, folder, wanted):
    """For each name the files, the built-in modules and whether it is missing."""
    text = run(program, "resolve", folder, stdin="".join(f"{name}\n" for name in wanted).encode())
    rows = [line.split("|") for line in text.splitlines()]
    assert [row[0] for row in rows] == wanted
    return {name: (files.split(), set(builtin.split()), bool(missing)) for name, files, builtin, missing in rows}


def modprobes(root, folder, name):
    done = subprocess.run(["modprobe", "-C", "/dev/null", "-d", root, "-S", folder.name, "--show-depends", name],
                          env={**os.environ, "PATH": PATH, "LC_ALL": "C"}, capture_output=True, text=True)
    files, builtin = [], set()
    for line in done.stdout.splitlines():
        kind, what = line.split()[:2]
        if kind == "builtin":
            builtin.add(what)
        elif (file := what.split(f"/{folder.name}/", 1)[1]) not in files:
            files.append(file)
    return files, builtin, done.returncode != 0


def soft_twice(folder):
    """modprobe takes only the first line of soft dependencies of a module; we take all of them."""
    names = [line.split()[1] for line in (folder / "modules.softdep").read_text().splitlines()
             if line.startswith("softdep ")]
    return {name for name in names if names.count(name) > 1}


def all_names(folder):
    lines = (folder / "modules.dep").read_text().splitlines()
    return [re.sub(r"\.ko.*", "", line.split(":")[0].rsplit("/", 1)[1]) for line in lines]


def test_files_and_order_are_modprobes(program, root, folder):
    names = all_names(folder)
    assert len(names) > 1000
    wanted = ALWAYS + random.Random(1).sample(names, 400)
    wanted = [name for name in dict.fromkeys(wanted) if name not in soft_twice(folder)]
    for name, (files, builtin, missing) in ours(program, folder, wanted).items():
        expected, expected_builtin, failed = modprobes(root, folder, name)
        assert files == expected, name
        assert missing == failed, name
        # It also names soft dependencies that are built in.
        assert builtin <= expected_builtin, name


def test_every_module_has_its_dependencies_before_it(program, folder):
    needs = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        file, rest = line.split(":")
        needs[file] = rest.split()
    for name, (files, _, missing) in ours(program, folder, all_names(folder)).items():
        assert not missing, name
        for at, file in enumerate(files):
            assert set(needs[file]) <= set(files[:at]), name


def test_aliases_are_modprobes(program, root, folder):
    chosen = random.Random(2)
    patterns = [line.split()[1] for line in (folder / "modules.alias").read_text().splitlines()
                if line.startswith("alias ")]
    concrete = [re.sub(r"\[([^\]])[^\]]*\]", r"\1", pattern).replace("?", "1") for pattern in patterns]
    wanted = [text.replace("*", chosen.choice(["", "0", "00AB", "-x_y"])) for text in chosen.sample(concrete, 400)]
    wanted = list(dict.fromkeys(wanted))
    found = 0
    for name, (files, _, missing) in ours(program, folder, wanted).items():
        expected, _, failed = modprobes(root, folder, name)
        assert files == expected, name
        assert missing == failed, name
        found += bool(files)
    assert found > 300


@pytest.mark.parametrize("packer", [None, "gzip", "xz", "zstd"])
def test_a_real_module_is_for_its_kernel_only(program, folder, tmp_path, packer):
    module = next(folder.glob(EXAMPLE + "*"))
    if packer:
        if shutil.which(packer) is None:
            pytest.skip(f"{packer} is not installed")
        if module.suffix != ".ko":
            pytest.skip("this kernel's modules are compressed already")
        packed = tmp_path / "module"
        with open(packed, "wb") as out:
            subprocess.run([packer, "-c", module], stdout=out, check=True)
        module = packed
    assert run(program, "check", folder.name, module) == f"{module}|\n"
    assert "was built for kernel" in run(program, "check", folder.name + "x", module)
