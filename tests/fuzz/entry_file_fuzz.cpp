// SPDX-License-Identifier: GPL-2.0-or-later
// A Type #1 entry of the Boot Loader Specification. What was understood, printed and parsed again, is the same, also
// with lines between that mean nothing; no value has a line feed or blanks at its ends.
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "kexec/entry_file.h"

namespace {

using namespace vhdboot;
using kexec::EntryFile;

void check(bool holds) {
  if (!holds) std::abort();
}

void add_line(std::string& text, std::string_view key, const std::string& value) {
  check(trim(value) == value && value.find('\n') == std::string::npos);
  if (!value.empty()) text += concat(key, " \t", value, "\r\n# title no\n\nunknown value\ntitle\n");
}

std::string print(const EntryFile& entry) {
  std::string text;
  add_line(text, "title", entry.title);
  add_line(text, "version", entry.version);
  add_line(text, "machine-id", entry.machine_id);
  add_line(text, "sort-key", entry.sort_key);
  add_line(text, "linux", entry.kernel);
  for (const std::string& initrd : entry.initrds) {
    check(!initrd.empty());
    add_line(text, "initrd", initrd);
  }
  add_line(text, "options", entry.options);
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kexec::kMaxEntryFile) return 0;
  const EntryFile entry = kexec::parse_entry_file({reinterpret_cast<const char*>(data), size});
  check(kexec::parse_entry_file(print(entry)) == entry);
  return 0;
}
