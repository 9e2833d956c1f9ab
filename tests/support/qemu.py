# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine under QEMU: UEFI firmware, disks on several buses, a serial console one can wait on, a control channel.

Everything waits for events with a deadline. QEMU never outlives the Machine, nor this process.
"""

import codecs
import contextlib
import functools
import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .command import die_with_parent
from .png import png_from_ppm

QEMU = "qemu-system-x86_64"
OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
OVMF_VARS = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
BUSES = ("virtio", "nvme", "ahci", "usb", "uas")

# What a terminal obeys and a reader does not see: CSI and OSC sequences, other escapes, and the returns.
ESCAPES = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-Z]|\x1b[=>78cDEHM]|\r|\0")
INCOMPLETE = re.compile(r"\x1b(?:\[[0-9;?=]*|\][^\x07\x1b]*|[()])?$")


class MachineError(AssertionError):
    """The machine did not do what was waited for; the text ends with the last lines of its console."""


@dataclass(frozen=True)
class Disk:
    """`boot` is the order in which the firmware tries the disks; None: not tried. `device`: QEMU's words for one that
    hangs at a controller of the machine's; instead of `bus`.

    `write_log`: a file that is given every write and flush in their order (write_log.py); only on the bus virtio.
    `bad_sectors`: those that cannot be read. `reads_a_second`: how many are answered at most. `cache`: QEMU's word for what
    this machine does with what is written, where none of these is asked for."""

    path: Path
    bus: str = "virtio"
    block_size: int = 512
    boot: int | None = None
    read_only: bool = False
    device: str = ""
    write_log: Path | None = None
    bad_sectors: tuple[int, ...] = ()
    reads_a_second: int = 0
    cache: str = "unsafe"


@dataclass(frozen=True)
class MachineSpec:
    """`kernel`: start this Linux kernel directly, without firmware. `extra`: more words for QEMU's command line, before
    those of the disks."""

    disks: list[Disk] = field(default_factory=list)
    memory_mib: int = 1024
    kernel: Path | None = None
    initrd: Path | None = None
    cmdline: str = ""
    code: Path = OVMF_CODE
    variables: Path = OVMF_VARS
    no_reboot: bool = True
    extra: list[str] = field(default_factory=list)


def disk_words(number: int, disk: Disk) -> list[str]:
    name = f"d{number}"
    only = "on" if disk.read_only else "off"
    words = ["-drive", f"if=none,id={name},format=raw,file={disk.path},cache={disk.cache},discard=unmap,read-only={only}"]
    options = f"drive={name}"
    if disk.write_log or disk.bad_sectors or disk.reads_a_second:
        words = _filter_words(name, disk)
    if disk.write_log:
        if disk.bus != "virtio" or disk.device:
            raise ValueError("only a disk on virtio can have a log of writes: no discard can be turned off on others")
        # QEMU 7.2 damages the log when something else is written while it records a write-zeroes.
        options += ",discard=off,write-zeroes=off"
    if disk.block_size != 512:
        options += f",logical_block_size={disk.block_size},physical_block_size={disk.block_size}"
    if disk.boot is not None:
        options += f",bootindex={disk.boot}"
    if disk.device:
        return [*words, "-device", f"{disk.device},{options}"]
    match disk.bus:
        case "virtio":
            return [*words, "-device", f"virtio-blk-pci,{options}"]
        case "nvme":
            return [*words, "-device", f"nvme,serial={name},{options}"]
        case "ahci":
            return [*words, "-device", f"ide-hd,bus=ide.{number},{options}"]
        case "usb":
            return [*words, "-device", f"qemu-xhci,id=xhci{number}",
                    "-device", f"usb-storage,id=usb{number},bus=xhci{number}.0,{options}"]
        case "uas":
            return [*words, "-device", f"qemu-xhci,id=xhci{number}", "-device", f"usb-uas,id=uas{number},bus=xhci{number}.0",
                    "-device", f"scsi-hd,bus=uas{number}.0,{options}"]
        case other:
            raise ValueError(f"unknown bus {other!r}; known: {', '.join(BUSES)}")


def _filter_words(name: str, disk: Disk) -> list[str]:
    """QEMU's filters, each over the one before; the last one has the disk's name. The log's must see the flushes; the file
    below need not be flushed."""
    layers = [f"driver=file,filename={disk.path},cache.no-flush=on,read-only={'on' if disk.read_only else 'off'}"]
    words = []
    if disk.bad_sectors:
        layers.append("driver=blkdebug,image=BELOW" + "".join(
            f",inject-error.{number}.event=none,inject-error.{number}.iotype=read,inject-error.{number}.sector={sector}"
            for number, sector in enumerate(disk.bad_sectors)))
    if disk.reads_a_second:
        words += ["-object", f"throttle-group,id={name}-slow,x-iops-read={disk.reads_a_second}"]
        layers.append(f"driver=throttle,throttle-group={name}-slow,file=BELOW")
    if disk.write_log:
        disk.write_log.touch()
        words += ["-blockdev", f"driver=file,node-name={name}-log,filename={disk.write_log},cache.no-flush=on"]
        layers.append(f"driver=blklogwrites,file=BELOW,log={name}-log,log-sector-size=512")
    for number, layer in enumerate(layers):
        own = name if layer is layers[-1] else f"{name}-{number}"
        words += ["-blockdev", layer.replace("BELOW", f"{name}-{number - 1}") + f",node-name={own}"]
    return words


@functools.cache
def accelerator_words() -> tuple[str, ...]:
    """KVM where it can run the firmware (nested KVM often cannot), else QEMU's own translation."""
    chosen = os.environ.get("VHDBOOT_TEST_ACCEL")
    if chosen not in (None, "kvm", "tcg"):
        raise ValueError(f"VHDBOOT_TEST_ACCEL is {chosen!r}; it can be kvm or tcg")
    tcg = ("-accel", "tcg", "-cpu", "max")
    kvm = ("-accel", "kvm", "-cpu", "host")
    if chosen:
        return kvm if chosen == "kvm" else tcg
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return tcg
    try:
        with Machine(MachineSpec(memory_mib=256), accelerator=kvm) as machine:
            machine.expect(r"BdsDxe|UEFI Interactive Shell", 15)
        return kvm
    except MachineError:
        return tcg


