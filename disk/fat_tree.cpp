// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/fat_tree.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace vhdboot::disk {

Result<std::unique_ptr<FatTree>> FatTree::open(std::unique_ptr<ByteSource> partition) {
  auto volume = TRY(FatVolume::open(*partition));
  return std::unique_ptr<FatTree>(new FatTree(std::move(partition), std::move(volume)));
}

// One that cannot be read is empty.
const FatTree::Directory& FatTree::contents(const FatEntry& directory) const {
  const auto known = directories_.find(directory.cluster);
  if (known != directories_.end()) return known->second;
  Directory& fresh = directories_[directory.cluster];
  if (auto entries = volume_.list(directory))
    for (FatEntry& entry : *entries) {
      std::string name = to_lower_ascii(entry.name);
      fresh.try_emplace(std::move(name), std::move(entry));
    }
  return fresh;
}

Result<FatEntry> FatTree::find(const std::string& path) const {
  std::vector<FatEntry> way{FatVolume::root()};
  for (const std::string_view component : split(path, '/')) {
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      if (way.size() > 1) way.pop_back();
      continue;
    }
    const Directory* directory = way.back().directory ? &contents(way.back()) : nullptr;
    const auto found = directory == nullptr ? Directory::const_iterator() : directory->find(to_lower_ascii(component));
    if (directory == nullptr || found == directory->end())
      return fail(Code::NotFound, concat(printable(path), " is not on the FAT volume"));
    way.push_back(found->second);
  }
  return way.back();
}

bool FatTree::has(const std::string& path) const {
  return find(path).has_value();
}

bool FatTree::is_folder(const std::string& path) const {
  const auto found = find(path);
  return found && found->directory;
}

std::vector<std::string> FatTree::list(const std::string& path) const {
  std::vector<std::string> names;
  const auto directory = find(path);
  if (!directory || !directory->directory) return names;
  for (const auto& [lower, entry] : contents(*directory)) names.push_back(entry.name);
  std::ranges::sort(names);
  return names;
}

Result<std::unique_ptr<ByteSource>> FatTree::open(const std::string& path) const {
  return volume_.open_file(TRY(find(path)));
}

Result<std::vector<std::byte>> FatTree::read(const std::string& path, std::uint64_t cap) const {
  const auto file = TRY(open(path));
  if (file->size() > cap)
    return fail(Code::NoMemory,
                concat(printable(path), " has ", file->size(), " bytes, more than the ", cap, " that are read"));
  std::vector<std::byte> bytes(static_cast<std::size_t>(file->size()));
  TRY(file->read(0, bytes));
  return bytes;
}

}  // namespace vhdboot::disk
