# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/release.sh does: builds the products from the tree as git knows it, and puts into one folder what is published:
the products, their sources and licences, what was proven, and the sums of all of it. docs/release.md tells of it."""

import argparse
import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import proven, spdx
from .command import CommandError, run
from .paths import REPOSITORY

FAILED, REFUSED = 1, 3  # argparse ends with 2
OTHER_KERNEL = "linux-source-6.1"
SIGNERS = {
    "minisign": ("minisign", ".minisig", lambda key, text, out, version: [
        "minisign", "-S", "-s", key, "-m", text, "-x", out, "-t", f"vhdboot {version}"]),
    "signify": ("signify-openbsd", ".sig", lambda key, text, out, _: ["signify-openbsd", "-S", "-s", key, "-m", text, "-x", out]),
}
SUMS = "SHA256SUMS"
GIB = 1 << 30
NEEDED, NEEDED_TO_BUILD = GIB, 5 * GIB  # of which a kernel that is not in the cache takes half
BUILD_SECONDS = 7200
STOPS = (signal.SIGINT, signal.SIGTERM)
# What compilers, CMake, tar and gzip would take from the environment.
NOT_FROM_OUTSIDE = ("CC", "CXX", "CPPFLAGS", "CFLAGS", "CXXFLAGS", "LDFLAGS", "DESTDIR", "TAR_OPTIONS", "GZIP")


class Refusal(Exception):
    """Why there is no release, and what to do."""


# --- which version

@dataclass(frozen=True)
class Version:
    number: str  # of CMakeLists.txt
    suffix: str  # nothing at the commit with the tag vNUMBER

    def __str__(self) -> str:
        return self.number + self.suffix


def git(tree: Path, *words: str) -> str:
    return run("git", "-C", tree, *words).strip()


def is_dirty(tree: Path) -> bool:
    return git(tree, "status", "--porcelain") != ""


def version_of(tree: Path) -> Version:
    number = re.search(r"^project\(vhdboot VERSION (\S+)", (tree / "CMakeLists.txt").read_text(encoding="utf-8"), re.MULTILINE)[1]
    tags = [tag for tag in git(tree, "tag", "--points-at", "HEAD").split() if re.fullmatch(r"v\d+\.\d+\.\d+", tag)]
    if tags and f"v{number}" not in tags:
        raise Refusal(f"the commit has the tag {tags[0]}, but CMakeLists.txt has the version {number}")
    if tags and not re.search(rf"^## {re.escape(number)} \(\d{{4}}-\d\d-\d\d\)$",
                              (tree / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE):
        raise Refusal(f"CHANGELOG.md has no entry \"## {number} (DATE)\"")
    suffix = "" if tags else f"+g{git(tree, 'rev-parse', 'HEAD')[:10]}"
    return Version(number, suffix + ("+dirty" if is_dirty(tree) else ""))


def version_in(efi: Path) -> str:
    """What vhdboot.efi says of itself, in its section .osrel."""
    text = run("objcopy", "-O", "binary", "--only-section=.osrel", efi, "/dev/stdout")
    return re.search(r'^PRETTY_NAME="vhdboot ([^"]+)"', text, re.MULTILINE)[1]


# --- archives that are the same each time

def archive(target: Path, folder: Path, epoch: int) -> None:
    """FOLDER as a tar; compressed when the name says so. Links are followed: they stand for files elsewhere."""
    words = ["tar", "--format=gnu", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", f"--mtime=@{epoch}",
             "--mode=u+rw,go=u-w", "--dereference", *(["-I", "gzip -n -9"] if target.suffix == ".gz" else []),
             "-cf", target, "-C", folder.parent, folder.name]
    run(*words)


def copy_tree(tree: Path, target: Path) -> None:
    """The files that git knows or would add, as they are now."""
    for name in run("git", "-C", tree, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (tree / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(tree / name, target / name)


# --- the products

def end_group(group: int) -> None:
    """A build and its compilers, which are then nobody's but this process's: it has waited for all when it returns."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)


