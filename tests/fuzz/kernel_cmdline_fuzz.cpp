// SPDX-License-Identifier: GPL-2.0-or-later
// Command lines: what is printed is read back the same, what was set is found, and what follows "--" is never touched.

#include "kexec/cmdline.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using vhdboot::kexec::CommandLine;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = CommandLine::parse(input);
  const std::string text = line.text();
  check(CommandLine::parse(text).text() == text);
  check(text.size() <= input.size() + 1);

  // The first half as a value. (A line whose last quote is open swallows what is added behind it, in the kernel too.)
  auto changed = line;
  const std::string_view value = input.substr(0, size / 2);
  if (changed.set_in_front("rdinit", value)) check(CommandLine::parse(changed.text()).find("rdinit") == value);
  changed.remove("rdinit");
  check(!changed.has("rdinit"));

  auto appended = line;
  appended.append(input);
  const auto values = line.find_all("p").size();
  check(appended.find_all("p").size() == 2 * values);
  return 0;
}
