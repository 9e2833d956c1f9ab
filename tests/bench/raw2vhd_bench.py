#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""raw2vhd beside what else makes a fixed VHD: a Python script that appends a footer (as the project began), and
qemu-img convert. All in one run; median of several, bytes as the kernel counts what a process dirties.

raw2vhd_bench.py [FOLDER]: works in FOLDER (default: the current one), which should lie on a disk.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.paths import PRODUCTS  # noqa: E402

MIB, GIB = 1024**2, 1024**3
ROUNDS = 7

SCRIPT = """
import os, struct, sys, time, uuid
path = sys.argv[1]
size = os.path.getsize(path)
sectors = min(size // 512, 65535 * 16 * 255)
body = struct.pack(">8sIIQI4sI4sQQHBBI", b"conectix", 2, 0x10000, 2**64 - 1, int(time.time()) - 946684800, b"win ",
                   0xA0000, b"Wi2k", size, size, sectors // 255 // 16, 16, 255, 2)
unique = uuid.uuid4().bytes
check = ~sum(body + unique) & 0xFFFFFFFF
with open(path, "ab") as file:
    file.write((body + struct.pack(">I", check) + unique).ljust(512, b"\\0"))
    file.flush()
    os.fsync(file.fileno())
"""


def measure(command) -> tuple[float, int]:
    """Seconds and bytes written of one run."""
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    elapsed = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{command} failed with {child.returncode}")
    return elapsed, usage.ru_oublock * 512


def make_image(path: Path, size: int, filled: bool) -> None:
    with open(path, "wb") as file:
        file.truncate(size)
        if filled:
            for offset in range(0, size, MIB):
                os.pwrite(file.fileno(), os.urandom(4096) * 256, offset)
        file.flush()
        os.fsync(file.fileno())


def bench(folder: Path, size: int, filled: bool) -> dict:
    image, target = folder / "disk.img", folder / "disk.vhd"
    make_image(image, size, filled)
    ways = {
        "raw2vhd": [PRODUCTS / "raw2vhd", image],
        "Python script": [sys.executable, "-c", SCRIPT, image],
    }
    if filled or size <= MIB:
        ways["qemu-img convert"] = ["qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o",
                                    "subformat=fixed,force_size=on", image, target]  # fmt: skip
    results = {}
    for name, command in ways.items():
        runs = []
        for _ in range(3 if name == "qemu-img convert" and filled else ROUNDS):
            os.truncate(image, size)
            target.unlink(missing_ok=True)
            os.sync()
            runs.append(measure(command))
        results[name] = {
            "seconds": statistics.median(run[0] for run in runs),
            "bytes": int(statistics.median(run[1] for run in runs)),
        }
    return results


def main() -> int:
    parent = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    cases = {"1 MiB": (MIB, False), "512 MiB, full": (512 * MIB, True), "1 TiB, sparse": (1024 * GIB, False)}
    everything = {}
    print(f"{'image':16}{'way':20}{'time':>12}{'to raw2vhd':>12}{'written':>16}")
    for case, (size, filled) in cases.items():
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            results = everything[case] = bench(Path(folder), size, filled)
        for name, result in results.items():
            ratio = result["seconds"] / results["raw2vhd"]["seconds"]
            print(f"{case:16}{name:20}{result['seconds'] * 1000:9.1f} ms{ratio:11.1f}x{result['bytes']:14} B")
    print(json.dumps(everything))
    return 0


if __name__ == "__main__":
    sys.exit(main())
