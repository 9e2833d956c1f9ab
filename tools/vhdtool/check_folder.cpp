// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_folder.h"

#include <limits>
#include <string>
#include <string_view>

#include "base/text.h"
#include "init/stage/folder_guest.h"
#include "init/tree/folder_image.h"
#include "init/volume/ntfs_tree.h"

namespace vhdboot::vhdtool {
namespace {

constexpr std::string_view kFolder = "folder";
constexpr std::size_t kMostNamed = 20;

}  // namespace

void check_folder(volume::HostVolume& volume, const ByteSource& partition, const volume::Path& path,
                  const record::Config& config, Findings& findings) {
  auto tree = volume::NtfsTree::of(volume, partition);
  if (!tree) return findings.error(kFolder, tree.error());
  std::size_t said = 0;
  const tree::FolderImageTo to{
      .write = [](std::uint64_t, Bytes) { return Result<void>(); },
      .say =
          [&](std::string_view name, std::string_view text) {
            if (said++ < kMostNamed) findings.warning(kFolder, concat(printable(name), ": ", text));
          },
      .go_on = [](std::uint64_t) { return Result<void>(); },
  };
  constexpr auto kAll = std::numeric_limits<std::uint64_t>::max();
  const auto image = tree::make_folder_image(*tree, partition, path, kAll, to);
  if (!image) return findings.error(kFolder, image.error());
  if (said > kMostNamed) findings.warning(kFolder, concat("and ", said - kMostNamed, " more are not as they were"));
  findings.ok(kFolder, concat(printable(image->root), " is a distribution of WSL 1: ", describe(image->counts)));
  findings.ok("memory", concat(human_size(image->size), " of it go to memory, which takes ",
                               human_size(image->size * stage::kFolderPart), " that are free at the start"));
  if (const auto whole = stage::config_for_folder(config); !whole)
    findings.error("config", concat(whole.error().message(), "; a configuration that is not beside it is given with ",
                                    "`--conf`"));
  // Whether that kernel boots is a question to its own image.
  if (config.kernel)
    findings.warning("kernel", concat("whether ", printable(*config.kernel), " has a kernel with erofs and overlay, ",
                                      "and the folder an init, is only seen at the start"));
}

}  // namespace vhdboot::vhdtool
