// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/stub_archive.h"

#include <utility>

#include "base/cpio.h"
#include "base/text.h"

namespace vhdboot::entry {

namespace {

constexpr std::uint32_t kParentMode = 0555;

// The folders on the way to `path`, and itself last.
std::vector<std::string_view> with_parents(std::string_view path) {
  std::vector<std::string_view> out;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1))
    out.push_back(path.substr(0, slash));
  out.push_back(path);
  return out;
}

// systemd-stub alone writes a capital letter here: the length of the trailer's name, 0000000B.
void spell_trailer_as_stub(MutableBytes archive) {
  constexpr std::size_t kLastDigitOfNameSize = 6 + 12 * 8 - 1;
  archive[archive.size() - static_cast<std::size_t>(cpio::kTrailerSize) + kLastDigitOfNameSize] = std::byte{'B'};
}

}  // namespace

Result<void> StubArchives::add(const StubFolder& folder, const std::vector<StubFile>& files) {
  if (files.empty()) return {};
  const auto folders = with_parents(folder.path);
  std::vector<std::string> names;
  std::uint64_t size = cpio::kTrailerSize;
  for (const auto path : folders) size += cpio::header_size(path);
  for (const StubFile& file : files) {
    if (file.name.empty() || file.name.find('/') != std::string::npos)
      return fail(Code::Invalid, concat("\"", printable(file.name), "\" is no name for the archive"));
    names.push_back(concat(folder.path, '/', file.name));
    size += cpio::header_size(names.back());
  }

  std::vector<std::byte> headers(static_cast<std::size_t>(size));
  cpio::Writer writer(headers);
  std::vector<kexec::Piece> pieces;
  std::size_t done = 0;
  const auto close_piece = [&] {
    if (writer.size() > done) pieces.push_back({nullptr, {bytes_.size() + done, writer.size() - done}});
    done = writer.size();
  };
  bool complete = true;
  for (const auto path : folders)
    complete = complete && writer.directory(path, path == folder.path ? folder.folder_mode : kParentMode);
  for (std::size_t i = 0; i < files.size() && complete; ++i) {
    const Range contents = files[i].contents.range;
    complete = writer.header({.name = names[i], .mode = cpio::kRegular | folder.file_mode, .size = contents.length});
    if (!complete) return fail(Code::Invalid, concat(printable(files[i].name), " does not fit into an archive"));
    if (contents.empty()) continue;
    close_piece();
    pieces.push_back(files[i].contents);
  }
  if (!complete || !writer.finish())
    return fail(Code::Invalid, concat("\"", printable(folder.path), "\" is no folder for the archive"));
  spell_trailer_as_stub(headers);
  close_piece();

  bytes_.insert(bytes_.end(), headers.begin(), headers.end());
  pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
  return {};
}

StubArchives::Finished StubArchives::finish() && {
  Finished out{.pieces = std::move(pieces_), .owned = std::make_unique<OwnedSource>(std::move(bytes_))};
  for (kexec::Piece& piece : out.pieces)
    if (piece.file == nullptr) piece.file = out.owned.get();
  return out;
}

}  // namespace vhdboot::entry
