# SPDX-License-Identifier: GPL-2.0-or-later
"""cmake/script/kernel.cmake with a make-believe kernel tree: what is checked, what is cached, what an interruption leaves."""

import shutil
import subprocess

import pytest

from tests.support.paths import REPOSITORY

# Counts how often it is compiled, and forgets CONFIG_LOST as olddefconfig does with an unmet dependency.
MAKEFILE = """
allnoconfig:
\techo 'CONFIG_BASE=y' > $(O)/.config
olddefconfig:
\tsed -i /CONFIG_LOST/d $(O)/.config
bzImage:
\techo compiled >> $(COUNTER)
\ttest ! -e $(COUNTER).fail
\tmkdir -p $(O)/arch/x86/boot
\tcat $(O)/.config > $(O)/arch/x86/boot/bzImage
"""


class Kernel:
    def __init__(self, folder):
        self.folder = folder
        self.counter = folder / "counter"
        self.tree = folder / "tree"
        (self.tree / "usr").mkdir(parents=True)
        (self.tree / "usr/gen_init_cpio.c").write_text("int main(void) { return 0; }\n")
        (self.tree / "Kbuild").touch()
        (self.tree / "Makefile").write_text(MAKEFILE.replace("$(COUNTER)", str(self.counter)))
        self.kconfig = folder / "kconfig"
        self.kconfig.mkdir()
        self.fragment("CONFIG_WANTED=y")
        self.required("BASE", "WANTED")

    def fragment(self, *lines):
        (self.kconfig / "a.config").write_text("# a remark\n" + "".join(f"{line}\n" for line in lines))

    def required(self, *symbols):
        (self.kconfig / "required.list").write_text("# a remark\n" + "".join(f"{symbol}\n" for symbol in symbols))

    def build(self, work="work"):
        words = [f"-DCACHE={self.folder}/cache", f"-DSOURCE={self.tree}", f"-DKCONFIG={self.kconfig}",
                 f"-DWORK={self.folder / work}", f"-DOUT={self.folder / work}-out", "-DJOBS=1", "-DCC=gcc-12"]
        done = subprocess.run(["cmake", *words, "-P", REPOSITORY / "cmake/script/kernel.cmake"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, encoding="utf-8", timeout=60)
        return done.returncode == 0, done.stdout

    def compiled(self):
        return len(self.counter.read_text().splitlines()) if self.counter.exists() else 0


@pytest.fixture(name="kernel")
def make_kernel(tmp_path):
    if shutil.which("gcc-12") is None:
        pytest.skip("gcc-12 is not installed")
    return Kernel(tmp_path)


def test_second_build_tree_does_not_compile(kernel):
    assert kernel.build("first")[0]
    assert kernel.compiled() == 1
    assert kernel.build("second")[0]
    assert kernel.compiled() == 1
    assert "CONFIG_WANTED=y" in (kernel.folder / "second-out/bzImage").read_text()


def test_other_wishes_or_another_source_compile_again(kernel):
    assert kernel.build()[0]
    kernel.fragment("CONFIG_WANTED=y", "# CONFIG_OTHER is not set")
    assert kernel.build()[0]
    assert kernel.compiled() == 2
    (kernel.tree / "new.c").write_text("int x;\n")
    assert kernel.build()[0]
    assert kernel.compiled() == 3


def test_a_remark_does_not_compile_again(kernel):
    assert kernel.build()[0]
    path = kernel.kconfig / "a.config"
    path.write_text("# another remark\n\n" + path.read_text())
    assert kernel.build()[0]
    assert kernel.compiled() == 1


def test_required_symbols_that_did_not_stick_stop_the_build_by_name(kernel):
    kernel.fragment("CONFIG_WANTED=y", "CONFIG_LOST=y", "CONFIG_LOST_TOO=y")
    kernel.required("BASE", "LOST", "WANTED", "LOST_TOO")
    fine, said = kernel.build()
    assert not fine
    assert "are not set: LOST LOST_TOO" in " ".join(said.split())
    assert kernel.compiled() == 0


def test_the_list_is_checked_for_a_cached_kernel_too(kernel):
    assert kernel.build()[0]
    kernel.required("BASE", "NEW")
    fine, said = kernel.build("second")
    assert not fine and "are not set: NEW" in " ".join(said.split())


def test_other_wishes_that_did_not_stick_are_only_reported(kernel):
    kernel.fragment("CONFIG_WANTED=y", "CONFIG_LOST=y")
    fine, said = kernel.build()
    assert fine and "CONFIG_LOST=y" in said


def test_a_build_that_fails_leaves_nothing_in_the_cache(kernel):
    failing = kernel.folder / "counter.fail"
    failing.touch()
    fine, said = kernel.build()
    assert not fine and "The whole log:" in said
    assert not list((kernel.folder / "cache/kernel").iterdir())
    failing.unlink()
    assert kernel.build()[0]
    assert kernel.compiled() == 2
