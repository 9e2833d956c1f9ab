# SPDX-License-Identifier: GPL-2.0-or-later
"""The prompts that the boot tests wait for, as a serial console shows them."""

import re

import pytest

from tests.support.shell import LOGIN, PROMPT

MESSAGE = "[   77.282927] iTCO_wdt iTCO_wdt.1.auto: Found a ICH9 TCO device (Version=2, TCOBASE=0x0660)\n"


@pytest.mark.parametrize("pattern, prompt", [(LOGIN, "debian13-dracut login: "), (PROMPT, "root@debian13-dracut:~# ")],
                         ids=["login", "shell"])
def test_the_kernel_breaks_into_a_prompt(pattern, prompt):
    for text in (prompt, *(prompt[:cut] + MESSAGE * count + prompt[cut:] for cut in range(len(prompt)) for count in (1, 2))):
        found = re.search(pattern, f"Debian GNU/Linux 13 ttyS0\n\n{text}{MESSAGE}", re.MULTILINE)
        assert found and found.end() == len(f"Debian GNU/Linux 13 ttyS0\n\n{text}"), text


@pytest.mark.parametrize("text", [
    f"debian13-dracut{MESSAGE}",
    f"debian13-dracut{MESSAGE} logi",
    "[   12.000000] systemd[1]: Starting systemd-user-login: x\n",
    "systemd[1]: Reached target login: done\n",
])
def test_what_is_no_prompt(text):
    for pattern in (LOGIN, PROMPT):
        assert re.search(pattern, text, re.MULTILINE) is None
