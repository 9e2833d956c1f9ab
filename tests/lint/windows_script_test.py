# SPDX-License-Identifier: GPL-2.0-or-later
"""tools/windows/vhdboot.ps1, which cannot be run here: its text, its syntax, what it uses of Windows, and its C# part.

The syntax is judged by the grammar of PowerShell for tree-sitter when that is there; it is an npm package:
npm install --prefix ~/.cache/vhdboot/npm web-tree-sitter@0.25.10 @vscode/tree-sitter-wasm@0.3.1
The C# part is compiled and run by Debian's mono-mcs and mono-runtime.
"""

import json
import os
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.lint import windows_commands as known
from tests.support import vhd

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools/windows/vhdboot.ps1"
PAGE = ROOT / "docs/windows-script.md"
NPM = Path(os.environ.get("VHDBOOT_NPM") or Path.home() / ".cache/vhdboot/npm") / "node_modules"
COMMANDS = ("check", "new", "convert", "install", "next", "snapshot", "schedule")
# https://learn.microsoft.com/powershell/scripting/developer/cmdlet/approved-verbs-for-windows-powershell-commands
APPROVED_VERBS = {"Add", "Approve", "Complete", "Convert", "Format", "Get", "Invoke", "New", "Resolve", "Stop", "Test", "Write"}
# https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_automatic_variables and ..._preference_variables
AUTOMATIC = {"_", "null", "true", "false", "PSCmdlet", "PSBoundParameters", "PSScriptRoot", "ExecutionContext", "LASTEXITCODE",
             "Matches", "WhatIfPreference", "ErrorActionPreference"}
ENVIRONMENT = {"env:SystemRoot", "env:SystemDrive", "env:PROCESSOR_ARCHITECTURE"}
CLOSES = {"(": ")", "{": "}", "[": "]"}


# --- reading PowerShell as far as is needed


@dataclass
class Text:
    code: list[str]
    """The same characters; those of comments and strings are blanks, but not the code inside of strings."""
    strings: list[str]
    """As they are written, without their quotes."""
    heres: list[str]


class Reader:
    """For a script without tricks: what it does not know it complains about."""

    def __init__(self, text: str):
        self._text, self._at = text, 0
        self.found = Text(["\n" if c == "\n" else " " for c in text], [], [])

    def fail(self, words: str, at: int):
        raise ValueError(f"line {self._text.count(chr(10), 0, at) + 1}: {words}")

    def read(self, until: str = "") -> None:
        """Up to the bracket that closes, or to the end."""
        begin = self._at
        while self._at < len(self._text):
            rest, c = self._text[self._at:self._at + 3], self._text[self._at]
            if rest[:2] in ("@'", '@"') and rest[2:] == "\n":
                self._here(rest[1])
            elif c == "'":
                self._single()
            elif c == '"':
                self._double()
            elif c == "#":
                self._at = self._text.index("\n", self._at)
            elif c == "`":
                self.fail("a backtick outside of a string", self._at)
            elif c in CLOSES:
                self._keep()
                self.read(CLOSES[c])
            elif c in CLOSES.values():
                if c != until:
                    self.fail(f"{c} closes nothing", self._at)
                self._keep()
                return
            else:
                self._keep()
        if until:
            self.fail(f"{until} is missing", begin)

    def _keep(self) -> None:
        self.found.code[self._at] = self._text[self._at]
        self._at += 1

    def _here(self, quote: str) -> None:
        if quote == '"':
            self.fail("a here-string with double quotes", self._at)
        begin = self._at + 3
        end = self._text.find("\n'@", begin)
        if end < 0:
            self.fail("the here-string does not end", self._at)
        self.found.heres.append(self._text[begin:end])
        self._at = end + 3

    def _single(self) -> None:
        match = re.compile(r"'((?:[^'\n]|'')*)'").match(self._text, self._at)
        if not match:
            self.fail("the string does not end on its line", self._at)
        self.found.strings.append(match[1].replace("''", "'"))
        self._at = match.end()

    def _double(self) -> None:
        begin = self._at
        self._at += 1
        while self._at < len(self._text):
            c = self._text[self._at]
            if c == '"':
                self.found.strings.append(self._text[begin + 1:self._at].replace('`"', '"'))
                self._at += 1
                return
            if c == "\n":
                break
            if c == "$" and self._text[self._at + 1] == "(":
                # A line of its own for what looks for statements.
                self._at += 1
                self._keep()
                self.read(")")
            elif c == "$" and (match := re.compile(r"\$(\{[\w:]+\}|(?:env:)?\w+)(:?)").match(self._text, self._at)):
                if match[2] and not match[1].startswith("{"):
                    self.fail(f"{match[0]} in a string is a variable of a scope: write ${{...}}:", self._at)
                for _ in match[0].removesuffix(":" if match[2] else ""):
                    self._keep()
            elif c == "$":
                self.fail("a $ in a string without a variable", self._at)
            else:
                self._at += 2 if c == "`" else 1
        self.fail("the string does not end on its line", begin)


