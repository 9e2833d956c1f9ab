// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the seeds of the fuzz targets exfat and ntfs: volume_seeds CORPUS_FOLDER. Run by hand when they should change.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/support/exfat_image.h"
#include "tests/support/ntfs_image.h"
#include "tests/support/sparse_encoding.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::test;

void save(const std::filesystem::path& path, const SparseImage& image, Bytes upcase = {}) {
  const auto bytes = encode_sparse(image, upcase);
  const SparseImage again = decode_sparse(bytes, upcase);
  for (std::uint64_t at = 0; at < image.size(); at += 8)
    if (image.get<std::uint64_t>(at) != again.get<std::uint64_t>(at))
      throw std::runtime_error(concat("the encoding lost something at ", at, " of ", image.size()));
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  std::printf("%s: %zu bytes\n", path.c_str(), bytes.size());
}

SparseImage exfat(const ExfatOptions& options, Placement placement) {
  ExfatImage image(options);
  const std::vector<std::byte> some(std::size_t{3} << options.cluster_shift, std::byte{0});
  image.add_file("/boot/debian.vhd", some, placement);
  image.add_file("/boot/Größe.conf", as_bytes("root ext4"), Placement::Chain, 4);
  image.add_directory("/e");
  image.add_file("/n", {});
  return image.finish();
}

enum class Fill { Neighbours, Scattered, Unusual };

SparseImage ntfs(const NtfsOptions& options, Fill fill) {
  const bool scattered = fill == Fill::Scattered;
  const TempFolder folder;
  const std::string path = folder.file("ntfs.img");
  make_ntfs(path, options);
  {
    NtfsWriter writer(path);
    const std::vector<std::byte> some(std::size_t{options.cluster} * (scattered ? 300 : 3), std::byte{0});
    if (scattered)
      writer.add_scattered("/boot/debian.vhd", some);
    else
      writer.add_file("/boot/debian.vhd", some);
    writer.add_file("/boot/a.conf", as_bytes("root ext4"));
    writer.add_file("/hiberfil.sys", std::vector<std::byte>(4096, std::byte{0}));
    if (fill == Fill::Neighbours)
      for (int i = 0; i < 24; ++i) writer.add_file(concat("/many/a rather long file name ", i), {});
    if (fill == Fill::Unusual) {
      ntfs_inode* sparse = writer.inode("/sparse.vhd");
      {
        const volume::AttrPtr data(ntfs_attr_open(sparse, AT_DATA, AT_UNNAMED, 0));
        NtfsWriter::write(data.get(), 1 << 20, std::vector<std::byte>(4096, std::byte{1}));
      }
      const std::array<std::uint8_t, 8> reparse{0x17, 0, 0, 0x80};
      ntfs_attr_add(sparse, AT_REPARSE_POINT, AT_UNNAMED, 0, reparse.data(), reparse.size());
      sparse->flags = static_cast<FILE_ATTR_FLAGS>(sparse->flags | FILE_ATTR_REPARSE_POINT);
      ntfs_inode_mark_dirty(sparse);
      writer.close(sparse);
    }
  }
  SparseImage image = SparseImage::load(path);
  if (fill == Fill::Unusual) {
    const std::uint64_t log = journal_offset(image);
    image.write(log, restart_page({.flags = 2}));
    image.write(log + 4096, restart_page({.in_use = 0xFFFF, .lsn = 2000}));
  }
  return image;
}

std::vector<std::byte> usual_upcase() {
  ntfschar* units = nullptr;
  const u32 count = ntfs_upcase_build_default(&units);
  std::vector<std::byte> out(count * sizeof(ntfschar));
  std::memcpy(out.data(), units, out.size());
  std::free(units);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: volume_seeds CORPUS_FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path corpus = argv[1];
  const auto save_exfat = [&](const char* name, const ExfatOptions& options, Placement placement) {
    save(corpus / "exfat" / name, exfat(options, placement));
  };
  save_exfat("neighbours", {.cluster_shift = 9, .clusters = 64}, Placement::NoFatChain);
  save_exfat("scattered", {.cluster_shift = 9, .clusters = 64}, Placement::Scattered);
  save_exfat("backwards-dirty", {.cluster_shift = 12, .clusters = 64, .flags = 6}, Placement::Backwards);
  save_exfat("two-fats", {.cluster_shift = 9, .clusters = 64, .fats = 2, .second_fat_active = true}, Placement::Chain);
  save_exfat("sectors-4096", {.sector_shift = 12, .cluster_shift = 12, .clusters = 64}, Placement::Scattered);
  const auto upcase = usual_upcase();
  const auto save_ntfs = [&](const char* name, const NtfsOptions& options, Fill fill) {
    save(corpus / "ntfs" / name, ntfs(options, fill), upcase);
  };
  save_ntfs("small", {.size = 2 << 20, .cluster = 4096}, Fill::Neighbours);
  save_ntfs("scattered", {.size = 3 << 20, .cluster = 512}, Fill::Scattered);
  save_ntfs("sectors-4096", {.size = 3 << 20, .sector = 4096, .cluster = 4096}, Fill::Neighbours);
  save_ntfs("unusual", {.size = 3 << 20, .cluster = 1024}, Fill::Unusual);
  return 0;
}