def build(tree: Path, suffix: str, kernel: str | None = None) -> Path:
    """The build folder. Another kernel in the same one compiles nothing else again."""
    chosen = f"-DVHDBOOT_KERNEL_PACKAGE={kernel}" if kernel else "-UVHDBOOT_KERNEL_PACKAGE"
    log = tree.parent / "build.log"
    for words in (["cmake", "--preset", "release", f"-DVHDBOOT_VERSION_SUFFIX={suffix}", chosen],
                  ["cmake", "--build", "--preset", "release"]):
        # Who stops this while the build starts is heard when the group has a number by which it can be ended.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        with open(log, "ab") as output, subprocess.Popen(
                words, cwd=tree, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)) as child:
            try:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
                status = child.wait(BUILD_SECONDS)
            except BaseException:
                end_group(child.pid)
                raise
        if status != 0:
            tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-30:])
            raise CommandError(f"{' '.join(words)} failed with exit status {status}:\n{tail}")
    return tree / "build/release"


def check_versions(installed: Path, version: str) -> None:
    for program in sorted((installed / "bin").iterdir()):
        said = run(program, "--version").split()[-1]
        if said != version:
            raise Refusal(f"{program.name} says that it is {said}, but vhdboot.efi {version}: build all of it anew")


# --- what it is made of

@dataclass(frozen=True)
class Part:
    """A line of sources.md, and the files of its source; none where the licence asks for none."""

    name: str
    version: str
    remark: str
    source: str
    files: tuple[Path, ...]
    upstream: Path  # what its sum is taken of


def read_list(text: str) -> list[tuple[str, str, str]]:
    """Name, version and remark of each line of a build's sources.md."""
    return [(name, version, remark) for name, version, remark in re.findall(r"^\| (\S+) \| (\S+) \| ([^|]*) \|", text, re.MULTILINE)
            if name not in ("package", "---")]


def upstream_of(folder: Path) -> tuple[tuple[Path, ...], Path]:
    files = tuple(sorted(path for path in folder.iterdir() if path.is_file()))
    return files, next(path for path in files if ".orig.tar." in path.name and path.suffix != ".asc")


def find_sources(name: str, version: str, remark: str, cache: Path, work: Path) -> list[Part]:
    folder = cache / "packages" / name / version.replace(":", "%3a")
    if name.startswith("linux-source-"):
        tar = next((folder / "files/usr/src").glob("linux-source-*.tar.xz"))
        return [Part(name, version, remark, name, (tar,), tar)]
    if name == "gcc-12-source":
        return [Part(name, version, remark, "gcc-12", (), next((folder / "files/usr/src").glob("gcc-*/gcc-*.tar.xz")))]
    if name == "gcc-12":  # the machine's own, in Debian 13 of another version than that source
        return [Part(name, version, remark, "gcc-12", (), Path(run("gcc-12", "-print-libgcc-file-name").strip()))]
    if name in ("busybox-static", "musl-dev", "gnu-efi"):
        out = work / "sources-of"
        run("cmake", f"-DCACHE={cache}", f"-DBINARY={name}", f"-DVERSION={version}", f"-DOUT={out}", "-P",
            REPOSITORY / "cmake/script/sources_of.cmake")
        first, *linked = [line.split(" ", 2) for line in out.read_text(encoding="utf-8").splitlines()]
        return [Part(title, its_version, why, source, *upstream_of(Path(place)))
                for title, its_version, why, (source, _, place) in
                [(name, version, remark, first), *[(one[0], one[1], f"linked into {name}", one) for one in linked]]]
    return [Part(name, version, remark, name, *upstream_of(folder))]


def all_parts(text: str, cache: Path, work: Path) -> list[Part]:
    parts = []
    for name, version, remark in read_list(text):
        parts += find_sources(name, version, remark, cache, work)
    unknown = [part.name for part in parts if spdx.licence_of(part.name) is None]
    if unknown or not parts:
        raise Refusal(f"sources.md names {', '.join(unknown) or 'nothing'}; tests/support/spdx.py knows no licence of that")
    return parts


def sources_page(version: str, parts: list[Part], configs: list[str]) -> str:
    lines = [f"# The sources of vhdboot {version}", "",
             f"Of what the products are made of besides vhdboot itself, which is in `vhdboot-{version}-source.tar.gz`: that also has",
             "the scripts which build all of it, and what they change in these sources (`cmake/third_party`).", "",
             "| part | version | licence | here |", "| --- | --- | --- | --- |"]
    for part in parts:
        where = f"`{part.source}/`" if part.files else "no: the GCC Runtime Library Exception asks for none"
        lines.append(f"| {part.name} | {part.version} | {spdx.licence_of(part.name).declared} | {where} |")
    lines += ["", f"The configuration of a boot kernel: {', '.join(f'`{name}`' for name in configs)}. The libraries of gcc are built from",
              "Debian's gcc-12-source; the exception lets a program that gcc compiled be passed on, with them in it, under the",
              "program's own terms."]
    return "\n".join(lines) + "\n"


