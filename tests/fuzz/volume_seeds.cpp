// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the seeds of the fuzz targets exfat and ntfs: volume_seeds CORPUS_FOLDER. Run by hand when they should change.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>

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

enum class Fill { Neighbours, Scattered, Unusual, ShortReparsePoint };

/// $AttrDef compressed, in a way that makes the library's decompressor write one byte too many (CVE-2026-42618): the
/// last of the 16 parts of a compression block is full, and then comes one byte more.
void compress_attribute_definitions(SparseImage& image, std::uint64_t cluster) {
  constexpr std::uint64_t kAttrDef = 4;
  constexpr std::uint64_t kRecord = 1024;
  const std::uint64_t record = image.get<std::uint64_t>(48) * cluster + kAttrDef * kRecord;
  std::uint64_t data = record + image.get<std::uint16_t>(record + 20);
  while (image.get<std::uint32_t>(data) != 0x80) data += image.get<std::uint32_t>(data + 4);
  constexpr std::uint32_t kLength = 88;  // with the compressed size and the new runs
  const std::uint64_t next = data + image.get<std::uint32_t>(data + 4);
  std::vector<std::byte> rest(record + image.get<std::uint32_t>(record + 24) - next);
  if (image.get<std::uint8_t>(data + 8) != 1 || !image.read(next, rest))
    throw std::runtime_error("$AttrDef is not as this knows it");
  image.write(data + kLength, rest);
  image.put<std::uint32_t>(record + 24, static_cast<std::uint32_t>(data + kLength + rest.size() - record));
  image.put<std::uint32_t>(data + 4, kLength);
  image.put<std::uint16_t>(data + 12, std::uint16_t{1});   // compressed
  image.put<std::uint64_t>(data + 24, std::uint64_t{15});  // the last of its clusters
  image.put<std::uint16_t>(data + 32, std::uint16_t{72});  // where the runs are
  image.put<std::uint16_t>(data + 34, std::uint16_t{4});   // 16 clusters are compressed together
  for (const std::uint64_t size : {40, 48, 56, 64}) image.put<std::uint64_t>(data + size, 16 * cluster);
  constexpr std::uint16_t kFree = 400;  // a cluster
  const std::array<std::uint8_t, 7> runs{0x21, 15, kFree & 0xFF, kFree >> 8, 0x01, 1, 0};
  image.write(data + 72, std::as_bytes(std::span(runs)));

  std::vector<std::uint8_t> stream;
  const auto put = [&](std::initializer_list<std::uint8_t> bytes) { stream.insert(stream.end(), bytes); };
  for (int part = 0; part < 15; ++part) put({0x01, 0xB0, 0x00, 0x41});
  put({0x04, 0xB0, 0x02, 0x41, 0xFC, 0x0F, 0x42});  // a byte, 4095 times the same, another byte
  put({0x00, 0x00});
  image.write(kFree * cluster, std::as_bytes(std::span(stream)));
}

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
    if (fill == Fill::ShortReparsePoint) {
      // Shorter than its tag (CVE-2026-46571 is of this kind).
      ntfs_inode* link = writer.inode("/link");
      const std::array<std::uint8_t, 1> reparse{0x0C};
      ntfs_attr_add(link, AT_REPARSE_POINT, AT_UNNAMED, 0, reparse.data(), reparse.size());
      link->flags = static_cast<FILE_ATTR_FLAGS>(link->flags | FILE_ATTR_REPARSE_POINT);
      NInoFileNameSetDirty(link);
      ntfs_inode_mark_dirty(link);
      writer.close(link);
    }
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
  save_ntfs("short-reparse-point", {.size = 3 << 20, .cluster = 1024}, Fill::ShortReparsePoint);
  SparseImage compressed = ntfs({.size = 2 << 20, .cluster = 4096}, Fill::Neighbours);
  compress_attribute_definitions(compressed, 4096);
  save(corpus / "ntfs" / "compressed-attrdef", compressed, upcase);
  save_ntfs("unusual", {.size = 3 << 20, .cluster = 1024}, Fill::Unusual);
  return 0;
}
