// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_config.h"

#include "base/text.h"

namespace vhdboot::vhdtool {

record::Config check_config(std::string_view text, std::string_view file_name, std::string_view image_name,
                            Findings& findings) {
  const std::string shown = printable(file_name);
  const auto parsed = record::parse_config(text, shown);
  const auto right = parsed ? record::check(parsed->config) : Result<void>(std::unexpected(parsed.error()));
  if (!right) {
    findings.error("config", parsed ? right.error().within(shown) : right.error());
    return {};
  }
  for (const std::string& warning : parsed->warnings) findings.warning("config", warning);
  if (const auto& image = parsed->config.image) {
    const std::string_view name = std::string_view(*image).substr(image->rfind('/') + 1);
    if (!equals_ignoring_ascii_case(name, image_name))
      findings.warning("config", concat(shown, ": it names the image ", printable(*image), ", not ",
                                        printable(image_name), ": a boot with it starts that one"));
  }
  findings.ok("config", concat(shown, " is what the boot is judged by"));
  return parsed->config;
}

}  // namespace vhdboot::vhdtool
