// SPDX-License-Identifier: GPL-2.0-or-later
// A host volume by its reader process: a child that parses it for the calling program (init/sys/confined_child.h). It
// holds the partition, read-only, and a socket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "init/sys/block.h"
#include "init/sys/confined_child.h"
#include "init/sys/file.h"
#include "init/tree/folder_image.h"
#include "init/volume/reader_wire.h"
#include "init/volume/volume.h"

namespace vhdboot::sys {

/// What the child is given: the partition is its device. A file in a million pieces takes 80 MiB of its memory.
struct ReaderTask : ChildTask {
  std::uint64_t size = 0;  ///< of the partition, bytes
};

/// What the child does; it does not return.
using ReaderChild = std::function<void(const ReaderTask&)>;

/// The child executes the program vhdboot-reader at `path`.
[[nodiscard]] ReaderChild reader_program(std::string path);
/// The task of vhdboot-reader, from its arguments; nothing when a person has started it.
[[nodiscard]] std::optional<ReaderTask> reader_task(std::span<const std::string_view> words);

struct ReaderOptions {
  ReaderChild child;
  std::chrono::milliseconds answer_time = kDiskAnswerTime;  ///< in which each answer has to come
  ChildLimits limits = {};  ///< less time than an answer may take, so that only a disk can be late
};

/// A volume that a reader process reads. When that crashes, does not answer in time or answers what cannot be true, it
/// is stopped, and that call and each one after it fails: as Corrupt, or as Timeout, with a sentence that names the
/// device.
class VolumeReader final : public volume::HostVolume {
 public:
  /// `name` is for people. The errors of HostVolume::open().
  /// The calling process may have no threads, unless the child is a program.
  [[nodiscard]] static Result<std::unique_ptr<VolumeReader>> open(const FdSource& partition, std::string name,
                                                                  const ReaderOptions& options);

  [[nodiscard]] volume::Kind kind() const override { return facts_.kind; }
  [[nodiscard]] const std::string& label() const override { return facts_.label; }
  [[nodiscard]] const std::string& serial_text() const override { return facts_.serial_text; }
  [[nodiscard]] std::uint64_t cluster_size() const override { return facts_.cluster_size; }
  [[nodiscard]] std::uint64_t volume_size() const override { return facts_.volume_size; }

  [[nodiscard]] Result<volume::VolumeState> state() override;
  [[nodiscard]] Result<volume::FileLayout> layout(const volume::Path& path) override;
  [[nodiscard]] Result<volume::Path> spelling(const volume::Path& path) override;
  [[nodiscard]] Result<std::vector<volume::DirEntry>> list(const volume::Path& path) override;
  [[nodiscard]] Result<std::vector<std::byte>> read_file(const volume::Path& path, std::uint64_t cap) override;
  [[nodiscard]] Result<void> check_allocation(const volume::Path& path) override;

  /// As tree::make_folder_image(); what it has written is foreign bytes. `to.go_on` is called for each answer that
  /// comes. Errors of `to`.
  [[nodiscard]] Result<tree::FolderImage> show_folder(const volume::Path& path, std::uint64_t most_copied,
                                                      const tree::FolderImageTo& to);

  /// Of the child; for tests.
  [[nodiscard]] pid_t process_id() const { return pid_; }

 private:
  VolumeReader(std::string name, const ReaderOptions& options)
      : name_(std::move(name)), answer_time_(options.answer_time), child_(fail(Code::Io, "")) {}

  /// An answer that is no error; its body is still foreign.
  [[nodiscard]] Result<volume::Message> ask(const volume::ReaderRequest& request);
  [[nodiscard]] Result<volume::Message> take(std::size_t most);
  template <class T>
  [[nodiscard]] Result<T> believed(Result<T> decoded);
  [[nodiscard]] Result<void> send(Bytes request);
  [[nodiscard]] Result<volume::Message> receive(std::size_t most);

  /// Each of them stops the child for good; the error is that of all later calls.
  [[nodiscard]] std::unexpected<Error> ended();
  [[nodiscard]] std::unexpected<Error> late();
  [[nodiscard]] std::unexpected<Error> lied(std::string_view how);
  [[nodiscard]] std::unexpected<Error> fail_for_good(Code code, std::string_view what);

  std::string name_;
  std::chrono::milliseconds answer_time_;
  pid_t pid_ = -1;
  Result<ConfinedChild> child_;  // or why there is none any more
  volume::VolumeFacts facts_;
};

/// A volume and the partition that it lies on.
struct OpenedVolume {
  std::unique_ptr<ByteSource> source;
  std::unique_ptr<volume::HostVolume> reader;
};

/// Opens the volume on the device, or in the file, at `path`, read by `child`.
[[nodiscard]] Result<OpenedVolume> open_volume(const std::string& path, const ReaderChild& child);

}  // namespace vhdboot::sys
