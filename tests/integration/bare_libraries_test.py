# SPDX-License-Identifier: GPL-2.0-or-later
"""The foreign libraries without Debian's patches: they are built, and what those patches mend does no harm.

Both ways to build them, for the products; then the bare release with AddressSanitizer, by this machine's compiler, fed
with an input for each known weakness of it that our programs can reach. That the others cannot be reached is told by
the linker: the functions are not there.
"""

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import PRODUCTS, REPOSITORY

BUILD = PRODUCTS.parent
CORPUS = REPOSITORY / "tests/fuzz/corpus/ntfs"
# The inputs that do harm without the replacements in init/volume/ntfs_read_only.cpp, and where.
HARMFUL = {"compressed-attrdef": "ntfs_decompress", "short-reparse-point": "ntfs_possible_symlink"}
SANITIZED = ("-g -O1 -fno-omit-frame-pointer -fsanitize=address "
             # glibc's own, where cmake/third_party/blkid/config.h speaks of musl
             "-DHAVE_CLOSE_RANGE=1 -DHAVE___FPENDING=1 -DHAVE_STDIO_EXT_H=1")


def run(*words, **more) -> str:
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=1800, **more)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def pins() -> dict[str, tuple[str, str]]:
    """What is compiled for the products: name -> (upstream version, file)."""
    text = (REPOSITORY / "cmake/sources.cmake").read_text(encoding="utf-8")
    rows = re.findall(r"^vhdboot_source\((\S+) source (\S+) (\S+)", text, re.MULTILINE)
    assert {"util-linux", "ntfs-3g", "zlib", "xz-utils", "libzstd"} <= {row[0] for row in rows}
    return {name: (version, file) for name, version, file in rows}


@pytest.fixture(scope="module", name="packages")
def packages_of_the_build() -> Path:
    """The sources that the products were made of."""
    cached = re.search(r"^VHDBOOT_CACHE:PATH=(.*)$", (BUILD / "CMakeCache.txt").read_text(encoding="utf-8"), re.MULTILINE) \
        if (BUILD / "CMakeCache.txt").exists() else None
    if cached is None or not (BUILD / "sysroot/libraries.stamp").exists():
        pytest.skip(f"{BUILD} is not a product build")
    return Path(cached.group(1)) / "packages"


def tarball(packages: Path, name: str) -> Path:
    version, file = pins()[name]
    taken = (packages / name / "version").read_text(encoding="utf-8").replace(":", "%3a")
    places = [path for folder in (taken, version) for path in [packages / name / folder / file] if path.exists()]
    assert places, f"no {file} below {packages}"
    return places[0]


@pytest.fixture(scope="module", name="bare_cache")
def cache_of_bare_sources(packages, tmp_path_factory) -> Path:
    """A cache as it is where Debian's patches were not to be had."""
    cache = tmp_path_factory.mktemp("cache")
    for name, (version, file) in pins().items():
        folder = cache / "packages" / name / version
        folder.mkdir(parents=True)
        (folder / file).symlink_to(tarball(packages, name))
        (folder.parent / "version").write_text(version, encoding="utf-8")
    return cache


def build_for_musl(cache: Path, folder: Path) -> str:
    """What the product build does, in folders of its own."""
    sysroot = folder / "sysroot"
    sysroot.mkdir()
    for name in ("bin", "kernel-headers"):
        shutil.copytree(BUILD / "sysroot" / name, sysroot / name, symlinks=True, ignore=shutil.ignore_patterns("blkid"))
    said = run("cmake", f"-DCACHE={cache}", f"-DSYSROOT={sysroot}", f"-DWORK={folder}/work", "-DJOBS=2", "-P",
               REPOSITORY / "cmake/script/libraries.cmake")
    for name in ("blkid", "ntfs-3g", "z", "lzma", "zstd"):
        assert (sysroot / f"lib/lib{name}.a").stat().st_size > 10000
    assert "util-linux" in run(sysroot / "bin/blkid", "--version")
    return said


@pytest.mark.only_all  # the sources are pinned: what comes out changes when they do
def test_built_without_patches(bare_cache, tmp_path):
    assert "ntfs-3g 2022.10.3," in build_for_musl(bare_cache, tmp_path)