def notices(part: Part) -> str:
    """What Debian's maintainers have gathered of a part: who wrote it, and under which terms."""
    debian = next((file for file in part.files if ".debian.tar." in file.name), None)
    if debian:
        return run("tar", "-xOf", debian, "debian/copyright")
    for folder in part.upstream.parents:
        page = folder / "share/doc" / part.name / "copyright"
        if page.is_file():
            return page.read_text("utf-8", "replace")
    return f"They are in {part.upstream.name}, among the sources of this release.\n"


def copyrights(version: str, parts: list[Part]) -> str:
    texts = [f"The copyright notices and licences of what is in vhdboot {version} besides its own code.\n"]
    texts += [f"{'=' * 78}\n{part.name} {part.version}\n{'=' * 78}\n\n{notices(part)}" for part in parts if part.name != "gcc-12"]
    return "\n".join(texts)


# --- the folder

def proven_page(page: str, efi: Path) -> tuple[str, str | None]:
    """The page, with a first line that says whether it is about this file; and what is wrong when it is not."""
    mine, booted = spdx.digest(efi), proven.booted(page)
    if set(booted) == {mine}:
        return f"The `vhdboot.efi` of this release is the very file that was booted.\n\n{page}", None
    if mine in booted:
        problem = f"only {booted[mine]} of the {sum(booted.values())} boots in docs/proven.md were with this vhdboot.efi"
    elif set(booted) - {proven.NOT_NOTED}:
        problem = "docs/proven.md is about another vhdboot.efi than this one"
    else:
        problem = "docs/proven.md does not say which vhdboot.efi was booted"
    return f"**Take care: {problem.replace('docs/proven.md', 'this page')}** (SHA-256 {mine}).\n\n{page}", problem


