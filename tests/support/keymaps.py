# SPDX-License-Identifier: GPL-2.0-or-later
"""The keyboard layouts of the boot kernel, from those of X: prints fs-skeleton/keymaps.

    /usr/bin/python3 -m tests.support.keymaps > fs-skeleton/keymaps

ckbcomp (package console-setup) says what each key of a layout gives. Only what differs from the US layout is kept:
what a key gives alone, with Shift, with AltGr, and with both.
"""

import re
import shutil
import subprocess
import sys

# Ours -> layout and variant of X.
LAYOUTS = {
    "al": "al", "at": "at", "ba": "ba", "be": "be", "br": "br", "ca": "ca", "ch": "ch", "ch-fr": "ch fr", "cz": "cz",
    "cz-qwerty": "cz qwerty", "de": "de", "dk": "dk", "ee": "ee", "es": "es", "fi": "fi classic", "fr": "fr",
    "gb": "gb", "hr": "hr", "hu": "hu", "ie": "ie", "is": "is", "it": "it", "jp": "jp", "latam": "latam", "lt": "lt",
    "lv": "lv", "me": "me", "mt": "mt", "nl": "nl", "no": "no", "pl": "pl", "pt": "pt", "ro": "ro", "rs-latin": "rs latin",
    "se": "se", "si": "si", "sk": "sk", "sk-qwerty": "sk qwerty", "tr": "tr", "tr-f": "tr f", "us": "us",
    "us-colemak": "us colemak", "us-dvorak": "us dvorak", "us-intl": "us intl",
}
TABLES = (0, 1, 2, 3)  # alone, with Shift, with AltGr, with both; as <linux/keyboard.h> adds its bits
# The keys that give characters, by their codes in <linux/input-event-codes.h>.
KEYS = (*range(2, 14), *range(16, 28), *range(30, 42), *range(43, 54), 86, 89, 124)
DEAD = {"dead_grave": "`", "dead_acute": "'", "dead_circumflex": "^", "dead_tilde": "~", "dead_diaeresis": '"'}
HEADER = """\
# SPDX-License-Identifier: MIT
# Keyboard layouts of the menu and the shell of the boot kernel, from X's xkeyboard-config; made by
# tests/support/keymaps.py. After "layout NAME" a line for each key that differs from the layout us: its code, and what
# it gives alone, with Shift, with AltGr, with both; "none" and what is not said: nothing. us has all keys.
"""


def character(word: str) -> str:
    """What a word of ckbcomp gives: a character, or "none"."""
    word = word.lstrip("+")
    if match := re.fullmatch(r"U\+([0-9a-fA-F]{4,5})", word):
        text = chr(int(match[1], 16))
        return text if text.isprintable() and not text.isspace() and len(text.encode("utf-16-le")) == 2 else "none"
    return DEAD.get(word, "none")


def keys_of(layout: str) -> dict[int, list[str]]:
    name, *variant = layout.split()
    words = ["ckbcomp", "-layout", name, *(["-variant", *variant] if variant else [])]
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    keys = {}
    for code, values in re.findall(r"^keycode\s+(\d+)\s*=\s*(.*)$", text, re.MULTILINE):
        given = values.split()
        if int(code) in KEYS:
            values = [character(given[table]) if table < len(given) else "none" for table in TABLES]
            # Of what AltGr gives only what options and paths are made of.
            keys[int(code)] = values[:2] + [value if value.isascii() else "none" for value in values[2:]]
            if keys[int(code)][2:] == values[:2]:
                del keys[int(code)][2:]
            while keys[int(code)][-1] == "none" and len(keys[int(code)]) > 1:
                keys[int(code)].pop()
    return keys


def missing(keys: dict[int, list[str]], us: dict[int, list[str]]) -> str:
    given = {value for key in {**us, **keys}.values() for value in key}
    return "".join(chr(code) for code in range(33, 127) if chr(code) not in given)


def main() -> None:
    if shutil.which("ckbcomp") is None:
        sys.exit("ckbcomp is not installed: apt install console-setup")
    us = keys_of("us")
    print(HEADER, end="")
    for name, layout in LAYOUTS.items():
        keys = keys_of(layout)
        if lost := missing(keys, us):
            print(f"{name}: no key for {lost}", file=sys.stderr)
        print(f"\nlayout {name}")
        for code, values in sorted(keys.items()):
            if name == "us" or us.get(code) != values:
                print(code, *values)


if __name__ == "__main__":
    main()
