// SPDX-License-Identifier: GPL-2.0-or-later
// What a distribution of WSL says of itself, and its fstab: whatever the bytes are, what is made of them for its
// systemd has one value a line, and each unit a name that systemd takes.
#include <string>

#include "base/quoted.h"
#include "base/text.h"
#include "init/guest/fstab_units.h"
#include "init/guest/wsl_conf.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::guest;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto setting = wsl_setting(text, "user", "default");
  check(setting || size > kMaxWslConfBytes);
  const std::string user = usual_user(text, setting ? setting->value_or("") : "");
  check(!user.empty() && !user.starts_with('-') && user.find_first_of(" %$\\\"'\n") == std::string::npos);
  (void)has_password(text, user);

  const auto fstab = entry::parse_fstab(text);
  if (!fstab || fstab->size() > 64) return 0;
  const auto units = fstab_units(*fstab, {{.uuid = "1-2", .label = "a b"}}, "", "");
  check(units.kept.size() + units.dropped.size() <= fstab->size());
  for (const GuestFile& file : units.files) {
    check(!file.name.empty() && fits_line(file.name) && !file.name.starts_with('/'));
    for (const std::string_view line : split(file.text, '\n'))
      check(!line.ends_with('\\') && (line.empty() || line.starts_with('[') || line.contains('=')));
  }
  return 0;
}
