# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages for people, and the examples in them.

An example is a fenced block. What stands behind its language says what becomes of it: "```sh run" is run by
tests/integration, "```sh run in QEMU" by tests/boot, "```sh not run: REASON" by nobody. Every other language has a
check of its own.

In a manual it is a group of `.Dl` lines, or what is between `.Bd` and `.Ed`, and the line above it says the same:
`.\\" sh run`. The prompts, "$ " and "# ", are no part of it."""

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .paths import REPOSITORY

RUN, IN_QEMU, NOT_RUN = "run", "run in QEMU", "not run: "
FENCE = re.compile(r"^( *)```(\S*) ?(.*)$")
LINK = re.compile(r"\[[^\]\[]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`[^`]*`")
ROFF = {r"\(dq": '"', r"\(aq": "'", r"\-": "-", r"\&": "", r"\e": "\\"}


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    """Of its fence."""
    language: str
    note: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """`prose` has the same lines, those of blocks empty."""

    name: str
    prose: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def folder(self) -> Path:
        return (REPOSITORY / self.name).parent

    def headings(self) -> list[str]:
        return [line.lstrip("#").strip() for line in self.prose if line.startswith("#")]

    def anchors(self) -> set[str]:
        return {anchor(heading) for heading in self.headings()}

    def links(self) -> list[tuple[int, str]]:
        """Line and target."""
        return [(number, target) for number, line in enumerate(self.prose, 1)
                for target in LINK.findall(CODE.sub("`", line))]


def anchor(heading: str) -> str:
    """As GitHub makes it: lower case, blanks to hyphens, and only letters, digits, hyphens and underscores."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def parse(name: str, text: str) -> Page:
    prose, blocks = [], []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        fence = FENCE.match(lines[number])
        if not fence:
            prose.append(lines[number])
            number += 1
            continue
        begin = number
        number += 1
        while number < len(lines) and lines[number].strip() != "```":
            number += 1
        if number == len(lines):
            raise ValueError(f"{name}:{begin + 1}: the block is not closed")
        number += 1
        inside = textwrap.dedent("\n".join(lines[begin + 1:number - 1])) + "\n"
        blocks.append(Block(name, begin + 1, fence[2], fence[3], inside))
        prose += [""] * (number - begin)
    return Page(name, tuple(prose), tuple(blocks))


def roff_text(line: str) -> str:
    return re.sub(r"\\\(..|\\.", lambda found: ROFF[found[0]], line)


def parse_manual(name: str, text: str) -> Page:
    """Only its examples; one without a mark has no language."""
    blocks, lines = [], text.splitlines()
    number = 0
    while number < len(lines):
        begin = number
        if lines[number].startswith(".Bd -literal"):
            while lines[number] != ".Ed":
                number += 1
            inside = lines[begin + 1:number]
        elif lines[number].startswith(".Dl "):
            while number + 1 < len(lines) and lines[number + 1].startswith(".Dl "):
                number += 1
            inside = [line.removeprefix(".Dl ").removeprefix("$ ").removeprefix("# ") for line in lines[begin:number + 1]]
        else:
            number += 1
            continue
        number += 1
        above = lines[begin - 1]
        language, _, note = above[3:].strip().partition(" ") if above.startswith('.\\"') else ("", "", "")
        blocks.append(Block(name, begin + 1, language, note, "".join(f"{roff_text(line)}\n" for line in inside)))
    return Page(name, (), tuple(blocks))


@cache
def manuals() -> dict[str, Page]:
    files = [file for folder in ("docs", "tools") for file in sorted((REPOSITORY / folder).rglob("*.[1-8]"))]
    names = [file.relative_to(REPOSITORY).as_posix() for file in files]
    return {name: parse_manual(name, file.read_text("utf-8")) for name, file in zip(names, files)}


@cache
def pages() -> dict[str, Page]:
    files = [*sorted(REPOSITORY.glob("*.md")), *sorted(REPOSITORY.glob("docs/*.md"))]
    names = [file.relative_to(REPOSITORY).as_posix() for file in files]
    return {name: parse(name, file.read_text("utf-8")) for name, file in zip(names, files)}


def blocks(language: str, note: str | None = None) -> list[Block]:
    """Those of all pages and manuals in that language, all or those with exactly that note."""
    return [block for page in [*pages().values(), *manuals().values()] for block in page.blocks
            if block.language == language and note in (None, block.note)]
