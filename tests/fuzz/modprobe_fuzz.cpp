// SPDX-License-Identifier: GPL-2.0-or-later
// modprobe.d and the kernel command line: whatever they say becomes lines that the index and the handoff can hold.
#include "init/modules/modprobe.h"

#include <cstdlib>

#include "base/bytes.h"
#include "base/quoted.h"
#include "base/text.h"
#include "init/modules/modules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> files{text, text.substr(size / 2)};
  const auto config = modules::read_modprobe(files, kexec::CommandLine::parse(text));
  for (const auto& [name, options] : config.options) {
    if (!fits_line(options)) std::abort();
    if (name.contains('-') || config.options_of(name) != options) std::abort();
  }
  for (const std::string& name : config.blacklist)
    if (name.contains('\n') || name.contains('-')) std::abort();
  if (size < 4096)
    (void)modules::ModuleIndex::parse(
        {.dep = "a.ko:\n", .alias = config.aliases, .softdep = config.soft_dependencies, .blacklist = text});
  return 0;
}
