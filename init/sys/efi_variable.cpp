// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/efi_variable.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"

namespace vhdboot::sys {
namespace {

constexpr char kMountPoint[] = "/sys/firmware/efi/efivars";
constexpr std::string_view kVendor = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
constexpr std::byte kBootServiceAndRuntimeAccess{0x06};  // UEFI 2.10, 8.2.1; without NON_VOLATILE

// efivarfs protects what is there already.
void make_mutable(const std::string& path) {
  const auto file = open_file(path, O_RDONLY);
  int flags = 0;
  if (!file || ::ioctl(file->get(), FS_IOC_GETFLAGS, &flags) < 0) return;
  flags &= ~FS_IMMUTABLE_FL;
  static_cast<void>(::ioctl(file->get(), FS_IOC_SETFLAGS, &flags));
}

}  // namespace

Result<void> set_loader_variable(std::string_view name, std::string_view text) {
  const auto units = to_utf16(text);
  if (!units) return fail(Code::Invalid, concat(name, " cannot be \"", printable(text), '"'));
  // Documentation/filesystems/efivarfs.rst: four bytes of attributes, then the value, in one write.
  std::vector<std::byte> value{kBootServiceAndRuntimeAccess, {}, {}, {}};
  for (const char16_t unit : *units) {
    value.push_back(static_cast<std::byte>(unit & 0xFF));
    value.push_back(static_cast<std::byte>(unit >> 8));
  }
  value.resize(value.size() + sizeof(char16_t));
  const auto mount = TRY(Mount::mount("efivarfs", kMountPoint, "efivarfs", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  const std::string path = concat(kMountPoint, '/', name, '-', kVendor);
  make_mutable(path);
  return write_file(path, value);
}

}  // namespace vhdboot::sys
