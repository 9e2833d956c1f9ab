// SPDX-License-Identifier: GPL-2.0-or-later
// A FAT volume, as tests/support/sparse_encoding.h writes it. Every file that opens can be read to its end, and an
// entry is found again by its name.
#include <cstdlib>
#include <vector>

#include "base/text.h"
#include "disk/fat.h"
#include "tests/support/sparse_encoding.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::disk;

constexpr unsigned kMaxFiles = 50;
constexpr std::uint64_t kReadCap = 64 * 1024;

void read_all(const FatVolume& volume, const FatEntry& file) {
  const auto contents = volume.open_file(file);
  if (!contents) return;
  if ((*contents)->size() != file.size) std::abort();
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(file.size, kReadCap)));
  if (!(*contents)->read(0, bytes) || !(*contents)->read(file.size - bytes.size(), bytes)) std::abort();
  bytes.resize(1);
  if ((*contents)->read(file.size, bytes)) std::abort();
}

void walk(const FatVolume& volume, const FatEntry& directory, const std::string& path, unsigned depth,
          unsigned& files) {
  const auto entries = volume.list(directory);
  if (!entries) return;
  for (const FatEntry& entry : *entries) {
    if (++files > kMaxFiles) return;
    if (entry.name.find('/') != std::string::npos && entry.name.size() > 12) std::abort();
    if (!entry.directory) read_all(volume, entry);
    const std::string name = concat(path, '/', entry.name);
    if (!entry.name.empty() && entry.name.find('/') == std::string::npos && depth == 0 && !volume.find(name))
      std::abort();
    if (entry.directory && depth < 3) walk(volume, entry, name, depth + 1, files);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const test::SparseImage image = test::decode_sparse({reinterpret_cast<const std::byte*>(data), size});
  const auto volume = FatVolume::open(image);
  if (!volume) return 0;
  unsigned files = 0;
  walk(*volume, FatVolume::root(), "", 0, files);
  (void)volume->find("/EFI/Linux/a long name.efi");
  return 0;
}
