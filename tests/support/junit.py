# SPDX-License-Identifier: GPL-2.0-or-later
"""Test results as JUnit XML, which GoogleTest, ctest and pytest write: counted, and written for what has no such tool."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Case:
    """`problem` None: passed."""

    suite: str
    name: str
    seconds: float
    problem: str | None = None
    skipped: bool = False


def write(path: Path, cases: Iterable[Case]) -> None:
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite")
    for case in cases:
        element = ElementTree.SubElement(suite, "testcase", classname=case.suite, name=case.name,
                                         time=f"{case.seconds:.3f}")
        if case.problem is not None:
            # XML 1.0 has no place for control characters.
            clean = "".join(char if char in "\n\t" or char >= " " else "?" for char in case.problem)
            what = ElementTree.SubElement(element, "skipped" if case.skipped else "failure", message=clean[:200])
            what.text = clean
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def count(path: Path) -> tuple[Counts, list[str]]:
    """How many test cases passed, failed and were skipped in a file, and the names of those that failed. A file cut short
    (its writer died, the disk is full) counts as a failure."""
    totals, failed = Counts(), []
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        return Counts(failed=1), [f"{path}: the results are cut short: {error}"]
    for case in root.iter("testcase"):
        tags = {child.tag for child in case}
        # GoogleTest and ctest say it in an attribute.
        status = case.get("status", ""), case.get("result", "")
        if tags & {"failure", "error"} or "fail" in status:
            totals += Counts(failed=1)
            failed.append(f"{case.get('classname', '')}.{case.get('name', '')}".strip("."))
        elif "skipped" in tags or set(status) & {"notrun", "skipped", "suppressed", "disabled"}:
            totals += Counts(skipped=1)
        else:
            totals += Counts(passed=1)
    return totals, failed
