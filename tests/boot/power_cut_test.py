# SPDX-License-Identifier: GPL-2.0-or-later
"""The power fails while a guest works: what the disk had not been told to keep may be lost, and nothing else. The host
volume is as it was, the guest's journal brings its file system in order, and what was fsynced is there.

One boot with a log of its writes; the cuts are worked out from that. `tests/run.sh soak` makes many more.
"""

from tests.support import disk, power_cut

CUTS = 12


def test_cuts(folder):
    """In pieces, so that the flushes go through a gate of their own before Linux 6.11."""
    boot = power_cut.boot(folder, "ntfs", 40)
    check = power_cut.Check(boot)
    medium = power_cut.Medium(disk.clone(boot.host.path, folder / "medium.raw"), boot.entries)
    cuts = power_cut.choose_cuts(boot, CUTS, "ci")
    found = []
    for cut in sorted(cuts, key=lambda cut: cut.position):
        medium.bring_to(cut)
        found += check.complaints(cut, medium.path)
    assert found == []
