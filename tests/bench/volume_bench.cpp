// SPDX-License-Identifier: GPL-2.0-or-later
// How long it takes to open a host volume and to find where an image lies, from memory, so without the disk's time; and
// how many reads the disk would see. Build it without sanitizers: cmake --build FOLDER --target volume_bench.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "base/units.h"
#include "init/volume/volume.h"
#include "tests/support/exfat_image.h"
#include "tests/support/ntfs_image.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::test;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 15;

template <class Work>
void measure(const char* what, const SparseImage& image, Work work) {
  std::vector<double> times;
  image.reads = 0;
  for (int i = 0; i < kRounds; ++i) {
    const auto start = Clock::now();
    work();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::ranges::sort(times);
  std::printf("  %-28s %9.3f ms %7llu reads\n", what, times[times.size() / 2],
              static_cast<unsigned long long>(image.reads / kRounds));
}

void measure_volume(const char* title, const SparseImage& image, const char* path) {
  const auto where = volume::parse_path(path).value();
  const auto opened = volume::HostVolume::open(image).value();
  std::printf("%s: %zu extents\n", title, opened->layout(where).value().extents.size());
  measure("open", image, [&] { (void)volume::HostVolume::open(image).value(); });
  measure("state", image, [&] { (void)opened->state().value(); });
  measure("layout", image, [&] { (void)opened->layout(where).value(); });
  measure("open, state and layout", image, [&] {
    const auto volume = volume::HostVolume::open(image).value();
    (void)volume->state().value();
    (void)volume->layout(where).value();
  });
}

SparseImage ntfs(std::size_t extents) {
  const TempFolder folder;
  const std::string path = folder.file("ntfs.img");
  make_ntfs(path, {.size = 64 * kMiB});
  {
    NtfsWriter writer(path);
    writer.add_scattered("/boot/menu/debian.vhd", std::vector<std::byte>(extents * 4096));
  }
  return SparseImage::load(path);
}

SparseImage exfat(unsigned cluster_shift, std::uint32_t clusters, std::uint64_t size) {
  ExfatImage image({.cluster_shift = cluster_shift, .clusters = clusters});
  image.add_empty_file("/boot/menu/debian.vhd", size, Placement::Scattered);
  return image.finish();
}

}  // namespace

int main() {
  const char* path = "/boot/menu/Debian.vhd";
  measure_volume("NTFS", ntfs(1000), path);
  measure_volume("exFAT", exfat(15, 4000, 1000 * 32 * kKiB), path);
  measure_volume("exFAT, 100 GiB in pieces of 128 KiB", exfat(17, 1'700'000, 100 * kGiB), path);
  return 0;
}
