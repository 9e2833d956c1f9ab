// SPDX-License-Identifier: GPL-2.0-or-later
// The files that say a kernel's options, separated by NUL: one line comes out, and what fstab says is read back.
#include "entry/kernel_options.h"

#include <array>

#include "base/text.h"
#include "entry/grub_cfg.h"
#include "kexec/cmdline.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::entry;
  using namespace vhdboot::kexec;
  const auto parts = split({reinterpret_cast<const char*>(data), size}, '\0');
  OptionTexts texts;
  const std::array<std::optional<std::string>*, 2> files{&texts.fstab, &texts.kernel_cmdline};
  for (std::size_t i = 0; i < files.size() && i < parts.size(); ++i) *files[i] = std::string(parts[i]);
  if (parts.size() > 2)
    if (auto menu = parse_grub_cfg(parts[2], {})) texts.menu = *std::move(menu);
  if (size % 2 == 0) texts.found_root = "UUID=1";
  const auto options = kernel_options(read_option_files(texts), "vmlinuz-1",
                                      [&](const std::string& text) { return text.size() % 3 != 0; });
  if (!options) {
    check(options.error().code == Code::NotFound || options.error().code == Code::Unsupported ||
          options.error().code == Code::Invalid);
    return 0;
  }
  if (options->source == "/etc/kernel/cmdline") check(!options->text.contains('\n'));
  if (options->source != "/etc/fstab") return 0;
  const auto line = kexec::CommandLine::parse(options->text);
  check(line.has("ro"));
  const auto root = line.find("root");
  check(root.has_value());
  check(root->starts_with("/dev/") || root->contains('='));
  return 0;
}