@cache
def script() -> str:
    return SCRIPT.read_text("ascii")


@cache
def parsed() -> Text:
    reader = Reader(script())
    reader.read()
    return reader.found


@cache
def code() -> str:
    return "".join(parsed().code)


def arguments_of(text: str, at: int) -> str:
    """Of the command that ends at AT, what stands behind it up to the end of its statement, without what is in brackets."""
    depth, kept = 0, []
    while at < len(text):
        c = text[at]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        if depth < 0 or (depth == 0 and c in "\n|;"):
            break
        kept.append(c if depth == 0 else " ")
        at += 1
    return "".join(kept)


@cache
def calls() -> list[tuple[str, set[str]]]:
    """Of cmdlets and of functions: name and parameters."""
    found = []
    for match in re.finditer(r"(?<![\w.$\-])[A-Z][A-Za-z]*-[A-Z]\w+", code()):
        before = code()[code().rfind("\n", 0, match.start()) + 1:match.start()]
        if re.search(r"\bfunction +$", before) or re.search(r"-[A-Za-z]+ +$", before):
            continue
        found.append((match[0], set(re.findall(r"(?<=\s)-([A-Za-z]+)", arguments_of(code(), match.end())))))
    return found


@cache
def functions() -> dict[str, int]:
    """How many arguments each takes."""
    heads = re.findall(r"^function ([\w-]+)(?:\(([^)]*)\))? \{", re.sub(r"\[\]", "", code()), re.MULTILINE)
    return {name: arguments.count("$") for name, arguments in heads}


# --- the text


def test_bytes():
    """Windows PowerShell takes a file without a byte order mark for one of the machine's old code page."""
    data = SCRIPT.read_bytes()
    assert all(byte == 10 or 32 <= byte < 127 for byte in data), "ASCII, lines end with LF, no tabs"
    assert data.endswith(b"\n") and not re.search(rb"[ \t]\n", data)
    assert b"SPDX-License-Identifier: GPL-2.0-or-later" in data.splitlines()[0]
    assert b"\nSet-StrictMode -Version 3.0\n" in data and b"\n$ErrorActionPreference = 'Stop'\n" in data


def test_brackets_and_strings():
    assert parsed().strings and len(parsed().heres) == 2


@pytest.mark.parametrize("text", ["if (1 { }", "'a", '"a $(b"', "@'\nabc\n", "}", '"$x: y"', "a `\n b", '"costs $ 5"'])
def test_of_the_reader(text):
    with pytest.raises(ValueError):
        Reader(text + "\n").read()


def test_no_aliases():
    """Each statement begins with a keyword, a variable, a type, a call of a cmdlet or function, or a bracket."""
    begin = re.compile(r"(if|elseif|else|for|foreach|while|switch|try|catch|finally|function|param|return|exit|throw|break"
                       r"|continue)\b"
                       r"|[$\[(@{}&)]|[A-Z][A-Za-z]*-[A-Z]\w+|\d|-|'|$")
    wrong = [line for line, whole in zip(code().split("\n"), script().split("\n"))
             if not begin.match(line.strip()) and not whole.lstrip().startswith(("'", '"'))]
    assert not wrong
    assert not re.search(r"(?<![\w$-])(?:%|\?) *\{", code())


def test_every_function_is_called():
    assert {name.split("-")[0] for name in functions() if "-" in name} <= APPROVED_VERBS
    assert all("-" in name for name in functions())
    called = {name for name, _ in calls()}
    assert set(functions()) <= called
    assert not set(functions()) & set(known.CMDLETS)


ARGUMENT = re.compile(r"""(?:'(?:[^']|'')*'"""  # a string
                      r"""|"(?:`.|\$\((?:[^()]|\([^()]*\))*\)|[^"])*\""""  # a string with code in it
                      r"""|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"""  # what is in brackets
                      r"""|[^\s'"(])+""")


