// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/smbios.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace vhdboot::entry {
namespace {

using namespace std::string_literals;

const std::string kKey = "io.systemd.stub.kernel-cmdline-extra=";

std::string structure(char type, const std::vector<std::string>& strings, std::size_t formatted = 5) {
  std::string out{type, static_cast<char>(formatted)};
  out.resize(formatted, '\x01');
  for (const auto& text : strings) out += text + '\0';
  if (strings.empty()) out += '\0';
  return out + '\0';
}

std::optional<std::string> options(const std::string& table) {
  return stub_options_of_smbios(as_bytes(table));
}

TEST(Smbios, TheFirstStringWithTheKey) {
  EXPECT_EQ(options(structure(0, {"BIOS", kKey + "no"}, 24) + structure(2, {}) +
                    structure(11, {"vendor", kKey + " debug\nx ", kKey + "second"}) + structure(11, {kKey + "third"})),
            "debug x");
  EXPECT_EQ(options(structure(11, {}) + structure(11, {"a"}) + structure(11, {kKey})), "");
  EXPECT_EQ(options(structure(11, {"x" + kKey + "y"})), std::nullopt);
}

TEST(Smbios, EndsWithTheTable) {
  EXPECT_EQ(options(""), std::nullopt);
  EXPECT_EQ(options(structure(127, {}, 4) + structure(11, {kKey + "x"})), std::nullopt);
  EXPECT_EQ(options(structure(1, {}, 3) + structure(11, {kKey + "x"})), std::nullopt);
  const std::string table = structure(1, {"a", "b"}) + structure(11, {kKey + "x"});
  for (std::size_t length = 0; length + 1 < table.size(); ++length)
    EXPECT_EQ(options(table.substr(0, length)), std::nullopt) << length;
  EXPECT_EQ(options(table), "x");
}

}  // namespace
}  // namespace vhdboot::entry
