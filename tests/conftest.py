# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests marked `only_all` are run with --all alone: their kind has a representative that always runs. Those that have
passed are written down, so that a run of hours can be stopped and gone on with. And what they wrote goes: together the
tests write more than many a machine has room for."""

import shutil
from pathlib import Path

import pytest

ALL_PASSED = "all_passed"
NOTE = pytest.StashKey[bool]()  # nothing is left to run, as it has passed before
FAILED = pytest.StashKey[bool]()  # what the test wrote is kept


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="every combination of the boot tests, not a representative few")
    parser.addoption("--passed", metavar="FILE", help="leave out the tests named there, and add those that pass")


def pytest_configure(config):
    path = config.getoption("--passed")
    if path and not hasattr(config, "workerinput"):  # those of pytest-xdist report to this one
        config.pluginmanager.register(Passed(Path(path)))


class Passed:
    """Writes down each test once all of it has passed, its end too."""

    def __init__(self, path: Path):
        self._path = path
        self._called = set()

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self._called.add(report.nodeid)
        if report.when == "teardown" and report.passed and report.nodeid in self._called:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(f"{report.nodeid}\n")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        # Only the processes of pytest-xdist know which tests there are.
        note_all_passed(node.config, getattr(node, "workeroutput", {}).get(ALL_PASSED, False))

    def pytest_sessionfinish(self, session, exitstatus):
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.stash.get(NOTE, False):
            session.exitstatus = pytest.ExitCode.OK


def note_all_passed(config, is_so):
    config.stash[NOTE] = is_so
    if hasattr(config, "workeroutput"):
        config.workeroutput[ALL_PASSED] = is_so


@pytest.hookimpl(trylast=True)  # when -k has chosen
def pytest_collection_modifyitems(config, items):
    path = config.getoption("--passed")
    passed = set(Path(path).read_text(encoding="utf-8").splitlines()) if path and Path(path).exists() else set()
    every = config.getoption("--all")
    left_out = [item for item in items
                if item.nodeid in passed or (not every and item.get_closest_marker("only_all"))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    note_all_passed(config, not items and any(item.nodeid in passed for item in left_out))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        item.stash[FAILED] = True
    if call.when == "teardown" and "tmp_path" in (item.funcargs or {}) and not item.stash.get(FAILED, False):
        shutil.rmtree(item.funcargs["tmp_path"], ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def remove_shared_folders(request, tmp_path_factory):
    yield
    if not request.session.testsfailed:
        shutil.rmtree(tmp_path_factory.getbasetemp(), ignore_errors=True)
