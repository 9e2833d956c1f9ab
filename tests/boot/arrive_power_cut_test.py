# SPDX-License-Identifier: GPL-2.0-or-later
"""The power fails while an image arrives and its guest works: what the disk had not been told to keep may be lost. What is
marked as being there is the source's or the guest's, what was fsynced is there, and `vhdtool fetch` completes the image.

One boot with a log of its writes; the cuts are worked out from that.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import disk, hostdisk, power_cut, tiny_guest
from tests.support.arriving import MODULES, NETWORK, make_host
from tests.support.command import run
from tests.support.paths import PRODUCTS
from tests.support.web import line, nginx

BLOCK, SECTOR = 4096, 512
IMAGE = "/boot/tiny.vhd"
FILES = (IMAGE, f"{IMAGE}.map", f"{IMAGE}.verity")
RATE = 256 * 1024  # bytes a second: it arrives as long as the guest works
CUTS = 16


@dataclass(frozen=True)
class ArrivingDisk:
    """As tests/support/guest_disks.py has others. `wrote`: what was ever written, by sector of the disk, after the boot."""

    source: bytes
    url: str
    root_hash: str
    wrote: dict[int, set[bytes]]

    def may_change(self, host, _guest):
        return host.extents[IMAGE] + host.extents[FILES[1]]

    def read(self, host, guest, folder):
        image, known, _ = (hostdisk.extract_file(host, name, folder / Path(name).name, host.sizes[name]) for name in FILES)
        data, bits = bytearray(image.read_bytes()), known.read_bytes()[BLOCK:]
        complete = data[guest.payload:] == self.source[guest.payload:]
        place = self._places(host)
        complaints = []
        for number in range(guest.payload // BLOCK):
            start, end = number * BLOCK, (number + 1) * BLOCK
            if not complete and not bits[number // 8] >> number % 8 & 1:
                data[start:end] = self.source[start:end]
            elif data[start:end] != self.source[start:end]:
                complaints += [f"nobody has written what is at byte {at}" for at in range(start, end, SECTOR)
                               if data[at:at + SECTOR] != self.source[at:at + SECTOR]
                               and bytes(data[at:at + SECTOR]) not in self.wrote.get(place(at), ())]
        if not complete:
            fetched = subprocess.run([PRODUCTS / "vhdtool", "fetch", self.url, image, "--root-hash", self.root_hash],
                                     timeout=240, check=False, capture_output=True, text=True)
            if fetched.returncode != 0 or image.read_bytes() != data[:guest.payload] + self.source[guest.payload:]:
                complaints.append(f"vhdtool fetch does not complete it: {fetched.stderr}")
        payload = folder / "payload"
        payload.write_bytes(data[:guest.payload])
        return payload, complaints[:5]

    @staticmethod
    def _places(host):
        def place(at: int) -> int:
            for start, length in host.extents[IMAGE]:
                if at < length:
                    return (start + at) // SECTOR
                at -= length
            raise ValueError("behind the end of the file")
        return place


@pytest.mark.only_all
@pytest.mark.parametrize("fs", ["ntfs", "exfat"])
def test_cuts(folder, fs):
    if shutil.which("curl") is None:
        pytest.skip("vhdtool fetch needs curl")
    guest = tiny_guest.make(power_cut.SCRIPT, modules=MODULES)
    served = folder / "served"
    served.mkdir()
    image = Path(shutil.copy(guest.image, served / "tiny.vhd"))
    image.with_name("tiny.vhd.boot-set").write_text(run(PRODUCTS / "vhdtool", "boot-set", image), encoding="ascii")
    root_hash = run(PRODUCTS / "vhdtool", "hashes", image).strip()
    with nginx(served, folder / "nginx") as url, line(url, RATE) as slow:
        host = make_host(f"{url}/tiny.vhd", root_hash, folder, fs, source=f"{slow.url}/tiny.vhd")
        wrote: dict[int, set[bytes]] = {}
        arriving = ArrivingDisk(image.read_bytes(), f"{url}/tiny.vhd", root_hash, wrote)
        boot = power_cut.record(folder, host, guest, arriving, NETWORK)
        for entry in boot.entries:
            for at in range(0, len(entry.data), SECTOR):
                wrote.setdefault((entry.offset + at) // SECTOR, set()).add(entry.data[at:at + SECTOR])
        check = power_cut.Check(boot)
        medium = power_cut.Medium(disk.clone(boot.host.path, folder / "medium.raw"), boot.entries)
        found = []
        for cut in sorted(power_cut.choose_cuts(boot, CUTS, "ci"), key=lambda cut: cut.position):
            medium.bring_to(cut)
            found += check.complaints(cut, medium.path)
    assert found == []
    shutil.rmtree(served)