class Machine:
    """Starts QEMU on entry, ends it on exit. Times are seconds since QEMU's start, or, with `processor_time`, those that
    it had a processor: what else the host does hardly changes them, and sleeping does not count."""

    def __init__(self, spec: MachineSpec, log: Path | None = None, accelerator: tuple[str, ...] | None = None,
                 echo: Callable[[str], None] | None = None, echo_raw: bool = False,
                 processor_time: bool = False):
        """`echo` is given what the console says as it comes; with `echo_raw` including what a terminal obeys."""
        self._spec = spec
        self._log_path = log
        self._accelerator = accelerator
        self._echo = echo
        self._echo_raw = echo_raw
        self._processor_time = processor_time
        self._processor_seconds = 0.0
        self._text = ""  # everything the console said, without escapes
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._partial = ""  # an escape sequence cut in two
        self._arrivals: list[tuple[int, float]] = []  # (length of the text so far, when)
        self._position = 0  # where the next expect() looks on
        self._qmp_buffer = b""
        self._answers: list[dict] = []
        self._stopped = False  # the processor could not go on: KVM's "emulation failure", a triple fault
        self._logged = 0
        self._exited = False
        self._serial_open = True
        self._log = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> "Machine":
        try:
            self._start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.kill()

    # --- life

    def _start(self) -> None:
        """Each thing that must be undone is put on the stack as soon as it exists; kill() undoes them in reverse."""
        undo = self._cleanup.callback
        self._folder = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="vhdboot-machine.")))
        self._stderr = self._cleanup.enter_context(open(self._folder / "stderr", "w+b"))
        self._selector = self._cleanup.enter_context(selectors.DefaultSelector())
        if self._log_path:
            self._log = open(self._log_path, "w", encoding="utf-8")
            undo(self._finish_log)
        self._serial, serial_end = socket.socketpair()
        undo(self._serial.close)
        self._qmp, qmp_end = socket.socketpair()
        undo(self._qmp.close)
        with serial_end, qmp_end:
            words = self._words(serial_end.fileno(), qmp_end.fileno())
            self._start_time = time.monotonic()
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                             stderr=self._stderr, preexec_fn=die_with_parent,
                                             pass_fds=(serial_end.fileno(), qmp_end.fileno()))
        undo(self._process.wait)
        undo(self._process.kill)
        self._exit_fd = os.pidfd_open(self._process.pid)
        undo(os.close, self._exit_fd)
        self._selector.register(self._serial, selectors.EVENT_READ, self._read_serial)
        self._selector.register(self._qmp, selectors.EVENT_READ, self._read_qmp)
        self._selector.register(self._exit_fd, selectors.EVENT_READ, self._note_exit)
        self._command("qmp_capabilities")

    def _words(self, serial_fd: int, qmp_fd: int) -> list[str]:
        spec = self._spec
        words = [QEMU, "-nodefaults", "-no-user-config", "-machine", "q35",
                 *(self._accelerator or accelerator_words()), "-smp", "1",
                 "-m", str(spec.memory_mib), "-display", "none", "-vga", "std", "-nic", "none",
                 "-device", "virtio-rng-pci",
                 "-chardev", f"socket,id=serial,fd={serial_fd}", "-serial", "chardev:serial",
                 "-chardev", f"socket,id=qmp,fd={qmp_fd}", "-mon", "chardev=qmp,mode=control"]
        if spec.no_reboot:
            words.append("-no-reboot")
        if spec.kernel:
            words += ["-kernel", str(spec.kernel), "-append", spec.cmdline]
            if spec.initrd:
                words += ["-initrd", str(spec.initrd)]
        else:
            variables = self._folder / "variables.fd"
            shutil.copyfile(spec.variables, variables)
            words += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={spec.code}",
                      "-drive", f"if=pflash,unit=1,format=raw,file={variables}"]
        words += spec.extra  # the disks may hang at what these make
        for number, disk in enumerate(spec.disks):
            # QEMU's own loader of -kernel takes the first place in the boot order.
            words += disk_words(number, replace(disk, boot=None) if spec.kernel else disk)
        return words

    def _note_exit(self) -> None:
        self._exited = True
        self._selector.unregister(self._exit_fd)

    def kill(self) -> None:
        """Ends QEMU at once, whatever it does; keeps the log."""
        self._cleanup.close()

    def now(self) -> float:
        return self.processor_seconds() if self._processor_time else time.monotonic() - self._start_time

    def processor_seconds(self) -> float:
        """For how long QEMU has had a processor so far."""
        with contextlib.suppress(OSError, IndexError):  # it may have ended, a thread of it as well: the last value holds
            tasks = Path(f"/proc/{self._process.pid}/task")
            stats = [file.read_text(encoding="ascii") for file in tasks.glob("*/schedstat")]
            self._processor_seconds = max(self._processor_seconds, sum(int(stat.split()[0]) for stat in stats) / 1e9)
        return self._processor_seconds

    # --- what the machine says

    def _read_serial(self) -> None:
        try:
            data = self._serial.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self._serial_open = False
            self._selector.unregister(self._serial)
            return
        decoded = self._decoder.decode(data)
        if self._echo and self._echo_raw:
            self._echo(decoded)
        raw = self._partial + decoded
        cut = INCOMPLETE.search(raw)
        self._partial = raw[cut.start():] if cut and len(cut[0]) < 200 else ""
        clean = ESCAPES.sub("", raw[:cut.start()] if self._partial else raw)
        if not clean:
            return
        self._text += clean
        self._arrivals.append((len(self._text), self.now()))
        if self._echo and not self._echo_raw:
            self._echo(clean)
        self._write_log()

    def _write_log(self) -> None:
        if self._log is None:
            return
        while (end := self._text.find("\n", self._logged)) >= 0:
            self._log.write(f"{self.time_at(end):8.2f} {self._text[self._logged:end]}\n")
            self._logged = end + 1
        self._log.flush()

    def _finish_log(self) -> None:
        self._log.write(f"{self.now():8.2f} {self._text[self._logged:]}[end]\n")
        self._log.close()
        self._log = None

    def _step(self, deadline: float, what: str) -> None:
        """Handles what has arrived by now, or waits for the next arrival."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._error(f"waited in vain for {what}")
        for key, _ in self._selector.select(left):
            key.data()

    def _error(self, text: str) -> MachineError:
        self._stderr.flush()
        said = Path(self._stderr.name).read_bytes().decode("utf-8", "replace").strip()
        tail = "\n".join(self._text.splitlines()[-40:])
        where = f" (the whole log: {self._log_path})" if self._log_path else ""
        return MachineError(f"{text} at {self.now():.1f} s{where}\n{said}\n--- the console's end ---\n{tail}")

    @property
    def text(self) -> str:
        return self._text

    def time_at(self, position: int) -> float:
        """When the console's character at that position arrived."""
        low, high = 0, len(self._arrivals)
        while low < high:
            middle = (low + high) // 2
            if self._arrivals[middle][0] > position:
                high = middle
            else:
                low = middle + 1
        return self._arrivals[low][1] if low < len(self._arrivals) else self.now()

    def time_of(self, pattern: str) -> float | None:
        """When the first match of a pattern began to appear, or None."""
        found = re.search(pattern, self._text, re.MULTILINE)
        return self.time_at(found.start()) if found else None

    def expect(self, pattern: str, seconds: float, failing: str | None = None) -> re.Match:
        """Waits until the console shows the pattern, after what the last expect() matched.

        Fails at once when QEMU ends, or when `failing` shows up before it.
        """
        wanted = re.compile(pattern, re.MULTILINE)
        bad = re.compile(failing, re.MULTILINE) if failing else None
        deadline = time.monotonic() + seconds
        while True:
            found = wanted.search(self._text, self._position)
            worse = bad.search(self._text, self._position) if bad else None
            if worse and (not found or worse.start() < found.start()):
                raise self._error(f"waiting for {pattern!r}, saw {worse[0]!r}")
            if found:
                self._position = found.end()
                return found
            if self._exited and not self._serial_open:
                raise self._error(f"QEMU ended with status {self._process.wait()} before {pattern!r}")
            if self._stopped:
                raise self._error(f"the processor stopped before {pattern!r}")
            self._step(deadline, repr(pattern))

    @property
    def exited(self) -> bool:
        return self._exited

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Runs the machine until the condition, which what it says may change, holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self._exited:
                raise self._error(f"the machine ended; waiting for {what}")
            self._step(deadline, what)

    def attend(self, fd: int, arrived: Callable[[], bool], seconds: float) -> None:
        """Runs the machine until it is off, or `arrived`, called when `fd` can be read, answers False."""
        going = True

        def handle() -> None:
            nonlocal going
            going = going and arrived()

        deadline = time.monotonic() + seconds
        self._selector.register(fd, selectors.EVENT_READ, handle)
        try:
            while going and not self._exited:
                self._step(deadline, "the machine to power off")
        finally:
            self._selector.unregister(fd)

    def exits_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._exited and (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                key.data()
        return self._exited

    def wait_exit(self, seconds: float) -> int:
        """Waits until the machine is off; returns QEMU's exit status."""
        deadline = time.monotonic() + seconds
        while not self._exited:
            self._step(deadline, "the machine to power off")
        return self._process.wait()

    # --- what one tells the machine

    def send(self, text: str) -> None:
        """Types on the serial console."""
        self._serial.sendall(text.encode())

    def _read_qmp(self) -> None:
        try:
            data = self._qmp.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self._selector.unregister(self._qmp)
            return
        self._qmp_buffer += data
        *lines, self._qmp_buffer = self._qmp_buffer.split(b"\n")
        for message in (json.loads(line) for line in lines if line.strip()):
            if message.get("event") == "STOP":
                self._stopped = True
            elif "event" not in message and "QMP" not in message:
                self._answers.append(message)

    def block_statistics(self, number: int) -> dict:
        """What the device of one of the disks has done so far: `rd_operations`, `flush_operations` and so on."""
        disks = self._command("query-blockstats")["return"]
        return next(disk["stats"] for disk in disks if disk["device"] == f"d{number}")

    def slow_down(self, number: int, bytes_a_second: int, operations_a_second: int) -> None:
        """Makes one of the disks that slow; 0: as fast as it can."""
        limits = {f"{what}{which}": 0 for what in ("bps", "iops") for which in ("_rd", "_wr")}
        self._command("block_set_io_throttle", device=f"d{number}", bps=bytes_a_second, iops=operations_a_second, **limits)

    def _command(self, command: str, seconds: float = 30, **arguments) -> dict:
        self._qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        deadline = time.monotonic() + seconds
        while True:
            if self._answers:
                answer = self._answers.pop(0)
                if "error" in answer:
                    raise self._error(f"QEMU refused {command}: {answer['error'].get('desc')}")
                return answer
            if self._exited:
                raise self._error(f"QEMU ended with status {self._process.wait()}")
            self._step(deadline, f"QEMU's answer to {command}")

    def set_cable(self, card: str, plugged: bool) -> None:
        """Of a network card, by the id of its device."""
        self._command("set_link", name=card, up=plugged)

    def unplug(self, number: int) -> None:
        """Takes a disk away that is on the bus usb."""
        self._command("device_del", id=f"usb{number}")

    def plug(self, number: int, disk: Disk, driver: str, bus: str) -> None:
        """Plugs another disk in, as that device at that bus of the machine's."""
        name = f"d{number}"
        file = {"driver": "file", "filename": str(disk.path), "cache": {"no-flush": True}}
        self._command("blockdev-add", **{"driver": "raw", "node-name": name, "file": file, "read-only": disk.read_only})
        self._command("device_add", driver=driver, id=f"plugged{number}", bus=bus, drive=name)

    def reset(self) -> None:
        """As the button does; the end of a machine that does not restart."""
        self._command("system_reset")

    def power_button(self) -> None:
        self._command("system_powerdown")

    def press(self, *keys: str) -> None:
        """Presses keys of the machine's keyboard, by QEMU's names, together."""
        self._command("send-key", keys=[{"type": "qcode", "data": key} for key in keys])

    def screenshot(self, target: Path) -> None:
        """Writes what the screen shows as a PNG."""
        dump = self._folder / "screen.ppm"
        self._command("screendump", filename=str(dump))
        Path(target).write_bytes(png_from_ppm(dump.read_bytes()))
