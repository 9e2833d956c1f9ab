// SPDX-License-Identifier: GPL-2.0-or-later
// fstab: what was read is read again the same when it is written with every odd byte escaped. The same bytes are a
// command line, too: other disks make neither of them more than unsafe.
#include "entry/fstab.h"

#include "base/text.h"
#include "init/guest/other_disks.h"
#include "tests/fuzz/check.h"

namespace {
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto value = static_cast<unsigned char>(c);
    const bool plain = value > ' ' && value < 0x7F && c != '\\' && c != '#';
    if (plain || value == 0)
      out += c;
    else
      out += {'\\', static_cast<char>('0' + (value >> 6)), static_cast<char>('0' + ((value >> 3) & 7)),
              static_cast<char>('0' + (value & 7))};
  }
  return out;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::entry;
  using namespace vhdboot::guest;
  const auto entries = parse_fstab({reinterpret_cast<const char*>(data), size});
  if (!entries) return 0;
  const std::vector<PresentDevice> others{
      {.path = "/dev/sda2", .size = 1, .type = "swap", .identity = {.uuid = "1-2"}}};
  const auto checked = check_other_disks(kexec::CommandLine::parse({reinterpret_cast<const char*>(data), size}),
                                         {.fstab = *entries}, {}, others);
  check(checked || checked.error().code == Code::Unsafe);
  std::string written;
  for (const auto& entry : *entries) {
    check(!entry.spec.empty() && !entry.file.empty() && !entry.type.empty());
    check(find_mount(*entries, entry.file) != nullptr);
    written += concat(escaped(entry.spec), ' ', escaped(entry.file), ' ', escaped(entry.type), ' ',
                      escaped(entry.options), entry.is_checked ? " 0 1\n" : "\n");
  }
  if (written.size() > kMaxFstabBytes) return 0;
  const auto again = parse_fstab(written);
  check(again && again->size() == entries->size());
  for (std::size_t i = 0; i < entries->size(); ++i) {
    auto expected = (*entries)[i];
    expected.line = static_cast<unsigned>(i + 1);
    check((*again)[i] == expected);
  }
  return 0;
}
