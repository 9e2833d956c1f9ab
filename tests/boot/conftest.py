# SPDX-License-Identifier: GPL-2.0-or-later
import shutil

import pytest

from tests.support.paths import TEST_OUTPUT


@pytest.fixture(name="folder")
def make_folder(request):
    """A folder of its own for a test: disks go with it, what the machine said stays."""
    name = request.node.name.replace("[", "-").rstrip("]")
    path = TEST_OUTPUT / request.path.stem.removesuffix("_test") / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    yield path
    for file in (*path.glob("*.raw"), *path.glob("*.vhd"), *path.glob("writes")):
        file.unlink()