@pytest.mark.only_all  # as in every build for which there are patches
def test_built_with_patches(packages, bare_cache, tmp_path):
    """With those that could be had for this build; each at least once, whatever the build itself took."""
    cache = tmp_path / "cache"
    shutil.copytree(bare_cache, cache, symlinks=True)
    patched = []
    for name in pins():
        for description in sorted((packages / name).glob("*/*.dsc"))[-1:]:
            (cache / "packages" / name / description.parent.name).symlink_to(description.parent)
            version = description.parent.name.replace("%3a", ":")
            (cache / "packages" / name / "version").write_text(version, encoding="utf-8")
            patched.append(f"{name} {version}")
    if not patched:
        pytest.skip("the archive had no patches for any library")
    said = build_for_musl(cache, tmp_path)
    for what in patched:
        assert what in said


@pytest.fixture(scope="module", name="sanitized")
def build_sanitized(packages, tmp_path_factory) -> Path:
    """The bare releases with AddressSanitizer, and the fuzz target ntfs upon them, to replay inputs."""
    folder = tmp_path_factory.mktemp("sanitized")
    for name in pins():
        (folder / "sources" / name).mkdir(parents=True)
        run("tar", "-xf", tarball(packages, name), "-C", folder / "sources" / name, "--strip-components=1")
    run("cmake", "-S", REPOSITORY / "cmake/third_party", "-B", folder / "libraries", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=None",
        f"-DSOURCES={folder}/sources", f"-DCMAKE_C_FLAGS={SANITIZED}")
    run("cmake", "--build", folder / "libraries", "--target", "ntfs-3g", "blkid-command", "-j2")
    shutil.copytree(folder / "sources/ntfs-3g/include", folder / "installed/include")
    (folder / "installed/lib").mkdir()
    shutil.copy(folder / "libraries/libntfs-3g.a", folder / "installed/lib")
    run("cmake", "-S", REPOSITORY, "-B", folder / "programs", "-G", "Ninja", "-DVHDBOOT_SUPERBUILD=OFF", "-DVHDBOOT_TESTS=ON",
        "-DVHDBOOT_SANITIZE=address", "-DCMAKE_BUILD_TYPE=Debug", f"-DVHDBOOT_LIBRARIES={folder}/installed")
    run("cmake", "--build", folder / "programs", "--target", "fuzz_ntfs", "fuzz_ntfs_unguarded", "-j2")
    return folder


@pytest.mark.only_all  # two builds; the pins and the recipes change seldom
def test_no_input_does_harm(sanitized):
    assert HARMFUL.keys() <= set(os.listdir(CORPUS))
    run(sanitized / "programs/fuzz/fuzz_ntfs", CORPUS)


