# SPDX-License-Identifier: GPL-2.0-or-later
"""An fsync in the guest costs the disk what it costs in an image of one piece, in however many its image lies."""

import pytest

from tests.bench.flush_bench import flushes

FSYNCS = 10


@pytest.mark.only_all  # how fast it is; that nothing is lost is told by power_cut_test.py
def test_flushes(folder):
    """With Debian 12's kernel, whose device-mapper sends a flush once for every piece."""
    one = flushes("debian12", "ntfs", 1, FSYNCS, folder)
    many = flushes("debian12", "ntfs", 3000, FSYNCS, folder)
    assert one > 0
    assert many <= 1.2 * one, f"{many} flushes an fsync, and {one} in an image of one piece"