def write_sums(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    (folder / SUMS).write_text("".join(f"{spdx.digest(folder / name)}  {name}\n" for name in names), encoding="utf-8")


def sign(folder: Path, key: Path, signer: str, version: str) -> None:
    _, ending, words = SIGNERS[signer]
    command = [str(word) for word in words(key, folder / SUMS, folder / (SUMS + ending), version)]
    # The key's password is asked for, by the program itself.
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        raise CommandError(f"{command[0]} could not sign with {key}")


class Release:
    def __init__(self, args: argparse.Namespace, version: Version, work: Path, epoch: int):
        self._args, self._work, self._epoch = args, work, epoch
        self._version = version
        self.name = str(version)
        self.folder = work / "release"
        self._tree = work / f"vhdboot-{version}-source"

    def say(self, text: str) -> None:
        print(text, flush=True)

    def make(self) -> None:
        self.folder.mkdir()
        copy_tree(REPOSITORY, self._tree)
        source = self.folder / f"{self._tree.name}.tar.gz"
        archive(source, self._tree, self._epoch)
        configs, listed = {}, ""
        if not self._args.without_6_1:
            self.say(f"building vhdboot {self.name} with the 6.1 kernel")
            made = build(self._tree, self._version.suffix, OTHER_KERNEL)
            shutil.copyfile(made / "out/vhdboot.efi", self.folder / "vhdboot-6.1.efi")
            configs["linux-6.1.config"] = shutil.copy(made / "kernel/config", self._work / "linux-6.1.config")
            listed = (made / "out/sources.md").read_text(encoding="utf-8")
        made = self._args.products
        if made is None:
            self.say(f"building vhdboot {self.name}")
            made = build(self._tree, self._version.suffix)
        shutil.copyfile(made / "out/vhdboot.efi", self.folder / "vhdboot.efi")
        self._add_tools(made)
        self._add_pages(made)
        configs["linux.config"] = made / "kernel/config"
        self._add_list(made, listed)
        self._add_parts(source, made, configs)
        write_sums(self.folder)
        if self._args.sign:
            sign(self.folder, self._args.sign, self._args.signer, self.name)
        else:
            self.say(f"take care: {SUMS} is not signed (--sign KEY)")

    def _add_tools(self, made: Path) -> None:
        installed = self._work / f"vhdboot-{self.name}"
        run("cmake", "--install", made, "--prefix", installed)
        shutil.rmtree(installed / "share/vhdboot")  # the EFI file, which stands beside it
        check_versions(installed, self.name.removesuffix("+dirty") if self._args.products else self.name)
        archive(self.folder / f"vhdboot-{self.name}-tools-x86_64.tar.gz", installed, self._epoch)
        package = self._work / "package"
        run("cpack", "--config", made / "CPackConfig.cmake", "-B", package, "-D",
            f"CPACK_PACKAGE_VERSION={self.name}", env={"SOURCE_DATE_EPOCH": str(self._epoch)})
        shutil.copyfile(next(package.glob("*.deb")), self.folder / f"vhdboot_{self.name}_amd64.deb")

    def _add_pages(self, made: Path) -> None:
        for path in (self._tree / "LICENSE", self._tree / "CHANGELOG.md", self._tree / "docs/licences.md",
                     self._tree / "tools/windows/vhdboot.ps1"):
            shutil.copyfile(path, self.folder / path.name)
        page, problem = proven_page((self._tree / "docs/proven.md").read_text(encoding="utf-8"), made / "out/vhdboot.efi")
        if problem and self._args.require_proven:
            raise Refusal(f"{problem}: run `tests/run.sh boot --all` and `/usr/bin/python3 -m tests.support proven` on this version")
        if problem:
            self.say(f"take care: {problem}")
        if not self._args.without_6_1:
            page = f"What is said here is about `vhdboot.efi`; `vhdboot-6.1.efi` is the same with another kernel.\n\n{page}"
        (self.folder / "proven.md").write_text(page, encoding="utf-8")

    def _add_list(self, made: Path, other: str) -> None:
        """sources.md, with the other kernel's line behind the kernel's."""
        text = (made / "out/sources.md").read_text(encoding="utf-8")
        kernel = next((line for line in other.splitlines() if line.startswith(f"| {OTHER_KERNEL} |")), None)
        if kernel:
            text = re.sub(r"^(\| linux-source-.*)$", rf"\1\n{kernel}", text, count=1, flags=re.MULTILINE)
        (self.folder / "sources.md").write_text(text, encoding="utf-8")

    def _add_parts(self, source: Path, made: Path, configs: dict[str, Path]) -> None:
        cache = re.search(r"^VHDBOOT_CACHE:PATH=(.*)$", (made / "CMakeCache.txt").read_text(encoding="utf-8"), re.MULTILINE)[1]
        text = (self.folder / "sources.md").read_text(encoding="utf-8")
        if "| Linux | a source tree of your own |" in text:
            raise Refusal("the boot kernel is from a source tree of your own: take a kernel of Debian's, whose source is known")
        parts = all_parts(text, Path(cache), self._work)
        sources = self._work / f"vhdboot-{self.name}-third-party-sources"
        for part in parts:
            for file in part.files:
                (sources / part.source).mkdir(parents=True, exist_ok=True)
                link = sources / part.source / file.name
                if not link.exists():
                    link.symlink_to(file)
        for name, path in configs.items():
            (sources / name).symlink_to(path)
        (sources / "README.md").write_text(sources_page(self.name, parts, sorted(configs)), encoding="utf-8")
        archive(self.folder / f"{sources.name}.tar", sources, self._epoch)
        (self.folder / "copyrights.txt").write_text(copyrights(self.name, parts), encoding="utf-8")

        products = [path for path in sorted(self.folder.iterdir())
                    if path.suffix in (".efi", ".deb") or "-tools-" in path.name]
        (self.folder / f"vhdboot-{self.name}.spdx.json").write_text(
            spdx.document(self.name, self._epoch, source, products, [self._component(part, products) for part in parts]),
            encoding="utf-8")

    def _component(self, part: Part, products: list[Path]) -> spdx.Component:
        def has(name: str) -> bool:
            if part.name.startswith("linux-source-"):
                return (part.name == OTHER_KERNEL) == ("-6.1.efi" in name) and "-tools-" not in name
            return "-tools-" not in name or spdx.TOOLS in spdx.licence_of(part.name).products

        return spdx.Component(part.name, part.version, any(path.suffix == ".dsc" for path in part.files) and part.name == part.source,
                              part.upstream,
                              tuple(path.name for path in products if has(path.name)), part.remark)


# --- the command line

def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/release.sh", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Makes a folder that can be published as a release of vhdboot; docs/release.md tells what is in it.\n"
                    "It is built in a temporary folder beside that one, which takes its name when all of it is there.",
        epilog="VHDBOOT_PRODUCTS=FOLDER takes the products in that folder (build/release/out) instead of building them; their\n"
               "version is then the release's. Exit status: 0 done, 1 failed, 2 wrong command line, 3 refused.")
    parser.add_argument("--output", type=Path, metavar="DIR", help="the folder (default: build/release-VERSION)")
    parser.add_argument("--without-6.1", dest="without_6_1", action="store_true", help="no vhdboot-6.1.efi")
    parser.add_argument("--sign", type=Path, metavar="KEY", help=f"sign {SUMS} with this secret key")
    parser.add_argument("--signer", choices=tuple(SIGNERS), default="minisign", help="the program that signs (default: %(default)s)")
    parser.add_argument("--require-proven", action="store_true",
                        help="refuse when docs/proven.md is about another vhdboot.efi than this one")
    args = parser.parse_args(words)
    if args.sign and not args.sign.is_file():
        parser.error(f"there is no key {args.sign}")
    args.sign = args.sign and args.sign.resolve()
    out = os.environ.get("VHDBOOT_PRODUCTS")
    args.products = Path(out).resolve().parent if out else None
    return args