@pytest.mark.only_all
@pytest.mark.parametrize("name", HARMFUL)
def test_the_input_would_do_harm(sanitized, name):
    """Or the test above would prove nothing."""
    done = subprocess.run([sanitized / "programs/fuzz/fuzz_ntfs_unguarded", CORPUS / name], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode != 0
    assert "AddressSanitizer: heap-buffer-overflow" in done.stdout and f" in {HARMFUL[name]} " in done.stdout


def joliet_of_surrogates() -> bytes:
    """A CD whose publisher is 32 characters above U+FFFF, of which libblkid makes a text longer than both fields."""
    publisher = 8 + 32 + 32 + 8 + 8 + 8 + 94 + 128
    primary = bytearray(b"\x01CD001\x01".ljust(2048, b"\0"))
    primary[publisher:publisher + 128] = b"x" + b"_" * 127
    joliet = bytearray(b"\x02CD001\x01".ljust(2048, b"\0"))
    joliet[88:91] = b"%/@"
    joliet[publisher:publisher + 128] = b"\0x" + struct.pack(">HH", 0xD83D, 0xDE00) * 31 + b"\0_"
    return bytes(0x8000) + bytes(primary) + bytes(joliet) + b"\xffCD001\x01".ljust(2048, b"\0") + bytes(1 << 20)


@pytest.mark.only_all
def test_a_long_joliet_name(sanitized, tmp_path):
    image = tmp_path / "image.iso"
    image.write_bytes(joliet_of_surrogates())
    said = run(sanitized / "libraries/blkid", "-p", image, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    assert 'TYPE="iso9660"' in said and "PUBLISHER_ID=" in said


@pytest.mark.only_all
@pytest.mark.parametrize("code, found", [(0xF6, True), (0xE1, False), (0xEB, False)])
def test_ntfs_with_huge_records(sanitized, tmp_path, code, found):
    """Their size is refused before as much is read into memory."""
    image = tmp_path / "volume"
    with image.open("wb") as file:
        file.truncate(3 << 30)
    run("mkntfs", "-F", "-q", "-Q", "-p", "0", "-H", "255", "-S", "63", image)
    with image.open("r+b") as file:
        file.seek(64)
        file.write(bytes([code]))
    done = subprocess.run(["prlimit", "--rss=67108864", sanitized / "libraries/blkid", "-p", image], timeout=120,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0:max_allocation_size_mb=64"})
    assert ('TYPE="ntfs"' in done.stdout) == found, done.stdout
    assert "Sanitizer" not in done.stdout


# What the known weaknesses of libntfs-3g 2022.10.3 and liblzma 5.4.1 are in, by the public descriptions; docs/licences.md
# has the list.
# With each the functions by which alone it is reached, for a static one may be part of its caller.
CHANGES_INDEX = ["ntfs_ie_add", "ntfs_index_add_filename", "ntfs_index_remove"]
WEAK = {
    "CVE-2023-52890": ["ntfs_uppercase_mbs"],
    "CVE-2026-40706": ["ntfs_build_permissions_posix", "ntfs_build_permissions"],
    "CVE-2026-42617": ["ntfs_ir_to_ib", *CHANGES_INDEX],
    "CVE-2026-42618": ["ntfs_decompress"],
    "CVE-2026-46569": ["ntfs_ib_copy_tail", *CHANGES_INDEX],
    "CVE-2026-46570": ["ntfs_index_walk_down", "ntfs_index_next", "ntfs_index_lookup"],
    "CVE-2026-46571": ["ntfs_make_symlink", "ntfs_get_reparse_point"],
    "CVE-2026-46572": ["ntfs_ib_cut_tail", *CHANGES_INDEX],
    "CVE-2026-56135": ["ntfs_inherit_acl", "ntfs_inherited_id"],
    "CVE-2026-56136": ["ntfs_ir_leafify", *CHANGES_INDEX],
    "CVE-2025-31115": ["lzma_stream_decoder_mt"],
    "CVE-2026-34743": ["lzma_index_append"],
    "GHSA-5qpq-xqfv-j9pg": ["lzma_alone_decoder", "lzma_auto_decoder"],
}


# The programs of the product and what is known to be in each, as a map that is read wrongly has nothing weak either.
READS_NTFS = {"ntfs_readdir", "ntfs_device_mount"}
DECOMPRESSES = {"inflate", "lzma_stream_decoder", "ZSTD_decompressStream", "BZ2_bzDecompress", "LZ4_decompress_safe"}
PROGRAMS = {"vhdboot-init": {"_start_c"}, "vhdboot-reader": READS_NTFS, "vhdboot-unpack": DECOMPRESSES,
            "vhdboot-inspect": READS_NTFS | DECOMPRESSES, "vhdboot": READS_NTFS, "vhdtool": READS_NTFS | DECOMPRESSES}


def functions(program: str) -> set[str]:
    path = BUILD / f"programs/{program}.map"
    if not path.exists():
        pytest.skip(f"{path} is not built")
    placed = path.read_text(encoding="utf-8").partition("\nMemory map\n")[2]
    found = set(re.findall(r"^ \.text\.(\w+)", placed, re.MULTILINE))
    assert PROGRAMS[program] <= found
    return found


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", WEAK)
def test_what_is_weak_is_not_there(program, name):
    assert not functions(program) & set(WEAK[name])


@pytest.mark.parametrize("program, known", [("vhdboot-init", set()), ("vhdboot-reader", READS_NTFS),
                                            ("vhdboot-unpack", DECOMPRESSES)])
def test_no_program_of_a_boot_has_more_than_it_needs(program, known):
    """Process 1 has none of the libraries that parse foreign bytes, and each of its children one kind."""
    assert functions(program) & (READS_NTFS | DECOMPRESSES) == known


def test_the_weak_functions_have_these_names(packages, tmp_path):
    """Otherwise it would be no wonder that they are not found."""
    for name in ("ntfs-3g", "xz-utils"):
        run("tar", "-xf", tarball(packages, name), "-C", tmp_path, "--strip-components=1")
    sources = [*(tmp_path / "libntfs-3g").glob("*.c"), *(tmp_path / "src/liblzma").rglob("*.c")]
    text = "".join(path.read_text(encoding="latin-1") for path in sources)
    for name in [name for names in WEAK.values() for name in names]:
        assert re.search(rf"\b{name}\(", text), name
