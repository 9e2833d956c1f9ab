// SPDX-License-Identifier: GPL-2.0-or-later
// An exFAT volume.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "init/volume/allocation.h"
#include "init/volume/exfat_boot.h"
#include "init/volume/exfat_directory.h"
#include "init/volume/exfat_fat.h"
#include "init/volume/exfat_upcase.h"
#include "init/volume/file_source.h"
#include "init/volume/volume.h"

namespace vhdboot::volume {

class ExfatVolume final : public HostVolume {
 public:
  /// `partition`, which must outlive the volume, says that it holds exFAT.
  [[nodiscard]] static Result<std::unique_ptr<HostVolume>> open(const ByteSource& partition);

  [[nodiscard]] Kind kind() const override { return Kind::Exfat; }
  [[nodiscard]] const std::string& label() const override { return label_; }
  [[nodiscard]] const std::string& serial_text() const override { return serial_text_; }
  [[nodiscard]] std::uint64_t cluster_size() const override { return geometry_.cluster_size; }
  [[nodiscard]] std::uint64_t volume_size() const override { return geometry_.volume_size; }

  [[nodiscard]] Result<VolumeState> state() override;
  [[nodiscard]] Result<FileLayout> layout(const Path& path) override;
  [[nodiscard]] Result<Path> spelling(const Path& path) override;
  [[nodiscard]] Result<std::vector<DirEntry>> list(const Path& path) override;
  [[nodiscard]] Result<void> check_allocation(const Path& path) override;
  [[nodiscard]] Result<std::vector<std::byte>> read_file(const Path& path, std::uint64_t cap) override;

 private:
  ExfatVolume(const ByteSource& partition, const ExfatGeometry& geometry);

  using Contents = std::unique_ptr<FileSource>;

  /// Label and up-case table.
  [[nodiscard]] Result<void> read_root();
  /// From the folder itself and the files in it; but for the first that has the name `own`.
  [[nodiscard]] Result<void> check_apart_from_folder(const AllocationCheck& check, const Path& folder,
                                                     std::string_view own);
  /// The entry of a path; not of the root directory, which has none.
  [[nodiscard]] Result<ExfatFileEntry> find(const Path& path);
  /// The entry of one name in a directory, whose own path is `where`.
  [[nodiscard]] Result<ExfatFileEntry> find_in(const FileSource& directory, std::string_view name,
                                               const std::string& where);
  [[nodiscard]] Result<Contents> open_directory(const Path& path);
  [[nodiscard]] Result<Contents> open(const ExfatStream& stream);

  const ByteSource& partition_;
  ExfatGeometry geometry_;
  ExfatFat fat_;
  UpcaseTable upcase_;
  ExfatStream upcase_stream_;
  std::vector<ExfatStream> bitmaps_;  // one for each FAT
  std::vector<Extent> root_;
  std::string label_;
  std::string serial_text_;
};

}  // namespace vhdboot::volume