def test_arguments_of_functions():
    """By position, no commas between them, as many as they take: the strings are gone from the code, so they are put back."""
    lines = script().splitlines()
    checked = 0
    for number, line in enumerate(lines):
        for name, count in functions().items():
            match = re.match(rf"^ *(?:\$\w+ = )?{name}((?: .*)?)$", line)
            if not match or number and line.startswith("function"):
                continue
            words = ARGUMENT.findall(match[1].split(" | ")[0])
            assert len(words) == count, f"{number + 1}: {name} takes {count}: {words}"
            checked += 1
    assert checked > 60


def names_in(text: str) -> set[str]:
    return {name.strip("{}").lower() for name in re.findall(r"\$(\{[\w:]+\}|(?:script:|env:)?\w+)", text)}


def made_in(text: str) -> set[str]:
    """In parameter lists, assignments and loops."""
    made = re.findall(r"\$(\w+)(?= *(?:=(?!=)|in\b|\+\+))", text) + re.findall(r"\] *\$(\w+)(?=[,)\n =])", text)
    return {name.lower() for name in made}


def test_variables():
    """In strict mode one that was never set is an error: each is set in its function, or for all at the left margin."""
    assert {name for name in names_in(code()) if name.startswith("env:")} == {name.lower() for name in ENVIRONMENT}
    # The closing bracket of a function stands at the margin.
    bodies = re.findall(r"^function .*?^\}", code(), re.MULTILINE | re.DOTALL)
    outside = code()
    for body in bodies:
        outside = outside.replace(body, "")
    for_all = made_in(outside) | {name.lower() for name in AUTOMATIC | ENVIRONMENT}
    assert len(bodies) == len(functions())
    assert names_in(outside) <= for_all
    for body in bodies:
        used = names_in(body)
        shared = {name.removeprefix("script:") for name in used if name.startswith("script:")}
        assert shared <= for_all, body.splitlines()[0]
        assert {name for name in used if not name.startswith("script:")} <= for_all | made_in(body), body.splitlines()[0]


# --- what it uses of Windows


def test_cmdlets_and_parameters():
    used: dict[str, set[str]] = {}
    for name, parameters in calls():
        if name in functions():
            assert not parameters - {"join"}, f"{name} takes its arguments by position"
        else:
            used.setdefault(name, set()).update(parameters)
    assert used == {name: parameters for name, (parameters, _) in known.CMDLETS.items()}
    assert all(("ErrorAction" in parameters) == (name in known.TOLD_OF_ERRORS) for name, parameters in calls())


def test_static_members():
    used: dict[str, set[str]] = {}
    for name, member in re.findall(r"\[([\w.]+)\]::(\w+)", code()):
        used.setdefault(name, set()).add(member)
    public = set(re.findall(r"public static [\w\[\]]+ (\w+)\(", parsed().heres[1]))
    assert used.pop("VhdbootFile") == public - {"AddPieces", "EndOfRegions"}
    assert used == {name: members for name, (members, _) in known.STATIC.items()}


def test_types():
    """In brackets, and those that New-Object makes."""
    names = set(re.findall(r"(?<![\w)\]\"'])\[([A-Za-z][\w.]*(?:\[\])?)(?=[\](])", code()))
    names |= set(re.findall(r"-TypeName '?([\w.\[\]]+)", script()))
    assert names <= known.TYPES | set(known.STATIC)
    assert known.TYPES <= names


def test_members():
    text = re.sub(r"\[[A-Za-z][\w.]*(\[\])?\]", lambda match: "]".rjust(len(match[0])), code())
    text = re.sub(r"-TypeName [\w.]+", "", text)
    used = set(re.findall(r"(?<=[\w)\]}])\.([A-Za-z]\w*)", text))
    assert used == set().union(*(members for members, _ in known.MEMBERS.values()))


def test_wmi():
    assert set(re.findall(r"-ClassName (\w+)", code())) == set(known.WMI)
    for name, (texts, _) in known.WMI.items():
        more = "GetConversionStatus" if name == "Win32_EncryptableVolume" else name
        lines = "\n".join(line for line in script().splitlines() if name in line or more in line)
        assert all(text in lines for text in texts), name
    assert all(f"'{text}'" in script() for text in known.WMI_TEXTS)
    read = set(re.findall(r"CimInstanceProperties\['(\w+)'\]", script()))
    assert read == {name for name in known.WMI_TEXTS if name.endswith("Type")}


def task_line() -> str:
    """The words that cmd.exe is given by the task."""
    first, second = re.search(r"\$line = (.*)\n(.*)\n", script()).groups()
    return first.split("'")[1] + first.split('"')[2] + second.strip().strip("'")


