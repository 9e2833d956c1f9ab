// SPDX-License-Identifier: GPL-2.0-or-later
// Shows what kexec/ makes of a UKI and the files beside it, for extra_test.py to compare with systemd-stub.
//   print_uki_parts ROOT UKI PROFILE OUT   ROOT: what the ESP holds; UKI: its path there, absolute. Writes the initrd
//   to
//                                          OUT, the command line to standard output, warnings to standard error
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <vector>

#include "base/cpio.h"
#include "entry/profile.h"
#include "entry/uki_parts.h"

namespace {

using namespace vhdboot;
namespace fs = std::filesystem;

struct Loaded {
  std::string text;
  MemorySource source{as_bytes(text)};
};

std::vector<std::unique_ptr<Loaded>> files;

const ByteSource* load(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  files.emplace_back(new Loaded{.text = {std::istreambuf_iterator<char>(in), {}}});
  return &files.back()->source;
}

bool fill(std::vector<entry::CompanionFile>& out, entry::CompanionFolder folder, const fs::path& path) {
  std::vector<std::string> names;
  if (fs::is_directory(path))
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.is_regular_file()) names.push_back(entry.path().filename());
  const auto chosen = entry::select_companions(folder, names);
  if (!chosen) {
    std::cerr << chosen.error().text << '\n';
    return false;
  }
  for (const auto& warning : chosen->warnings) std::cerr << warning << '\n';
  for (const auto& name : chosen->names) out.push_back({name, load(path / name)});
  return true;
}

int print(const fs::path& root, const std::string& uki_path, const std::string& profile, const fs::path& out) {
  const ByteSource& file = *load(root / fs::path(uki_path).relative_path());
  auto uki = entry::parse_uki(file);
  if (uki) {
    const auto number = entry::find_profile(uki->profiles, profile);
    uki = number ? entry::parse_uki(file, *number) : std::unexpected(number.error());
  }
  entry::Companions companions;
  using enum entry::CompanionFolder;
  if (uki && !(fill(companions.addons, Addons, root / fs::path(entry::kAddonFolder).relative_path()) &&
               fill(companions.credentials, Credentials, root / fs::path(entry::kCredentialFolder).relative_path()) &&
               fill(companions.extra, Extra, root / fs::path(entry::extra_folder(uki_path)).relative_path())))
    return 1;
  const auto parts = uki ? entry::uki_parts(file, *uki, companions) : std::unexpected(uki.error());
  const auto plan = parts ? kexec::make_plan(parts->parts, "") : std::unexpected(parts.error());
  if (!plan) {
    std::cerr << plan.error().text << '\n';
    return 1;
  }
  for (const auto& warning : parts->warnings) std::cerr << warning << '\n';
  const kexec::InitrdPart last = plan->initrds.empty() ? kexec::InitrdPart() : plan->initrds.back();
  std::vector<std::byte> initrd(align_up(last.destination + last.source.range.length, 4));
  for (const auto& part : plan->initrds)
    if (!part.source.file->read(part.source.range.offset,
                                MutableBytes(initrd).subspan(part.destination, part.source.range.length)))
      return 1;
  std::ofstream(out, std::ios::binary)
      .write(reinterpret_cast<const char*>(initrd.data()), static_cast<std::streamsize>(initrd.size()));
  std::cout << parts->parts.cmdline << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  return words.size() == 4 ? print(words[0], words[1], words[2], words[3]) : 2;
}
