// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/reader_process.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "init/sys/confinement.h"
#include "init/sys/file.h"
#include "init/tree/folder_image.h"
#include "init/tree/folder_wire.h"
#include "init/volume/ntfs_tree.h"
#include "init/volume/reader_wire.h"

namespace vhdboot::sys {
namespace {

using volume::Message;

constexpr std::size_t kLength = 4;  // of a message, in front of it

// FdSource would open the device anew for a large read.
class Partition final : public ByteSource {
 public:
  Partition(const Fd& fd, std::uint64_t size) : fd_(fd), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
    auto done = read_at(fd_, offset, out);
    if (!done) done.error().code = Code::Io;  // as FdSource
    return done;
  }

 private:
  const Fd& fd_;
  std::uint64_t size_;
};

Message read_request(const Fd& socket) {
  std::array<std::byte, kLength> length{};
  if (!read_whole(socket, length)) return {};
  Message request(std::min<std::size_t>(*load_le<std::uint32_t>(length, 0), volume::kMaxRequest));
  if (!read_whole(socket, request)) return {};
  return request;
}

bool write_message(const Fd& socket, Bytes message) {
  std::array<std::byte, kLength> length{};
  (void)store_le(MutableBytes(length), 0, static_cast<std::uint32_t>(message.size()));
  return write_all(socket, length) && write_all(socket, message);
}

// False when nobody listens any more.
bool show_folder(volume::HostVolume& volume, const ByteSource& partition, const volume::ReaderRequest& request,
                 const Fd& socket) {
  constexpr std::uint64_t kOften = 256;  // files and pieces between two words that it goes on
  std::uint64_t calls = 0;
  const auto put = [&](const Message& message) -> Result<void> {
    if (write_message(socket, message)) return {};
    return fail(Code::Io, "nobody listens");
  };
  const tree::FolderImageTo to{
      .write = [&](std::uint64_t offset, Bytes bytes) -> Result<void> {
        for (; bytes.size() > tree::kMaxFolderBytes; bytes = bytes.subspan(tree::kMaxFolderBytes)) {
          TRY(put(encode(tree::FolderBytes{.offset = offset, .bytes = bytes.first(tree::kMaxFolderBytes)})));
          offset += tree::kMaxFolderBytes;
        }
        return put(encode(tree::FolderBytes{.offset = offset, .bytes = bytes}));
      },
      .say =
          [&](std::string_view path, std::string_view text) {
            (void)put(encode(tree::FolderSaid{.path = std::string(path), .text = std::string(text)}));
          },
      .go_on = [&](std::uint64_t files) -> Result<void> {
        if (calls++ % kOften != 0) return {};
        return put(encode(tree::FolderGoesOn{.files = files}));
      },
  };
  auto tree = volume::NtfsTree::of(volume, partition);
  const auto image =
      tree ? tree::make_folder_image(*tree, partition, request.path, request.cap, to) : std::unexpected(tree.error());
  return write_message(socket, image ? encode(*image) : volume::encode(image.error()));
}

[[noreturn]] void be_reader(const ReaderTask& task, const ReaderWork& work) {
  // They are never closed: the filter does not let it.
  const Fd partition(task.device);
  const Fd socket(task.socket);
  work_confined(task, [&](const std::string& failed) {
    if (failed.empty())
      work(Partition(partition, task.size), socket);
    else
      (void)write_message(socket, volume::encode(Error{Code::Io, 0, failed}));
  });
}

}  // namespace

void serve(const Result<std::unique_ptr<volume::HostVolume>>& opened, const ByteSource& partition, const Fd& socket) {
  if (!opened) {
    (void)write_message(socket, volume::encode(opened.error()));
    return;
  }
  volume::HostVolume& volume = **opened;
  bool heard = write_message(socket, volume::encode(volume::VolumeFacts{.kind = volume.kind(),
                                                                        .label = volume.label(),
                                                                        .serial_text = volume.serial_text(),
                                                                        .cluster_size = volume.cluster_size(),
                                                                        .volume_size = volume.volume_size()}));
  while (heard) {
    const auto request = volume::decode_request(read_request(socket));
    if (!request) return;
    heard = request->ask == volume::Ask::ShowFolder ? show_folder(volume, partition, *request, socket)
                                                    : write_message(socket, volume::answer(volume, *request));
  }
}

void serve_volume(const ByteSource& partition, const Fd& socket) {
  serve(volume::HostVolume::open(partition), partition, socket);
}

DiskReaders readers_here() {
  DiskReaders readers;
  readers.volumes = reader_here();
  readers.contents = prober_here();
  return readers;
}

ReaderChild reader_here(ReaderWork work) {
  return [work = std::move(work)](const ReaderTask& task) { be_reader(task, work); };
}

}  // namespace vhdboot::sys
