# SPDX-License-Identifier: GPL-2.0-or-later
"""A root shell in a guest, over its serial console."""

import itertools
import re

from .qemu import Machine

KERNEL_MESSAGES = r"(?:\[ *\d+\.\d+\] [^\n]*\n)*"


def through_kernel_messages(text: str) -> str:
    """A pattern for what a program writes on the console: the kernel breaks into it with lines of its own."""
    return KERNEL_MESSAGES.join(re.escape(letter) for letter in text)


LOGIN = rf"^\S*{KERNEL_MESSAGES}" + through_kernel_messages(" login: ")
PROMPT = through_kernel_messages("root@") + rf"\S*?{KERNEL_MESSAGES}\S*?" + through_kernel_messages(":~# ")
# On a machine that is much too busy systemd waits 90 seconds for the serial line, and no prompt comes.
NO_GETTY = r"Dependency failed for (?:\S+ - Serial Getty|serial-getty).*|Timed out waiting for device[^/]*/dev/ttyS0"
TROUBLE = r"vhdboot\[\w+\]: error: .*\n|Kernel panic.*|Entering emergency mode.*|You are in emergency mode.*|ALERT! .*"


class GuestShell:
    def __init__(self, machine: Machine):
        self._machine = machine
        self._numbers = itertools.count(1)

    def log_in(self, seconds: float) -> None:
        """Waits for the login prompt; the guests' root has no password."""
        machine = self._machine
        machine.expect(LOGIN, seconds, failing=f"{TROUBLE}|{NO_GETTY}")
        machine.send("root\n")
        machine.expect(PROMPT, 120)
        # No kernel messages in between, and no line that the terminal breaks.
        machine.send("dmesg -n 1; stty cols 500\n")

    def run(self, command: str, seconds: float = 60) -> tuple[int, str]:
        """The exit status of a command and what it printed."""
        mark = f"mark{next(self._numbers)}"
        # The quotes keep the echo of the typed line from looking like the answer.
        self._machine.send(f"echo '{mark}'\"begin\"; {command}; echo '{mark}'\"end=$?\"\n")
        self._machine.expect(f"{mark}begin\n", seconds)
        found = self._machine.expect(rf"(?s:(.*?)){mark}end=(\d+)", seconds)
        return int(found[2]), found[1].strip()

    def check(self, command: str, seconds: float = 60) -> str:
        status, text = self.run(command, seconds)
        assert status == 0, f"{command}: exit status {status}: {text}"
        return text
