# SPDX-License-Identifier: GPL-2.0-or-later


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="every combination of the boot tests, not a representative few")
