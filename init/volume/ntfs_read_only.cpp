// SPDX-License-Identifier: GPL-2.0-or-later
// For every program, as none of them writes: the functions through which all of libntfs-3g that changes a volume is
// reached, in the place of the library's own, which the product build makes weak (cmake/third_party/CMakeLists.txt).
// The linker then leaves out half of the library, and what is not there cannot write. NtfsDevice refuses as well. So
// does here what reads but trusts what it reads (CVE-2026-42618, CVE-2026-46571): nothing needs it.
#include "init/volume/ntfs3g.h"

extern "C" {
#include <ntfs-3g/compress.h>
#include <ntfs-3g/logfile.h>
#include <ntfs-3g/reparse.h>
}

namespace vhdboot::volume {
namespace {

int refuse() {
  errno = EROFS;
  return -1;
}

}  // namespace

extern "C" {

s64 ntfs_attr_pwrite(ntfs_attr*, s64, s64, const void*) {
  return refuse();
}

int ntfs_attr_truncate(ntfs_attr*, s64) {
  return refuse();
}

int ntfs_inode_sync(ntfs_inode*) {
  return refuse();
}

// Asked before a volume is mounted for writing: not clean. Reading, init/volume judges the journal itself.
BOOL ntfs_check_logfile(ntfs_attr*, RESTART_PAGE_HEADER**) {
  return FALSE;
}

// Compressed files are refused before they are read. The tables of the volume itself are never compressed.
s64 ntfs_compressed_attr_pread(ntfs_attr*, s64, s64, void*) {
  errno = EOPNOTSUPP;
  return -1;
}

// What kind of special file a directory entry is: not asked here.
BOOL ntfs_possible_symlink(ntfs_inode*) {
  return FALSE;
}

u32 ntfs_interix_types(ntfs_inode*) {
  return NTFS_DT_UNKNOWN;
}

}  // extern "C"
}  // namespace vhdboot::volume
