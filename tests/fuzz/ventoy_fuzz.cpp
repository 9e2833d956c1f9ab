// SPDX-License-Identifier: GPL-2.0-or-later
// What is added to a ventoy.json can be read again, adding it again changes nothing, and it can be taken out. So can a
// default that is set for a time.
#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/fuzz/check.h"
#include "tools/common/json_reader.h"
#include "tools/vhdboot/ventoy_json.h"

namespace {

void set_and_clear(const std::string& text) {
  using namespace vhdboot::command;
  const auto set = set_ventoy_default(text, "/a.iso");
  if (!set || set->size() > vhdboot::tools::kMaxJson) return;
  check(ventoy_default(*set).has_value());
  const auto cleared = clear_ventoy_default(*set);
  check(cleared.has_value());
  check(!*cleared || !ventoy_default(**cleared));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot::command;
  const std::string text(reinterpret_cast<const char*>(data), size);
  set_and_clear(text);
  const VentoyFiles files{.efi = "/boot/debian.efi", .image = "/boot/debian.vhd", .title = "Debian"};
  const auto added = add_to_ventoy(text, files);
  if (!added) return 0;
  check(added->text.has_value());
  const auto again = add_to_ventoy(added->text, files);
  if (!again) return 0;  // it has become larger than the cap
  check(again->text == added->text);
  const auto removed = remove_from_ventoy(*added->text, files);
  check(removed.has_value());
  if (removed->text) check(vhdboot::tools::parse_json(*removed->text).has_value());
  return 0;
}
