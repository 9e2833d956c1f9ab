// SPDX-License-Identifier: GPL-2.0-or-later
// A host volume by its reader process: a child that parses it for the calling program. It holds the partition,
// read-only, and a socket, and nothing else: no capability, no other descriptor, a list of system calls, limits of
// memory and time (init/sys/reader_process.h). What a volume can do to it, it does to nobody else. In a boot it is a
// program of its own, so that process 1 has no code that knows a host volume.
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

#include "base/fd.h"
#include "base/units.h"
#include "init/sys/block.h"
#include "init/sys/file.h"
#include "init/sys/messages.h"
#include "init/volume/reader_wire.h"
#include "init/volume/volume.h"

namespace vhdboot::sys {

/// Whether this kernel can hold a reader to a list of system calls (CONFIG_SECCOMP_FILTER). Without, everything else
/// still holds: it has no right, and cannot open anything.
[[nodiscard]] bool can_filter();

/// What the child may use.
struct ReaderLimits {
  std::uint64_t memory = 128 * kMiB;  ///< bytes beside what it inherits; a file in a million pieces takes 80 MiB
  unsigned cpu_seconds = 60;          ///< in all; less than an answer may take, so that only a disk can be late
  bool filter = can_filter();
};

/// What the child is given.
struct ReaderTask {
  int partition = -1;      ///< descriptor, for reading
  int socket = -1;         ///< descriptor
  std::uint64_t size = 0;  ///< of the partition, bytes
  pid_t parent = -1;       ///< with which it ends
  ReaderLimits limits;
};

/// What the child does; it does not return.
using ReaderChild = std::function<void(const ReaderTask&)>;

/// Exit status of a child that had not memory enough.
inline constexpr int kReaderOutOfMemory = 2;

/// The child executes the program vhdboot-reader at `path`.
[[nodiscard]] ReaderChild reader_program(std::string path);
/// The task of vhdboot-reader, from its arguments; nothing when a person has started it.
[[nodiscard]] std::optional<ReaderTask> reader_task(std::span<const std::string_view> words);

struct ReaderOptions {
  ReaderChild child;
  std::chrono::milliseconds answer_time = kDiskAnswerTime;  ///< in which each answer has to come
  ReaderLimits limits = {};
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
  ~VolumeReader() override;

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

  /// Of the child; for tests.
  [[nodiscard]] pid_t process_id() const { return pid_; }

 private:
  VolumeReader(std::string name, const ReaderOptions& options)
      : name_(std::move(name)), answer_time_(options.answer_time) {}

  [[nodiscard]] Result<void> start(const FdSource& partition, const ReaderOptions& options);
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
  void stop();

  std::string name_;
  std::chrono::milliseconds answer_time_;
  pid_t pid_ = -1;
  Fd process_;  // a pidfd
  Messages messages_;
  volume::VolumeFacts facts_;
  std::optional<Error> failure_;
};

/// A volume and the partition that it lies on.
struct OpenedVolume {
  std::unique_ptr<ByteSource> source;
  std::unique_ptr<volume::HostVolume> reader;
};

/// Opens the volume on the device, or in the file, at `path`, read by `child`.
[[nodiscard]] Result<OpenedVolume> open_volume(const std::string& path, const ReaderChild& child);

}  // namespace vhdboot::sys
