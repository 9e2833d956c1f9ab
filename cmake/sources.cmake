# SPDX-License-Identifier: GPL-2.0-or-later
# What the product build takes from the Debian archive. What is linked into our programs is pinned here by the hash of
# its upstream tarball, and needs no more than that; all the rest is verified by the archive's signature.

# vhdboot_source(NAME KIND UPSTREAM-VERSION FILE SHA256 [MINIMUM...]): KIND is source (a source package) or binary. FILE
# is the pinned file: the upstream tarball in a source package, a path inside a binary one. MINIMUM: for each release of
# Debian's the first revision that has all the security patches known to us; with an older one, or none, the build says
# so. What those patches mend must be refused by cmake/third_party or init/volume as well (docs/licences.md).
macro(vhdboot_source name kind upstream file sha256)
  list(APPEND VHDBOOT_SOURCES ${name})
  set(${name}_KIND ${kind})
  set(${name}_UPSTREAM ${upstream})
  set(${name}_FILE ${file})
  set(${name}_SHA256 ${sha256})
  set(${name}_MINIMUM ${ARGN})
endmacro()

vhdboot_source(util-linux source 2.38.1 util-linux_2.38.1.orig.tar.xz
  60492a19b44e6cf9a3ddff68325b333b8b52b6c59ce3ebd6a0ecaa4c5117e84f)
vhdboot_source(ntfs-3g source 2022.10.3 ntfs-3g_2022.10.3.orig.tar.gz
  8bd7749ea9d8534c9f0664d48b576e90b96d45ec8803c9427f6ffaa2f0dde299
  1:2022.10.3-1+deb12u4 1:2022.10.3-5+deb13u3) # CVE-2026-42616 and the eight after it
vhdboot_source(zlib source 1.2.13.dfsg zlib_1.2.13.dfsg.orig.tar.bz2
  71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1)
vhdboot_source(xz-utils source 5.4.1 xz-utils_5.4.1.orig.tar.xz
  5d9827aa1875b21c288f78864bb26d2650b436ea8d2cad364e4921eb6266a5a5)
vhdboot_source(libzstd source 1.5.4+dfsg2 libzstd_1.5.4+dfsg2.orig.tar.xz
  8cf4bbb65e77ec348d052c8d6230eba66d435bddf64c8b5be2fcb16880c19953)
vhdboot_source(bzip2 source 1.0.8 bzip2_1.0.8.orig.tar.gz
  ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269)
vhdboot_source(lz4 source 1.9.4 lz4_1.9.4.orig.tar.gz
  0b0e3aa07c8c063ddf40b082bdf7e37a1562bda40a0ff5272957f3e987e0e54b)
vhdboot_source(exfatprogs source 1.2.9 exfatprogs_1.2.9.orig.tar.xz
  d9a42197c6ff9e6a8e923789413008e317415cf7a4ab85c486c5ffcaf49ca175) # before 1.2.2: CVE-2023-45897
vhdboot_source(gcc-12-source binary 12.2.0 usr/src/gcc-12/gcc-12.2.0-dfsg.tar.xz
  50c63ff82919323c25fbbb4a9eae259edc974118a0fb30c905190cb782ec11c2)

# The newest version that the archive has, of whichever release (cmake/script/apt.cmake): no pin.
foreach(name busybox-static linux-source-6.12 linux-source-6.1)
  vhdboot_source(${name} binary "" "" "")
endforeach()
