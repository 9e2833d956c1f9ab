// SPDX-License-Identifier: GPL-2.0-or-later
// Shows what init/volume makes of a volume in a file or on a device, for volume_test.py to compare with what others
// say.
//   print_volume VOLUME                 KEY VALUE lines: kind label serial cluster state
//   print_volume VOLUME layout PATH     KEY VALUE lines: size valid, mappable (the sentence, or yes), and for each
//                                       extent: extent LOGICAL PHYSICAL LENGTH
//   print_volume VOLUME first -         for each path on standard input where its first extent lies
//   print_volume VOLUME list PATH       NAME|directory or size, a line for each
// Exit status 1 with the sentence on standard error when something fails.
#include <iostream>
#include <string>

#include "init/volume/volume.h"
#include "tests/support/plain_file.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::volume;

Result<void> show(HostVolume& volume) {
  const VolumeState state = TRY(volume.state());
  std::cout << "kind " << name(volume.kind()) << "\nlabel " << volume.label() << "\nserial " << volume.serial_text()
            << "\ncluster " << volume.cluster_size() << "\nstate " << describe(state) << "\n";
  return {};
}

Result<void> show_layout(HostVolume& volume, const Path& path) {
  const FileLayout layout = TRY(volume.layout(path));
  const auto mappable = check_mappable(layout, path);
  std::cout << "size " << layout.size << "\nvalid " << layout.valid_size << "\nmappable "
            << (mappable ? "yes" : mappable.error().message()) << "\n";
  for (const Extent& extent : layout.extents)
    std::cout << "extent " << extent.logical << " " << extent.physical << " " << extent.length << "\n";
  return {};
}

Result<void> show_first(HostVolume& volume) {
  for (std::string line; std::getline(std::cin, line);) {
    const FileLayout layout = TRY(volume.layout(TRY(parse_path(line))));
    std::cout << (layout.extents.empty() ? 0 : layout.extents.front().physical) << "\n";
  }
  return {};
}

Result<void> show_list(HostVolume& volume, const Path& path) {
  for (const DirEntry& entry : TRY(volume.list(path)))
    std::cout << entry.name << "|" << (entry.directory ? "directory" : std::to_string(entry.size)) << "\n";
  return {};
}

Result<void> run(int argc, char** argv) {
  const test::PlainFile file(argv[1]);
  const auto volume = TRY(HostVolume::open(file));
  if (argc == 2) return show(*volume);
  const std::string_view what = argv[2];
  if (what == "first") return show_first(*volume);
  const Path path = TRY(parse_path(argv[3]));
  return what == "layout" ? show_layout(*volume, path) : show_list(*volume, path);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) return 2;
  const auto done = run(argc, argv);
  if (done) return 0;
  std::cerr << done.error().message() << "\n";
  return 1;
}
