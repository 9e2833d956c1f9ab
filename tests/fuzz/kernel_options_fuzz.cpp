// SPDX-License-Identifier: GPL-2.0-or-later
// The files that say a kernel's options, separated by NUL: one line comes out, and what fstab says is read back.
#include "entry/kernel_options.h"

#include <array>
#include <cstdlib>

#include "base/text.h"
#include "kexec/cmdline.h"

namespace {
void check(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::entry;
  using namespace vhdboot::kexec;
  const auto parts = split({reinterpret_cast<const char*>(data), size}, '\0');
  OptionTexts texts;
  const std::array<std::optional<std::string>*, 4> files{&texts.fstab, &texts.kernel_cmdline, &texts.grub_cfg,
                                                         &texts.grub_environment};
  for (std::size_t i = 0; i < files.size() && i < parts.size(); ++i) *files[i] = std::string(parts[i]);
  const auto options = kernel_options(read_option_files(texts), "vmlinuz-1", size % 2 == 0);
  if (!options) {
    check(options.error().code == Code::NotFound || options.error().code == Code::Unsupported ||
          options.error().code == Code::Invalid);
    return 0;
  }
  if (options->source == OptionSource::KernelCmdline) check(!options->text.contains('\n'));
  if (options->source != OptionSource::Fstab) return 0;
  const auto line = kexec::CommandLine::parse(options->text);
  check(line.has("ro"));
  const auto root = line.find("root");
  check(root.has_value());
  check(root->starts_with("/dev/") || root->contains('='));
  check(line.has("rootfstype") <= (size % 2 != 0));
  return 0;
}
