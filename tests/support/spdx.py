# SPDX-License-Identifier: GPL-2.0-or-later
"""The list of what is in a release as SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/), in JSON."""

import datetime
import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

NONE = "NOASSERTION"
OURS = "GPL-2.0-or-later"
PUBLIC_DOMAIN = "LicenseRef-public-domain"
TOOLS, EFI = "tools", "EFI"  # in which products a part is


@dataclass(frozen=True)
class Licence:
    """Of a package of Debian's, in so far as it is in the products; docs/licences.md says the same in words."""

    declared: str
    what: str
    products: tuple[str, ...] = (EFI,)
    linked: bool = True  # into our programs; else a program or kernel of its own
    used_under: str = ""  # where there is a choice


LICENCES = {
    "util-linux": Licence(f"LGPL-2.1-or-later AND LGPL-2.0-or-later AND GPL-2.0-or-later AND BSD-3-Clause AND {PUBLIC_DOMAIN}",
                          "libblkid; the command blkid in the EFI file", (TOOLS, EFI)),
    "ntfs-3g": Licence("GPL-2.0-or-later", "libntfs-3g", (TOOLS, EFI)),
    "zlib": Licence("Zlib", "zlib, decompression", (TOOLS, EFI)),
    "xz-utils": Licence(PUBLIC_DOMAIN, "liblzma, the decoder", (TOOLS, EFI)),
    "libzstd": Licence("BSD-3-Clause OR GPL-2.0-only", "libzstd, the decoder", (TOOLS, EFI), used_under="BSD-3-Clause"),
    "bzip2": Licence("bzip2-1.0.6", "libbz2, decompression", (TOOLS, EFI)),
    "lz4": Licence("BSD-2-Clause", "liblz4, decompression", (TOOLS, EFI)),
    "musl-dev": Licence("MIT AND BSD-2-Clause AND BSD-3-Clause AND ISC", "musl, the C library", (TOOLS, EFI)),
    "gcc-12-source": Licence("GPL-3.0-or-later WITH GCC-exception-3.1", "libstdc++ and libgcc_eh", (TOOLS, EFI)),
    "gcc-12": Licence("GPL-3.0-or-later WITH GCC-exception-3.1", "libgcc", (TOOLS, EFI)),
    "gnu-efi": Licence("BSD-3-Clause AND BSD-2-Clause", "the start code and library of the stub"),
    "exfatprogs": Licence("GPL-2.0-or-later", "the command fsck.exfat", linked=False),
    "busybox-static": Licence("GPL-2.0-only", "the rescue shell", linked=False),
    "glibc": Licence("LGPL-2.1-or-later", "the C library that is linked into busybox-static", linked=False),
    "linux": Licence("GPL-2.0-only WITH Linux-syscall-note", "the boot kernel", linked=False),
}


def licence_of(name: str) -> Licence | None:
    return LICENCES.get("linux" if name.startswith("linux-source-") else name)


@dataclass(frozen=True)
class Component:
    """A part of the products. `archive` is the upstream source that it was made from, or what was linked in."""

    name: str  # as in sources.md
    version: str
    is_source: bool  # a source package of Debian's, or a binary one
    archive: Path
    products: tuple[str, ...]  # the names of the release's files that have it
    remark: str


def digest(path: Path, algorithm: str = "sha256") -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _id(kind: str, name: str) -> str:
    return f"SPDXRef-{kind}-{re.sub('[^A-Za-z0-9.-]', '-', name)}"


def _sum(path: Path, algorithm: str) -> dict:
    return {"algorithm": algorithm.upper(), "checksumValue": digest(path, algorithm)}


def _package(component: Component) -> dict:
    licence = licence_of(component.name)
    kind = "?arch=source" if component.is_source else ""
    return {
        "SPDXID": _id("Package", component.name), "name": component.name, "versionInfo": component.version,
        "summary": licence.what, "supplier": "Organization: Debian", "downloadLocation": NONE, "filesAnalyzed": False,
        "packageFileName": component.archive.name, "checksums": [_sum(component.archive, "sha256")],
        "sourceInfo": f"the checksum is that of {component.archive.name}; {component.remark}",
        "licenseDeclared": licence.declared, "licenseConcluded": licence.used_under or licence.declared,
        "copyrightText": NONE,
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{quote(component.name, safe='')}@{quote(component.version, safe='')}{kind}"}],
    }


def _file(path: Path) -> dict:
    kind = {".efi": "BINARY"}.get(path.suffix, "ARCHIVE")
    return {
        "SPDXID": _id("File", path.name), "fileName": f"./{path.name}", "fileTypes": [kind],
        "checksums": [_sum(path, "sha1"), _sum(path, "sha256")],
        "licenseConcluded": NONE if kind == "BINARY" else OURS, "copyrightText": NONE,
        "licenseComments": "The licences of what is in it are those of the packages that it has.",
    }


def document(version: str, epoch: int, source: Path, products: list[Path], components: list[Component]) -> str:
    """`source`: the archive of our own tree."""
    files = [_file(path) for path in products]
    packages = [{
        "SPDXID": _id("Package", "vhdboot"), "name": "vhdboot", "versionInfo": version, "downloadLocation": NONE,
        "filesAnalyzed": False, "packageFileName": source.name, "checksums": [_sum(source, "sha256")],
        "licenseDeclared": OURS, "licenseConcluded": OURS, "copyrightText": "The vhdboot developers",
    }, *map(_package, components)]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", _id("Package", "vhdboot"))]
    relations += [(file["SPDXID"], "GENERATED_FROM", _id("Package", "vhdboot")) for file in files]
    relations += [(_id("File", name), "STATIC_LINK" if licence_of(component.name).linked else "CONTAINS",
                   _id("Package", component.name)) for component in components for name in component.products]
    if "glibc" in {component.name for component in components}:
        relations.append((_id("Package", "busybox-static"), "STATIC_LINK", _id("Package", "glibc")))
    sums = " ".join(file["checksums"][1]["checksumValue"] for file in files)
    return json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"vhdboot-{version}",
        # The same for the same files.
        "documentNamespace": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'vhdboot {version} {sums}')}",
        "creationInfo": {
            "created": datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: vhdboot-release-{version}"]},
        "packages": packages, "files": files,
        "relationships": [{"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}
                          for one, how, other in relations],
        "hasExtractedLicensingInfos": [{
            "licenseId": PUBLIC_DOMAIN, "name": "Public domain",
            "extractedText": "Its authors have put it into the public domain: no conditions."}],
    }, indent=1) + "\n"
