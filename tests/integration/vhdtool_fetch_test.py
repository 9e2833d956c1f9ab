# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool hashes, fetch and update: veritysetup takes the trees; images come from nginx, from a server that does what it
should not, and over interruptions; nothing is lost, and nothing is taken that the root hash does not stand for.

Needs curl, nginx, cryptsetup-bin and openssl.
"""

import contextlib
import fcntl
import os
import random
import re
import shutil
import signal
import subprocess
import threading

import pytest

from tests.support import tiny_guest, vhd
from tests.support.command import run
from tests.support.vhdtool import MIB, PATH, VHDTOOL, interrupt, mounted, need, refuse, succeed, vhdtool
from tests.support.web import faulty, nginx, self_signed

BLOCK = 4096
SIZE = 24 * MIB + 512
PART, TREE_PART = "disk.vhd.vhdtool-part", "disk.vhd.verity.vhdtool-part"
MARK = b"vhdpart\n"  # in place of a footer
OTHER_HASH = "5" * 64


@pytest.fixture(autouse=True)
def _products():
    if not VHDTOOL.is_file():
        pytest.skip(f"{VHDTOOL} is not built")
    need("curl")


def make_image(path, size=SIZE, seed=1):
    """Data that no block has twice, between zeros; the last 512 bytes are like a footer."""
    chance = random.Random(seed)
    with open(path, "wb") as file:
        file.truncate(size)
        for place in (0, size // 3 // BLOCK * BLOCK, size // 2 + 1000):
            file.seek(place)
            file.write(chance.randbytes(min(3 * MIB, size - place)))
        if size % BLOCK:
            file.seek(size - 512)
            file.write(b"conectix" + chance.randbytes(504))
    return path


@pytest.fixture(name="server")
def make_server(tmp_path):
    """A folder with disk.vhd, and disk.vhd.verity beside it, on a server; `root` is the root hash."""
    folder = tmp_path / "server"
    folder.mkdir()
    make_image(folder / "disk.vhd")
    with faulty(folder) as server:
        server.image = folder / "disk.vhd"
        server.address = f"{server.url}/disk.vhd"
        server.root = hashes(server.image)
        yield server


@pytest.fixture(name="here")
def make_here(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def hashes(path):
    root = succeed("hashes", path).strip()
    assert re.fullmatch("[0-9a-f]{64}", root)
    return root


def fetch(server, here, **options):
    return succeed("fetch", server.address, here / "disk.vhd", "--root-hash", server.root, **options)


def fetch_refused(status, server, here, words, root=None):
    return refuse(status, "fetch", server.address, here / "disk.vhd", "--root-hash", root or server.root, words=words)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def is_complete(here, image):
    assert names(here) == ["disk.vhd"]
    return (here / "disk.vhd").read_bytes() == image.read_bytes()


def moved(server, name="disk.vhd"):
    return sum(length for asked, _, length in server.asked if asked == name)


def blocks_of_data(path):
    with open(path, "rb") as file:
        return sum(any(block) for block in iter(lambda: file.read(BLOCK), b""))


# --- hashes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4096, 4097, 2 * BLOCK, 128 * BLOCK + 512, 129 * BLOCK, 16385 * BLOCK + 512])
def test_hashes_are_those_of_veritysetup(tmp_path, size):
    need("veritysetup")
    image, tree = make_image(tmp_path / "disk.vhd", size), tmp_path / "disk.vhd.verity"
    root = hashes(image)
    assert names(tmp_path) == ["disk.vhd", "disk.vhd.verity"]
    veritysetup = shutil.which("veritysetup", path=PATH)
    run(veritysetup, "verify", image, tree, root)
    said = run(veritysetup, "dump", tree)
    salt = re.search(r"Salt:\s+(\w+)", said)[1]
    said = run(veritysetup, "format", f"--salt={salt}", image, tmp_path / "other")
    assert re.search(r"Root hash:\s+(\w+)", said)[1] == root
    assert (tmp_path / "other").read_bytes()[BLOCK:] == tree.read_bytes()[BLOCK:]


def test_hashes_again(tmp_path):
    image = make_image(tmp_path / "disk.vhd")
    root, tree = hashes(image), (tmp_path / "disk.vhd.verity").read_bytes()
    assert hashes(image) == root and (tmp_path / "disk.vhd.verity").read_bytes() == tree
    for place in (5 * MIB, SIZE - 1):  # a block, and what is behind the last block
        with open(image, "r+b") as file:
            file.seek(place)
            file.write(b"\1")
        before, root = root, hashes(image)
        assert root != before
    assert names(tmp_path) == ["disk.vhd", "disk.vhd.verity"]


def test_hashes_refused(tmp_path):
    (tmp_path / "small").write_bytes(bytes(4095))
    refuse(3, "hashes", tmp_path / "small", words=["not even one block"])
    refuse(1, "hashes", tmp_path / "none", words=["none"])
    image = make_image(tmp_path / "disk.vhd")
    with open(image, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refuse(3, "hashes", image, words=["locked"])
    status, said = interrupt(signal.SIGINT, 1, "hashes", make_image(tmp_path / "large", 1024 * MIB))
    assert status == 1 and "stopped by a signal" in said
    assert names(tmp_path) == ["disk.vhd", "large", "small"]


# --- fetch ------------------------------------------------------------------------------------------------------------


def test_fetch(place, tmp_path):
    server = tmp_path / "server"
    server.mkdir()
    image = make_image(server / "disk.vhd")
    root, folder = hashes(image), place / "here"
    folder.mkdir()
    with nginx(server, tmp_path / "nginx") as url:
        said = succeed("fetch", f"{url}/disk.vhd", folder / "disk.vhd", "--root-hash", root.upper())
    assert said.count("\n") == 1 and "24 MiB (25166336 bytes), 9 MiB of it" in said
    assert is_complete(folder, image)
    assert (folder / "disk.vhd").stat().st_blocks * 512 >= SIZE
    with open(folder / "disk.vhd", "rb") as file:
        assert os.lseek(file.fileno(), 0, os.SEEK_HOLE) == SIZE


def test_fetch_by_https(server, here, tmp_path):
    certificate = self_signed(tmp_path / "certificate")
    with nginx(server.image.parent, tmp_path / "nginx", certificate) as url:
        words = "fetch", f"{url}/disk.vhd", here / "disk.vhd", "--root-hash", server.root
        refuse(1, *words, words=["certificate"])
        assert not names(here)
        succeed(*words, env={**os.environ, "CURL_CA_BUNDLE": str(certificate)})
    assert is_complete(here, server.image)


def test_zeros_do_not_come(server, here):
    fetch(server, here)
    assert is_complete(here, server.image)
    # Each once, the last one not a whole block; and the first two, which are looked at before.
    assert moved(server) == (blocks_of_data(server.image) - 1) * BLOCK + 512 + 2 * BLOCK


def test_the_tree_above_zeros_does_not_come(server, here):
    """What comes is of the size of what is in an image, not of its own."""
    with open(server.image, "r+b") as file:
        file.truncate(96 * MIB)
    server.root = hashes(server.image)
    fetch(server, here)
    assert is_complete(here, server.image)
    tree = server.image.with_name("disk.vhd.verity")
    assert moved(server, tree.name) < tree.stat().st_size // 6


def test_fetch_reports_how_far_it_is(server, here):
    done = vhdtool("fetch", server.address, here / "disk.vhd", "--root-hash", server.root)
    lines = done.stderr.splitlines()
    assert len(lines) >= 3 and all(re.match(r"\d+ %, ", line) for line in lines) and lines[-1].startswith("100 %")


@pytest.mark.parametrize("size", [BLOCK, BLOCK + 100, 2 * BLOCK, 130 * BLOCK, 130 * BLOCK + 3584])
def test_fetch_of_small_files(server, here, size):
    make_image(server.image, size)
    server.root = hashes(server.image)
    fetch(server, here)
    assert is_complete(here, server.image)


# --- interruptions ----------------------------------------------------------------------------------------------------


class Killing:
    """Sends a signal to a program in the middle of an answer, when it has had so many bytes of the file."""

    def __init__(self, name, after, how):
        self.name, self.after, self.how = name, after, how
        self.started, self.process = threading.Event(), None

    def __call__(self, handler, name, first, last):
        if name != self.name:
            return False
        length = last - first + 1
        if self.after >= length:
            self.after -= length
            return False
        data = (handler.server.folder / name).read_bytes()
        handler.begin(first, last, len(data))
        handler.wfile.write(data[first:first + self.after])
        handler.wfile.flush()
        handler.close_connection = True
        assert self.started.wait(timeout=60)
        self.process.send_signal(self.how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=60)
        return True

    def run(self, server, *words):
        server.fault = self
        with subprocess.Popen([VHDTOOL, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as self.process:
            self.started.set()
            said = self.process.communicate(timeout=120)[1]
        server.fault = None
        return self.process.returncode, said


def is_no_image(path):
    """Neither its beginning nor its end is there."""
    with open(path, "rb") as file:
        assert not any(file.read(BLOCK))
        file.seek(-512, os.SEEK_END)
        return not any(file.read())


def test_killed_anywhere(server, here):
    """Whenever it is, the next one makes it complete, and there is never what looks like an image."""
    chance = random.Random(7)
    came, most = 0, blocks_of_data(server.image) * BLOCK
    words = "fetch", server.address, here / "disk.vhd", "--root-hash", server.root
    for how in (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        after = 3 * BLOCK + chance.randrange(0, most // 4)
        status, said = Killing("disk.vhd", after, how).run(server, *words)
        if status == 0:
            break
        assert status == (-how if how == signal.SIGKILL else 1), said
        assert how == signal.SIGKILL or "stopped by a signal; run it again to go on" in said
        assert names(here) == [TREE_PART, PART]
        assert is_no_image(here / PART)
        came += 1
    assert came >= 3
    fetch(server, here)
    assert is_complete(here, server.image)


def test_killed_while_the_tree_comes(server, here):
    words = "fetch", server.address, here / "disk.vhd", "--root-hash", server.root
    status, _ = Killing("disk.vhd.verity", 2 * BLOCK + 5 * BLOCK, signal.SIGKILL).run(server, *words)
    assert status == -signal.SIGKILL and names(here) == [TREE_PART]
    fetch(server, here)
    assert is_complete(here, server.image)


def test_killed_while_the_zeros_are_written(tmp_path, here):
    image = tmp_path / "disk.vhd"
    with open(image, "wb") as file:
        file.truncate(512 * MIB)
        file.write(b"begin")
    with faulty(tmp_path) as server:
        server.address, server.root = f"{server.url}/disk.vhd", hashes(image)
        status, _ = interrupt(signal.SIGKILL, 13, "fetch", server.address, here / "disk.vhd", "--root-hash", server.root)
        assert status == -signal.SIGKILL and names(here) == [TREE_PART, PART]
        assert BLOCK < (here / PART).stat().st_size < 512 * MIB
        fetch(server, here)
        assert is_complete(here, image)
        assert moved(server) < 10 * BLOCK


def test_the_connection_is_lost(server, here):
    """In the middle of an answer; what has come in whole chunks does not come again."""
    def fault(handler, name, first, last):
        if name != "disk.vhd" or last - first < MIB:
            return False
        handler.begin(first, last, SIZE)
        handler.wfile.write(server.image.read_bytes()[first:first + MIB + 100])
        handler.close_connection = True
        return True

    server.fault = fault
    for _ in range(2):
        fetch_refused(1, server, here, ["connection failed", "run it again to go on"])
        assert is_no_image(here / PART)
    server.fault = None
    server.asked.clear()
    fetch(server, here)
    assert is_complete(here, server.image)
    assert moved(server) <= (blocks_of_data(server.image) + 3) * BLOCK - 2 * MIB


def test_nobody_answers(server, here):
    server.address = "http://127.0.0.1:1/disk.vhd"
    fetch_refused(1, server, here, ["http://127.0.0.1:1/disk.vhd", "connection failed", "run it again"])
    assert not names(here)


def test_two_at_once(server, here):
    with open(here / TREE_PART, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        fetch_refused(3, server, here, ["another vhdtool"])
    fetch(server, here)
    assert is_complete(here, server.image)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_wrong_root_hash(server, here):
    fetch_refused(3, server, here, ["root hash is not that of", "disk.vhd.verity"], root=OTHER_HASH)
    assert not names(here)
    # Of what has come before nothing is lost.
    Killing("disk.vhd", 5 * MIB, signal.SIGKILL).run(server, "fetch", server.address, here / "disk.vhd", "--root-hash",
                                                     server.root)
    before = (here / PART).read_bytes()
    fetch_refused(3, server, here, ["root hash is not that of"], root=OTHER_HASH)
    assert (here / PART).read_bytes() == before


def test_the_tree_is_of_another_file(server, here):
    make_image(server.image, seed=2)  # as large; its end is another one
    fetch_refused(3, server, here, ["is not the hash tree of the file as it is there now", "vhdtool hashes"])
    make_image(server.image, SIZE + MIB)
    fetch_refused(3, server, here, ["is not the hash tree of the file as it is there now"])
    (server.image.parent / "disk.vhd.verity").write_bytes(bytes(BLOCK))
    fetch_refused(3, server, here, ["it is no hash tree"])
    (server.image.parent / "disk.vhd.verity").unlink()
    fetch_refused(3, server, here, ["disk.vhd.verity", "no such file (status 404)"])
    assert not names(here)


@pytest.mark.parametrize("name,place", [("disk.vhd", SIZE // 2 + 5000), ("disk.vhd", 100), ("disk.vhd.verity", 9000)])
def test_a_bit_is_wrong(server, here, name, place):
    file = server.image.parent / name
    good = file.read_bytes()
    file.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1:])
    fetch_refused(3, server, here, [f"{name}: the bytes from {place // BLOCK * BLOCK} on are not those"])
    assert "disk.vhd" not in names(here)
    file.write_bytes(good)
    fetch(server, here)
    assert is_complete(here, server.image)


def test_the_file_changes_meanwhile(server, here):
    def fault(handler, name, first, last):
        if name != "disk.vhd" or first < SIZE // 3:
            return False
        handler.begin(first, last, SIZE, tag='"2"')
        handler.wfile.write(server.image.read_bytes()[first:last + 1])
        return True

    server.fault = fault
    fetch_refused(3, server, here, ["disk.vhd", "changed while it was fetched: run it again"])
    server.fault = None
    fetch(server, here)
    assert is_complete(here, server.image)


def test_a_server_without_ranges(server, here):
    for name in ("disk.vhd", "disk.vhd.verity"):
        def fault(handler, asked, *_, name=name):
            if asked != name:
                return False
            handler.send_response(200)
            handler.send_header("Content-Length", str(SIZE))
            handler.end_headers()
            with contextlib.suppress(OSError):
                handler.wfile.write(server.image.read_bytes())
            return True

        server.fault = fault
        fetch_refused(3, server, here, [f"{name}: the server sends no parts of a file"])
    assert not names(here)


def test_a_redirect(server, here):
    def fault(handler, *_):
        handler.send_response(302)
        handler.send_header("Location", "https://elsewhere/disk.vhd")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    server.fault = fault
    fetch_refused(3, server, here, ["another address (status 302): give that one, \"https://elsewhere/disk.vhd\""])
    assert not names(here)


@pytest.mark.parametrize("length", [-1, MIB])
def test_a_server_that_sends_too_much(server, here, length):
    def fault(handler, name, first, last):
        if name != "disk.vhd" or first == 0:
            return False
        asked = last - first + 1
        handler.begin(first, last, SIZE, length=length if length < 0 else asked + length)
        with contextlib.suppress(OSError):
            handler.wfile.write(bytes(server.image.read_bytes()[first:last + 1]) + bytes(MIB))
        handler.close_connection = True
        return True

    server.fault = fault
    fetch_refused(3, server, here, ["sends"])
    assert "disk.vhd" not in names(here)


def test_no_room(server, tmp_path):
    with mounted(tmp_path / "mnt", "mount", "-t", "tmpfs", "-o", "size=20M", "tmpfs") as folder:
        fetch_refused(1, server, folder, ["room for 20 MiB", "are needed"])
        assert not names(folder)
        (folder / "disk.vhd").write_bytes(b"old")
        refuse(1, "update", server.address, folder / "disk.vhd", "--root-hash", server.root, words=["are needed"])
        assert names(folder) == ["disk.vhd"] and (folder / "disk.vhd").read_bytes() == b"old"


def test_a_limit_of_the_file_size(server, here):
    """A write that fails: it goes on when there is room."""
    words = [VHDTOOL, "fetch", server.address, here / "disk.vhd", "--root-hash", server.root]
    done = subprocess.run(["prlimit", f"--fsize={10 * MIB}", *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "File too large" in done.stderr
    assert names(here) in ([TREE_PART, PART], [TREE_PART])
    fetch(server, here)
    assert is_complete(here, server.image)


def test_wrong_command_lines(server, here):
    for url in ("ftp://x/y", "http://x", "http://x/", "/x/y", "http:///y", "http://a:b@x/y", "http://x/y?z", "http://x/y z",
                "http://x/\"\nurl=\"y"):
        refuse(2, "fetch", url, here / "disk.vhd", "--root-hash", server.root, words=["URL"])
    for root in ("", "12", OTHER_HASH + "5", "x" * 64):
        for command in ("fetch", "update"):
            refuse(2, command, server.address, here / "disk.vhd", "--root-hash", root, words=["--root-hash"])
    refuse(2, "fetch", server.address, here / "disk.vhd", words=["which --root-hash"])
    (here / "disk.vhd").write_bytes(b"old")
    fetch_refused(3, server, here, ["exists already"])
    refuse(1, "update", server.address, here / "none", "--root-hash", server.root, words=["none"])
    assert names(here) == ["disk.vhd"] and not server.asked


def test_without_curl(server, here):
    if os.geteuid() != 0:
        pytest.skip("a mount namespace needs root")
    script = 'mount --bind /dev/null "$(command -v curl)" && exec "$@"'
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", VHDTOOL, "fetch",
                           server.address, here / "disk.vhd", "--root-hash", server.root],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 3 and "install the package curl" in done.stderr
    assert not names(here)


# --- what a boot needs -------------------------------------------------------------------------------------------------


@pytest.fixture(name="bootable")
def make_bootable(server):
    """The image is a fixed VHD of whole blocks, and a list of what its boot needs lies beside it."""
    vhd.make_fixed(make_image(server.image, 24 * MIB))
    server.root = hashes(server.image)
    server.list = server.image.with_name("disk.vhd.boot-set")
    server.list.write_text(f"vhdboot-boot-set/1 {24 * MIB // BLOCK}\n0 3\n3070 4\n6143 1\n", encoding="ascii")
    return server


def fetch_boot_set(server, here):
    return succeed("fetch", "--boot-set", server.address, here / "disk.vhd", "--root-hash", server.root)


def test_boot_set(bootable, here):
    """Only what is listed comes; the file has no footer until the rest is there, whoever wrote to it meanwhile."""
    fetch_boot_set(bootable, here)
    assert names(here) == ["disk.vhd", "disk.vhd.map", "disk.vhd.verity"]
    assert moved(bootable) <= (8 + 2) * BLOCK + 512
    data, source = (here / "disk.vhd").read_bytes(), bootable.image.read_bytes()
    assert len(data) == len(source) and data[:3 * BLOCK] == source[:3 * BLOCK] and data[-512:].startswith(MARK)
    assert not any(data[3 * BLOCK:3070 * BLOCK]) and data[3070 * BLOCK:3074 * BLOCK] == source[3070 * BLOCK:3074 * BLOCK]
    assert (here / "disk.vhd").stat().st_blocks * 512 >= len(source)
    assert succeed("boot-set", here / "disk.vhd") == bootable.list.read_text("ascii")
    refuse(3, "fetch", "--boot-set", bootable.address, here / "disk.vhd", "--root-hash", bootable.root,
           words=["leave out --boot-set"])
    refuse(3, "fetch", bootable.address, here / "disk.vhd", "--root-hash", OTHER_HASH, words=["another image"])
    # A guest writes to a block that had come, and to one that had not, which it marks.
    wrote = bytearray(source)
    for block in (1, 2000):
        wrote[block * BLOCK:(block + 1) * BLOCK] = b"guest".ljust(BLOCK, b".")
        with open(here / "disk.vhd", "r+b") as file:
            file.seek(block * BLOCK)
            file.write(wrote[block * BLOCK:(block + 1) * BLOCK])
    with open(here / "disk.vhd.map", "r+b") as file:
        file.seek(BLOCK + 2000 // 8)
        bits = file.read(1)[0] | 1 << 2000 % 8
        file.seek(BLOCK + 2000 // 8)
        file.write(bytes([bits]))
    status, _ = Killing("disk.vhd", 2 * MIB, signal.SIGKILL).run(bootable, "fetch", bootable.address, here / "disk.vhd",
                                                                 "--root-hash", bootable.root)
    assert status == -signal.SIGKILL and names(here) == ["disk.vhd", "disk.vhd.map", "disk.vhd.verity"]
    assert (here / "disk.vhd").read_bytes()[-512:].startswith(MARK)
    fetch(bootable, here)
    assert names(here) == ["disk.vhd"] and (here / "disk.vhd").read_bytes() == wrote


def test_what_is_not_complete_is_an_image_to_nobody(bootable, here):
    """Neither by its own name nor by another one, and nothing of it changes."""
    fetch_boot_set(bootable, here)
    before = (here / "disk.vhd").read_bytes()
    for name in ("disk.vhd", "disk.img"):
        if name != "disk.vhd":
            (here / "disk.vhd").rename(here / name)
        path = here / name
        for words in (["check", path], ["info", path], ["cat", path], ["attach", path], ["grow", path, "+8M"],
                      ["snapshot", path], ["provision", path]):
            done = subprocess.run([VHDTOOL, *map(str, words)], capture_output=True, timeout=120, check=False)
            assert done.returncode not in (0, 4), (words, done)
            assert b"not complete" in done.stdout + done.stderr, (words, done)
        done = subprocess.run([VHDTOOL.with_name("raw2vhd"), path], capture_output=True, timeout=120, check=False)
        assert done.returncode != 0 and b"not complete" in done.stdout + done.stderr, done
        assert path.read_bytes() == before


def test_the_map_of_another_copy(bootable, here, tmp_path):
    """Of two that were begun alike each has its own."""
    fetch_boot_set(bootable, here)
    other = tmp_path / "other"
    other.mkdir()
    fetch_boot_set(bootable, other)
    shutil.copy(other / "disk.vhd.map", here / "disk.vhd.map")
    before = (here / "disk.vhd").read_bytes()
    refuse(3, "fetch", bootable.address, here / "disk.vhd", "--root-hash", bootable.root, words=["another copy of this image"])
    assert (here / "disk.vhd").read_bytes() == before


def test_boot_set_of_one_that_was_begun(bootable, here):
    words = "fetch", bootable.address, here / "disk.vhd", "--root-hash", bootable.root
    status, _ = Killing("disk.vhd", 5 * MIB, signal.SIGKILL).run(bootable, *words)
    assert status == -signal.SIGKILL and names(here) == [TREE_PART, PART]
    fetch_boot_set(bootable, here)
    bootable.asked.clear()
    fetch(bootable, here)
    assert is_complete(here, bootable.image)
    assert moved(bootable) < blocks_of_data(bootable.image) * BLOCK - 2 * MIB


def test_complete_by_its_guest(bootable, here):
    """What is left beside it then is tidied up, and nothing comes."""
    fetch_boot_set(bootable, here)
    shutil.copy(bootable.image, here / "disk.vhd")
    bootable.asked.clear()
    assert "is complete" in fetch(bootable, here)
    assert is_complete(here, bootable.image) and not bootable.asked


def test_a_map_that_was_left(bootable, here):
    """It is about another file than the one that came later: nothing is fetched over that."""
    fetch_boot_set(bootable, here)
    kept = (here / "disk.vhd.map").read_bytes()
    (here / "disk.vhd").unlink()
    fetch(bootable, here)
    assert not (here / "disk.vhd.map").exists()
    (here / "disk.vhd.map").write_bytes(kept)
    with open(here / "disk.vhd", "r+b") as file:
        file.seek(-100, os.SEEK_END)
        file.write(b"changed")
    before = (here / "disk.vhd").read_bytes()
    refuse(3, "fetch", bootable.address, here / "disk.vhd", "--root-hash", bootable.root, words=["it is complete", "delete that"])
    assert (here / "disk.vhd").read_bytes() == before


def test_boot_set_refused(bootable, here):
    words = "fetch", "--boot-set", bootable.address, here / "disk.vhd", "--root-hash", bootable.root
    bootable.list.write_text("vhdboot-boot-set/1 7\n0 3\n", encoding="ascii")
    refuse(3, *words, words=["of an image of 7 blocks"])
    bootable.list.write_text("what", encoding="ascii")
    refuse(3, *words, words=["no list"])
    bootable.list.unlink()
    refuse(3, *words, words=["boot-set", "make it there", "leave out --boot-set"])
    make_image(bootable.image)
    bootable.root = hashes(bootable.image)
    refuse(3, *words[:-1], bootable.root, words=["not a fixed VHD"])
    assert not names(here)


def test_boot_set_of_an_image():
    """What a boot reads of a guest is found in its image, and is less than all."""
    if os.geteuid() != 0:
        pytest.skip("looking into an image needs root")
    guest = tiny_guest.make("", modules=("nbd", "macvlan", "virtio_net"), notes_size=24 * MIB)
    lines = succeed("boot-set", guest.image).splitlines()
    blocks = guest.payload // BLOCK
    assert lines[0] == f"vhdboot-boot-set/1 {blocks}"
    runs = [tuple(map(int, line.split())) for line in lines[1:]]
    there = {block for first, count in runs for block in range(first, first + count)}
    assert 0 in there and blocks // 2 > len(there) > 1000
    assert not all(guest.notes // BLOCK + number in there for number in range(24 * MIB // BLOCK))


# --- update -----------------------------------------------------------------------------------------------------------


def update(server, here):
    return succeed("update", server.address, here / "disk.vhd", "--root-hash", server.root)


def change(server, places):
    """A new version on the server; how many blocks are others."""
    with open(server.image, "r+b") as file:
        for place in places:
            file.seek(place)
            file.write(random.Random(place).randbytes(100))
    server.root = hashes(server.image)
    return len(places)


def test_update(server, here):
    fetch(server, here)
    server.asked.clear()
    assert "is up to date" in update(server, here)
    assert moved(server) <= 2 * BLOCK + 512 and is_complete(here, server.image)
    (here / "disk.vhd").chmod(0o640)
    changed = change(server, [0, 5 * MIB, 5 * MIB + BLOCK, 11 * MIB, 20 * MIB, SIZE - 100])
    server.asked.clear()
    update(server, here)
    assert is_complete(here, server.image)
    assert (here / "disk.vhd").stat().st_mode & 0o777 == 0o640
    assert moved(server) <= (changed + 3) * BLOCK


@pytest.mark.parametrize("size", [16 * MIB, 30 * MIB + 512])
def test_update_to_another_size(server, here, size):
    fetch(server, here)
    make_image(server.image, size, seed=3)
    server.root = hashes(server.image)
    update(server, here)
    assert is_complete(here, server.image)


def test_update_of_what_a_guest_wrote(server, here):
    fetch(server, here)
    with open(here / "disk.vhd", "r+b") as file:
        file.seek(7 * MIB)
        file.write(bytes(range(256)) * 100)
    server.asked.clear()
    update(server, here)
    assert is_complete(here, server.image)
    assert moved(server) <= 12 * BLOCK


def test_an_update_that_is_interrupted_changes_nothing(server, here):
    fetch(server, here)
    old = (here / "disk.vhd").read_bytes()
    make_image(server.image, seed=5)
    server.root = hashes(server.image)
    words = "update", server.address, here / "disk.vhd", "--root-hash", server.root
    for how in (signal.SIGINT, signal.SIGKILL):
        status, said = Killing("disk.vhd", 4 * MIB, how).run(server, *words)
        assert status == (1 if how == signal.SIGINT else -how), said
        assert (here / "disk.vhd").read_bytes() == old and is_no_image(here / PART)
    refuse(3, "update", server.address, here / "disk.vhd", "--root-hash", OTHER_HASH, words=["root hash is not that of"])
    assert (here / "disk.vhd").read_bytes() == old
    update(server, here)
    assert is_complete(here, server.image)


def test_update_refused(server, here):
    fetch(server, here)
    words = "update", server.address, here / "disk.vhd", "--root-hash", server.root
    with open(here / "disk.vhd", "r+b"):
        refuse(3, *words, words=["open for writing"])
    (here / "disk.vhd").chmod(0o444)
    refuse(1, *words, words=["write-protected"])
    assert is_complete(here, server.image)


def test_update_of_a_parent_is_refused(server, here):
    succeed("create", here / "disk.vhd", "8M")
    succeed("snapshot", "--reserve", "8M", here / "disk.vhd")
    (here / "disk.1.vhd").chmod(0o644)
    before = (here / "disk.1.vhd").read_bytes()
    refuse(3, "update", server.address, here / "disk.1.vhd", "--root-hash", server.root, words=["disk.vhd"])
    assert (here / "disk.1.vhd").read_bytes() == before