def test_programs():
    used: dict[str, set[str]] = {}
    for name, words in re.findall(r"Invoke-Tool '([\w.]+)' @\(([^)]*)\)", script()):
        texts = re.findall(r"'([^']*)'", words)
        used.setdefault(name, set()).update(word for word in texts if " " not in word)
    shell, commands = task_line().split('"')[:2]
    used["cmd.exe"] = set(shell.split())
    for command in commands.split("&&"):
        name, *words = command.replace("$system\\", "").split()
        used[name].update(word for word in words if word != "$id")
    assert used == {name: words for name, (words, _) in known.PROGRAMS.items()}
    assert script().count("Invoke-Tool '") == len(re.findall(r"Invoke-Tool '([\w.]+)' @\(", script()))


def test_task_line():
    """What cmd makes of it: with /s the first and the last quote go, and nothing else may need quoting."""
    line = task_line()
    assert line.startswith('/d /s /c "') and line.endswith('""') and line.count('"') == 4
    assert not re.search(r"[%^<>|]", line) and line.count("&") == 2


def test_advice():
    text = "\n".join(parsed().strings)
    for line in known.ADVICE:
        assert line in text, line
    for name in {line.split()[0] for line in known.ADVICE}:
        for match in re.finditer(rf"(?<![\w\\]){name}(?= (?:[/-]|sparse|dirty|convert))", text):
            assert any(text.startswith(line, match.start()) for line in known.ADVICE), text[match.start():][:60]


def test_numbers():
    assert all(number in parsed().heres[1] for number in known.NUMBERS)


def test_pages_of_the_table():
    pages = [page for table in (known.CMDLETS, known.STATIC, known.MEMBERS, known.WMI, known.PROGRAMS) for _, page in table.values()]
    pages += [*known.WMI_TEXTS.values(), *known.ADVICE.values(), *known.NUMBERS.values()]
    assert all(re.fullmatch(r"https://(learn\.microsoft\.com|www\.qemu\.org)/[\w./()=-]+", page) for page in pages)


def test_nothing_is_changed_unasked():
    """In a function whatever changes something stands behind the question."""
    changes = re.compile(r"\]::(?:Copy|Move|Delete)\(|'CreateNew'|'ReadWrite', 'None'|\.SetLength\(|\.Write\(|\n *Convert-VHD |"
                         r"Register-Sched|Unregister-Sched|-MethodName Create\b|shutdown\.exe' @|'/set'|'/deletevalue'|"
                         r"\bNew-ScheduledTask")
    bodies = re.split(r"^function ", script(), flags=re.MULTILINE)[1:]
    seen = 0
    for body in bodies:
        for match in changes.finditer(body):
            before = body[:match.start()]
            assert "if (-not (Approve-Change " in before, body.splitlines()[0]
            # The question is asked on the way there, not in another branch.
            asked = before.rindex("if (-not (Approve-Change ")
            depth = 0
            for c in before[asked:]:
                depth += {"{": 1, "}": -1}.get(c, 0)
                assert depth >= 0, body.splitlines()[0]
            seen += 1
    assert seen > 15
    assert "Remove-Item" not in script() and "Set-ItemProperty" not in script() and "Set-Content" not in script()


# --- the commands and their page


def test_commands():
    table = script().split("$Takes = @{")[1].split("\n}")[0]
    assert re.findall(r"^    '(\w+)'", table, re.MULTILINE) == ["help", *COMMANDS]
    assert re.findall(r"^vhdboot\.ps1 (\w+)", parsed().heres[0], re.MULTILINE) == list(COMMANDS)
    parameters = set(re.findall(r"\] \$(\w+)(?: = [^,\n]+)?,?$", script().split("\nparam(")[1].split("\n)\n")[0], re.MULTILINE))
    listed = set(re.findall(r"'(\w+)'", script().split("foreach ($name in @(")[1].split(")")[0]))
    assert parameters == listed | {"Command"}
    assert {name for names in re.findall(r"@\((.*)\)", table) for name in re.findall(r"'(\w+)'", names)} == listed


def test_page():
    text = PAGE.read_text("utf-8")
    first = text.split("\n## ")[0]
    assert "was never run on a Windows by us" in " ".join(first.split())
    for command in COMMANDS:
        assert f"\n## {command}\n" in text
        section = text.split(f"\n## {command}\n")[1].split("\n## ")[0]
        assert re.search(rf"^powershell -ExecutionPolicy Bypass -File vhdboot\.ps1 {command}\b", section, re.MULTILINE), command


