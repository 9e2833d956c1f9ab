// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/marked_block.h"

#include "base/text.h"

namespace vhdboot::command {

Result<std::string> with_block(std::string_view text, std::string_view name, const std::optional<std::string>& lines) {
  if (text.size() > kMaxMarkedText) return fail(Code::NoMemory, concat("it has ", text.size(), " bytes"));
  const std::string begin = concat("# vhdboot: begin ", name);
  const std::string end = concat("# vhdboot: end ", name);
  const std::string block = lines ? concat(begin, '\n', *lines, end, '\n') : "";
  std::string out;
  bool inside = false;
  bool placed = false;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view whole = text.substr(0, size);
    const std::string_view line = trim(whole);
    text.remove_prefix(size);
    if (!inside && line == begin) {
      inside = true;
      if (!placed) out += block;
      placed = true;
    } else if (inside && line == end) {
      inside = false;
    } else if (!inside) {
      out += whole;
    }
  }
  if (inside) return fail(Code::Corrupt, concat("it has the line \"", begin, "\" and not \"", end, '"'));
  if (!placed && lines) {
    if (!out.empty() && out.back() != '\n') out += '\n';
    out += block;
  }
  return out;
}

}  // namespace vhdboot::command
