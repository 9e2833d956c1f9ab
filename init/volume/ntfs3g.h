// SPDX-License-Identifier: GPL-2.0-or-later
// libntfs-3g's headers, which expect the standard ones before them and come without C++ linkage.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

// clang-format off: each needs those above it
extern "C" {
#include <ntfs-3g/types.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/runlist.h>
}
// clang-format on
#undef min  // defined by the library's support.h
#undef max

namespace vhdboot::volume {

struct InodeClose {
  void operator()(ntfs_inode* inode) const { ntfs_inode_close(inode); }
};
struct AttrClose {
  void operator()(ntfs_attr* attr) const { ntfs_attr_close(attr); }
};
struct SearchClose {
  void operator()(ntfs_attr_search_ctx* context) const { ntfs_attr_put_search_ctx(context); }
};
struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

using InodePtr = std::unique_ptr<ntfs_inode, InodeClose>;
using AttrPtr = std::unique_ptr<ntfs_attr, AttrClose>;
using SearchPtr = std::unique_ptr<ntfs_attr_search_ctx, SearchClose>;
template <class T>
using MallocPtr = std::unique_ptr<T, Free>;

}  // namespace vhdboot::volume
