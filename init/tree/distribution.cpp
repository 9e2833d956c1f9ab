// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/tree/distribution.h"

#include <optional>
#include <utility>

#include "base/text.h"

namespace vhdboot::tree {
namespace {

using volume::LxGeneration;
using volume::NtfsNode;

Result<LxGeneration> generation_at(volume::NtfsTree& tree, std::uint64_t reference) {
  const NtfsNode node = TRY(tree.node(reference));
  if (!node.directory) return fail(Code::NotFound, "it is not a directory");
  if (!node.reparse_point.empty()) return fail(Code::Unsupported, "it is a link: name the folder that it points to");
  return volume::generation_of(TRY(volume::parse_extended_attributes(node.extended_attributes)));
}

/// The folder `name` in `folder` when it is there and has metadata of WSL.
std::optional<Distribution> folder_in(volume::NtfsTree& tree, const volume::Path& folder, std::string_view name) {
  const auto path = folder.child(name);
  const auto reference = path ? tree.find(*path) : std::unexpected(path.error());
  const auto generation = reference ? generation_at(tree, *reference) : std::unexpected(reference.error());
  if (!generation || *generation == LxGeneration::None) return std::nullopt;
  return Distribution{.root = *path, .reference = *reference, .generation = *generation, .grafts = {}};
}

}  // namespace

Result<Distribution> find_distribution(volume::NtfsTree& tree, const volume::Path& path) {
  const std::string name = printable(path.text());
  Distribution out;
  out.root = path;
  out.reference = TRY(tree.find(path));
  out.generation = TRY_IN(name, generation_at(tree, out.reference));
  if (out.generation == LxGeneration::None) {
    auto root = folder_in(tree, path, "rootfs");
    if (!root) {
      const auto disk = path.child("ext4.vhdx");
      if (disk && tree.find(*disk))
        return fail(Code::Unsupported,
                    concat(name, " is the folder of a WSL 2 distribution, whose files are in the disk ",
                           "image ext4.vhdx in it: that boots as it is, see `vhdtool check`"));
      return fail(
          Code::Unsupported,
          concat(name, " has no metadata of WSL 1 (LXATTRB or $LXUID), nor has a folder rootfs in it: name the ",
                 "folder of the distribution, which has rootfs in it"));
    }
    out = *std::move(root);
  }
  if (out.generation != LxGeneration::LxFs || out.root.name() != "rootfs") return out;
  for (const std::string_view one : {"home", "root"})
    if (const auto beside = folder_in(tree, out.root.parent(), one))
      out.grafts.push_back({std::string(one), beside->reference});
  return out;
}

}  // namespace vhdboot::tree
