// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/efi_variables.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/fd.h"
#include "base/text.h"
#include "init/sys/directory.h"
#include "tools/vhdboot/boot_option.h"

namespace vhdboot::command {
namespace {

constexpr std::size_t kAttributes = 4;

// efivarfs makes what it does not know immutable, and LoaderEntryOneShot is not in its list. A file of a test may lie
// where there is no such flag.
void make_changeable(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  int flags = 0;
  if (!file.valid() || ::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) < 0 || (flags & FS_IMMUTABLE_FL) == 0) return;
  flags &= ~FS_IMMUTABLE_FL;
  (void)::ioctl(file.get(), FS_IOC_SETFLAGS, &flags);
}

}  // namespace

std::string EfiVariables::path(std::string_view name, std::string_view vendor) const {
  return concat(folder_, '/', name, '-', vendor);
}

bool EfiVariables::available() const {
  return !sys::list_directory(folder_).empty();
}

std::vector<std::string> EfiVariables::names(std::string_view vendor) const {
  const std::string end = concat('-', vendor);
  std::vector<std::string> names;
  for (const std::string& file : sys::list_directory(folder_))
    if (file.ends_with(end)) names.push_back(file.substr(0, file.size() - end.size()));
  return names;
}

Result<std::optional<std::vector<std::byte>>> EfiVariables::read(std::string_view name, std::string_view vendor) const {
  auto bytes = read_file(path(name, vendor), kMaxVariable);
  if (!bytes && bytes.error().code == Code::NotFound) return std::nullopt;
  if (!bytes) return std::unexpected(bytes.error().within(concat("the EFI variable ", name)));
  if (bytes->size() < kAttributes) return fail(Code::Corrupt, concat("the EFI variable ", name, " has no attributes"));
  bytes->erase(bytes->begin(), bytes->begin() + kAttributes);
  return *std::move(bytes);
}

std::optional<std::string> EfiVariables::read_text(std::string_view name, std::string_view vendor) const {
  const auto value = read(name, vendor);
  if (!value || !*value) return std::nullopt;
  const auto texts = efi_texts(**value);
  return texts.empty() ? "" : texts.front();
}

Result<void> EfiVariables::write(std::string_view name, std::string_view vendor, Bytes value) const {
  std::vector<std::byte> bytes(kAttributes);
  (void)store_le(bytes, 0, kLastingAttributes);
  bytes.insert(bytes.end(), value.begin(), value.end());
  const std::string file_name = path(name, vendor);
  const std::string context = concat("the EFI variable ", name);
  make_changeable(file_name);
  {
    const Fd file = TRY_IN(context, open_file(file_name, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    // In one piece: each write is a call of the firmware.
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0) return fail_errno(context);
    if (static_cast<std::size_t>(written) != bytes.size())
      return fail(Code::Io, concat(context, ": only a part of it was written"));
  }
  const auto now = TRY(read(name, vendor));
  if (!now || !std::ranges::equal(*now, value))
    return fail(Code::Io, concat(context, ": the firmware says that it was written, but has not kept it"));
  return {};
}

Result<void> EfiVariables::remove(std::string_view name, std::string_view vendor) const {
  const std::string file_name = path(name, vendor);
  make_changeable(file_name);
  if (::unlink(file_name.c_str()) < 0 && errno != ENOENT) return fail_errno(concat("removing the EFI variable ", name));
  return {};
}

std::vector<std::byte> efi_text(std::string_view text) {
  std::vector<std::byte> value;
  for (const char16_t unit : to_utf16(text).value_or(u"") + u'\0') {
    value.push_back(static_cast<std::byte>(unit & 0xFF));
    value.push_back(static_cast<std::byte>(unit >> 8));
  }
  return value;
}

std::vector<std::string> efi_texts(Bytes value) {
  std::vector<std::string> texts;
  std::u16string text;
  for (std::size_t at = 0; at + 2 <= value.size() && texts.size() < kMaxBootOptions; at += 2) {
    const auto unit = static_cast<char16_t>(*load_le<std::uint16_t>(value, at));
    if (unit != 0) {
      text += unit;
      continue;
    }
    texts.push_back(to_utf8(std::exchange(text, {})));
  }
  if (!text.empty() && texts.size() < kMaxBootOptions) texts.push_back(to_utf8(text));
  return texts;
}

}  // namespace vhdboot::command