# --- judged by others


def run(*words, **more) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, check=False, **more)


TREE = """
const {Parser, Language} = require('web-tree-sitter');
const text = require('fs').readFileSync(0, 'utf8');
(async () => {
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(process.argv[1]));
  const found = {errors: [], calls: []};
  const walk = node => {
    if (node.isError || node.isMissing) found.errors.push([node.startPosition.row + 1, node.text.slice(0, 80)]);
    if (node.type === 'command') {
      const parameters = [];
      const elements = node.childForFieldName('command_elements');
      for (const child of elements ? elements.children : [])
        if (child.type === 'command_parameter') parameters.push(child.text.replace(/^-|:$/g, ''));
      const name = node.childForFieldName('command_name');
      if (name) found.calls.push([name.text, parameters]);
    }
    node.children.forEach(walk);
  };
  walk(parser.parse(text).rootNode);
  require('fs').writeSync(1, JSON.stringify(found));
  process.exit(0);
})();
"""


@cache
def tree(text: str) -> dict:
    grammar = NPM / "@vscode/tree-sitter-wasm/wasm/tree-sitter-powershell.wasm"
    if not shutil.which("node") or not grammar.is_file() or not (NPM / "web-tree-sitter").is_dir():
        pytest.skip("the grammar of PowerShell is not installed; the head of this file says how")
    done = run("node", "--liftoff-only", "-e", TREE, grammar, input=text, env={**os.environ, "NODE_PATH": str(NPM)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_syntax():
    assert tree(script())["errors"] == []
    assert tree("if ($a { }\n")["errors"] != []


def test_calls_as_the_grammar_sees_them():
    """The same as this file sees them, those inside of strings apart."""
    mine = {name: set().union(*(parameters for other, parameters in calls() if other == name)) for name, _ in calls()}
    theirs: dict[str, set[str]] = {}
    for name, parameters in tree(script())["calls"]:
        if "-" in name:
            theirs.setdefault(name, set()).update(parameters)
    assert set(theirs) <= set(mine)
    assert {name for name in mine if name in known.CMDLETS} <= set(theirs)
    assert all(parameters == mine[name] for name, parameters in theirs.items() if name in known.CMDLETS)


MAIN = """
using System;
using System.IO;
using System.Text;
static class Program
{
    static byte[] Bytes(string hex)
    {
        byte[] bytes = new byte[hex.Length / 2];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = Convert.ToByte(hex.Substring(2 * i, 2), 16);
        return bytes;
    }
    static void Main()
    {
        string line;
        while ((line = Console.ReadLine()) != null)
        {
            string[] words = line.Split(' ');
            byte[] bytes = Bytes(words[1]);
            switch (words[0])
            {
                case "footer":
                    byte[] footer = VhdbootFile.Footer(long.Parse(words[2]), bytes, uint.Parse(words[3]));
                    Console.WriteLine(BitConverter.ToString(footer).Replace("-", ""));
                    break;
                case "fault":
                    bool has = VhdbootFile.HasFooter(bytes);
                    Console.WriteLine(has ? VhdbootFile.FooterFault(bytes, long.Parse(words[2])) : "none");
                    break;
                case "foreign": Console.WriteLine(VhdbootFile.Foreign(bytes)); break;
                case "disk": Console.WriteLine(VhdbootFile.LooksLikeDisk(bytes)); break;
                case "regions": Console.WriteLine(VhdbootFile.EndOfRegions(bytes)); break;
                case "read": Console.WriteLine(VhdbootFile.Read(new MemoryStream(bytes), long.Parse(words[2]), 512).Length); break;
                case "pieces":
                    long[] totals = new long[3];
                    long end = -1;
                    long next = VhdbootFile.AddPieces(bytes, totals, ref end);
                    Console.WriteLine(next + " " + totals[0] + " " + totals[1] + " " + totals[2]);
                    break;
            }
        }
    }
}
"""


@pytest.fixture(scope="module", name="ask")
def program(tmp_path_factory):
    """The C# part, compiled as Add-Type does it: C# 5, a warning is an error."""
    if not shutil.which("mcs") or not shutil.which("mono"):
        pytest.skip("mono-mcs and mono-runtime are not installed")
    folder = tmp_path_factory.mktemp("csharp")
    (folder / "file.cs").write_text(parsed().heres[1], encoding="ascii")
    (folder / "main.cs").write_text(MAIN, encoding="ascii")
    done = run("mcs", "-langversion:5", "-warn:4", "-warnaserror", f"-out:{folder}/a.exe", folder / "file.cs", folder / "main.cs")
    assert done.returncode == 0, done.stdout + done.stderr

    with subprocess.Popen(["mono", folder / "a.exe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        def ask(*words) -> str:
            child.stdin.write(" ".join(word.hex() if isinstance(word, bytes) else str(word) for word in words) + "\n")
            child.stdin.flush()
            return child.stdout.readline().strip()

        yield ask
        child.stdin.close()
        assert child.wait(60) == 0


@pytest.mark.parametrize("size", [1 << 20, 64 << 20, 504 << 20, (1 << 30) + 512, 127 << 30, 128 << 30, 2040 << 30])
def test_footer(ask, size):
    """Byte for byte what the tests write that do not know this script."""
    assert bytes.fromhex(ask("footer", vhd.IDENTITY.bytes, size, 1700000000 - vhd.EPOCH)) == vhd.footer(size)


def test_faults_of_a_footer(ask):
    size = 64 << 20
    good = vhd.footer(size)
    assert ask("fault", good, size + 512) == ""
    assert "wrong checksum" in ask("fault", vhd.footer(size, checksum=1), size + 512)
    assert "differencing" in ask("fault", vhd.footer(size, kind=4), size + 512)
    assert "not of fixed size" in ask("fault", vhd.footer(size, kind=3), size + 512)
    assert f"names a disk of {size} bytes" in ask("fault", good, size + 1024)
    assert ask("fault", bytes(512), size) == "none"
    assert ask("fault", good[:100], size) == "none"
    saved = good[:84] + b"\1" + good[85:]
    saved = saved[:64] + struct.pack(">I", ~sum(saved[:64] + saved[68:]) & 0xFFFFFFFF) + saved[68:]
    assert "saved state" in ask("fault", saved, size + 512)


def test_formats(ask):
    vdi = b"<<< QEMU VM Virtual Disk Image >>>\n".ljust(64, b"\0") + bytes.fromhex("7f10dabe")
    heads = {b"vhdxfile": "VHDX", b"conectix": "growing VHD", b"QFI\xfb": "qcow2", b"KDMV": "VMDK",
             b"# Disk DescriptorFile": "VMDK", vdi: "VDI", b"": "", b"QFI": "", bytes(512): ""}
    for head, name in heads.items():
        assert ask("foreign", head + bytes(600)) == name
    assert ask("foreign", b"QFI") == "" and ask("foreign", b"conect") == ""


def test_what_looks_like_a_disk(ask):
    size = 66048
    assert ask("disk", bytes(size)) == "False"
    for at, magic in ((510, b"\x55\xaa"), (1080, b"\x53\xef"), (0, b"XFSB"), (65600, b"_BHRfS_M")):
        assert ask("disk", bytes(at) + magic + bytes(size - at - len(magic))) == "True"
    assert ask("disk", bytes(510) + b"\x55\xaa") == "False"


def test_pieces(ask):
    """RETRIEVAL_POINTERS_BUFFER: count, first cluster, then for each piece the cluster behind it and its place."""
    def buffer(first, *pairs):
        return struct.pack("<I4xq", len(pairs), first) + b"".join(struct.pack("<qq", *pair) for pair in pairs)

    assert ask("pieces", buffer(0, (100, 5000))) == "100 1 100 0"
    assert ask("pieces", buffer(0, (100, 5000), (150, 5100), (160, 9))) == "160 2 160 0"
    assert ask("pieces", buffer(10, (100, -1), (120, 7))) == "120 1 20 90"


def test_regions(ask):
    """FILE_REGION_OUTPUT: flags, all, those that are here, reserved; then offset, length, usage, reserved."""
    def buffer(*regions):
        return struct.pack("<4I", 0, len(regions), len(regions), 0) + b"".join(struct.pack("<qqII", *region, 0) for region in regions)

    assert ask("regions", buffer()) == "0"
    assert ask("regions", buffer((0, 4096, 1))) == "4096"
    assert ask("regions", buffer((0, 4096, 1), (4096, 512, 1))) == "4608"
    assert ask("regions", buffer((0, 4096, 1), (8192, 512, 1))) == "4096"
    assert ask("regions", buffer((0, 4096, 0))) == "0"


def test_reading_at_the_end(ask):
    assert ask("read", bytes(1000), 488) == "512" and ask("read", bytes(100), 0) == "100"
