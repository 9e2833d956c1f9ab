// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/reparse.h"

#include <algorithm>

#include "base/text.h"

namespace vhdboot::volume {
namespace {

std::u16string text_of(Bytes bytes) {
  std::u16string text;
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2)
    text += static_cast<char16_t>(*load_le<std::uint16_t>(bytes, at));
  return text;
}

}  // namespace

Result<std::string> lx_target(std::string_view text) {
  if (text.empty() || text.size() > kMaxLinkTarget || text.find('\0') != std::string_view::npos)
    return fail(Code::Corrupt, "it is a symbolic link that leads nowhere possible");
  return std::string(text);
}

Result<ReparsePoint> parse_reparse_point(Bytes attribute) {
  constexpr std::uint64_t kHeader = 8;  // tag, length of the data, 16 bits of nothing
  const auto tag = load_le<std::uint32_t>(attribute, 0);
  const auto length = load_le<std::uint16_t>(attribute, 4);
  const auto data = length ? slice(attribute, kHeader, *length) : std::nullopt;
  if (!data || *tag == 0) return fail(Code::Corrupt, "its reparse point is damaged");
  return ReparsePoint{*tag, *data};
}

Result<std::string> lx_symlink_target(Bytes data) {
  constexpr std::uint32_t kVersion = 2;
  if (load_le<std::uint32_t>(data, 0) != kVersion)
    return fail(Code::Corrupt, "it is a symbolic link of a form that WSL does not write");
  return lx_target(as_text(data.subspan(sizeof(kVersion))));
}

Result<std::string> windows_link_target(const ReparsePoint& point) {
  // Offset and length of the name to open and of the name to show; with a symbolic link, flags; then both names.
  const std::uint64_t header = point.tag == kTagSymlink ? 12 : 8;
  const auto offset = load_le<std::uint16_t>(point.data, 0);
  const auto length = load_le<std::uint16_t>(point.data, 2);
  const auto name = length ? slice(point.data, header + *offset, *length) : std::nullopt;
  if (!name) return fail(Code::Corrupt, "its reparse point is damaged");
  std::string target = to_utf8(text_of(*name));
  std::ranges::replace(target, '\\', '/');
  constexpr std::string_view kDevices = "/\?\?/";
  constexpr std::string_view kNetwork = "UNC/";
  if (target.starts_with(kDevices)) {
    target.erase(0, kDevices.size());
    if (target.starts_with(kNetwork)) target.replace(0, kNetwork.size(), "//");
  }
  const char drive = target.size() >= 2 && target[1] == ':' ? to_lower_ascii(target[0]) : '\0';
  if (drive >= 'a' && drive <= 'z') target.replace(0, 2, concat("/mnt/", drive));
  return lx_target(target);
}

}  // namespace vhdboot::volume
