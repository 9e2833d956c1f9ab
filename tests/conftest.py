# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests marked `only_all` are run with --all alone: their kind has a representative that always runs."""


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="every combination of the boot tests, not a representative few")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--all"):
        return
    left_out = [item for item in items if item.get_closest_marker("only_all")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
