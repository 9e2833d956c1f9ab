// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/ephemeral.h"

#include "base/quoted.h"
#include "base/size_text.h"
#include "base/text.h"
#include "init/volume/path.h"

namespace vhdboot::record {

Result<Ephemeral> parse_ephemeral(std::string_view text) {
  const auto refuse = [&] {
    return fail(Code::Invalid, concat("expected yes, no, a size such as 512M, a part of the memory from 1% to ",
                                      kMaxStorePercent, "%, or the path of a scratch file, found ", quoted(text)));
  };
  if (text == "no") return Ephemeral{};
  if (text == "yes") return kForgetting;
  if (text.starts_with('/') || text.starts_with('\\')) {
    const auto path = TRY(volume::parse_path(text));
    if (path.is_root()) return refuse();
    return Ephemeral{.on = true, .file = path.text()};
  }
  if (text.ends_with('%')) {
    const auto percent = parse_u64(text.substr(0, text.size() - 1));
    if (!percent || *percent < 1 || *percent > kMaxStorePercent) return refuse();
    return Ephemeral{.on = true, .percent = static_cast<unsigned>(*percent)};
  }
  const auto bytes = parse_bytes(text);
  if (!bytes || *bytes == 0) return refuse();
  return Ephemeral{.on = true, .bytes = *bytes};
}

std::string to_text(const Ephemeral& ephemeral) {
  if (!ephemeral.on) return "no";
  if (!ephemeral.file.empty()) return ephemeral.file;
  return ephemeral.percent == 0 ? concat(ephemeral.bytes) : concat(ephemeral.percent, '%');
}

}  // namespace vhdboot::record
