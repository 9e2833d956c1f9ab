# SPDX-License-Identifier: GPL-2.0-or-later
"""The power fails while a guest works: what the disk had not been told to keep may be lost, and nothing else. The host
volume is as it was, the guest's journal brings its file system in order, and what was fsynced is there; in whatever files
the guest's disk lies, others read it as we do.

One boot with a log of its writes; the cuts are worked out from that. `tests/run.sh soak` makes many more.
"""

import pytest

from tests.support import disk, power_cut
from tests.support.guest_disks import KINDS

CUTS = 12


@pytest.mark.parametrize("kind", [kind if kind == "flat" else pytest.param(kind, marks=pytest.mark.only_all) for kind in KINDS])
def test_cuts(folder, kind):
    """In pieces, so that the flushes go through a gate of their own before Linux 6.11."""
    boot = power_cut.boot(folder, "ntfs", 40, kind)
    check = power_cut.Check(boot)
    medium = power_cut.Medium(disk.clone(boot.host.path, folder / "medium.raw"), boot.entries)
    cuts = power_cut.choose_cuts(boot, CUTS, "ci")
    found = []
    for cut in sorted(cuts, key=lambda cut: cut.position):
        medium.bring_to(cut)
        found += check.complaints(cut, medium.path)
    assert found == []