def check_beforehand(args: argparse.Namespace, output: Path) -> None:
    """All that can be known before anything is built."""
    if args.sign and not shutil.which(SIGNERS[args.signer][0]):
        raise Refusal(f"{SIGNERS[args.signer][0]} is not installed")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise Refusal(f"{output} is there and not empty: remove it, or name another folder with --output")
    needed = NEEDED if args.products and args.without_6_1 else NEEDED_TO_BUILD
    free = shutil.disk_usage(output.parent).free
    if free < needed:
        raise Refusal(f"{output.parent} has {free / GIB:.1f} GiB free, and {needed / GIB:.0f} GiB are needed")


def version_to_release(args: argparse.Namespace) -> Version:
    version = version_of(REPOSITORY)
    if not args.products:
        return version
    if not (args.products / "CPackConfig.cmake").is_file() or not (args.products / "out/vhdboot.efi").is_file():
        raise Refusal(f"VHDBOOT_PRODUCTS: {args.products}/out is not that of a product build (cmake --build --preset release)")
    said = version_in(args.products / "out/vhdboot.efi")
    if not said.startswith(version.number):
        raise Refusal(f"vhdboot.efi in {args.products} says that it is {said}, and this tree is {version.number}: build it anew")
    dirty = "+dirty" if is_dirty(REPOSITORY) and not said.endswith("+dirty") else ""
    return Version(version.number, said.removeprefix(version.number) + dirty)


def make(args: argparse.Namespace) -> Path:
    version = version_to_release(args)
    output = (args.output or REPOSITORY / f"build/release-{version}").absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    check_beforehand(args, output)
    if is_dirty(REPOSITORY):
        print(f"take care: files have changed since the last commit, so the version is {version}", flush=True)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or git(REPOSITORY, "log", "-1", "--format=%ct"))
    with tempfile.TemporaryDirectory(prefix=".release.", dir=output.parent) as work:
        release = Release(args, version, Path(work), epoch)
        release.make()
        release.folder.rename(output)
    return output


def main(words: list[str]) -> int:
    args = parse(words)
    os.umask(0o022)
    for name in NOT_FROM_OUTSIDE:
        os.environ.pop(name, None)
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER, for end_group()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        print(make(args))
        return 0
    except Refusal as error:
        status, text = REFUSED, str(error)
    except (CommandError, OSError, subprocess.TimeoutExpired) as error:
        status, text = FAILED, str(error)
    except KeyboardInterrupt:
        status, text = 128 + signal.SIGINT, "stopped; nothing is left"
    with contextlib.suppress(BrokenPipeError):
        print(f"tests/release.sh: {text}", file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
