// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/tree/folder_wire.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "init/volume/reader_wire.h"

namespace vhdboot::tree {
namespace {

using wire::Cursor;
using wire::Message;
using wire::Writer;

// The first byte of a message. The first two are those of every answer of a reader.
enum class Kind : std::uint8_t { Image, Failed, Bytes, Said, GoesOn };

constexpr std::size_t kFingerprint = 64;
constexpr std::size_t kMaxText = 8 * kKiB;  // of what is said, and of a path

Writer writer(Kind kind) {
  Writer out;
  out.put(static_cast<std::uint8_t>(kind));
  return out;
}

template <class Number>
std::array<Number*, 16> numbers_of(auto& counts) {
  return {&counts.files,         &counts.directories,
          &counts.symlinks,      &counts.hard_links,
          &counts.devices,       &counts.fifos,
          &counts.sockets,       &counts.with_attributes,
          &counts.unescaped,     &counts.without_metadata,
          &counts.windows_links, &counts.invalid_names,
          &counts.damaged,       &counts.sockets_left_out,
          &counts.streams,       &counts.left_out};
}
static_assert(sizeof(Counts) == 16 * sizeof(std::uint64_t));

std::string fit(std::string_view text) {
  return printable(text.substr(0, kMaxText));
}

FolderImage take_image(Cursor& in) {
  FolderImage image;
  image.root = fit(in.text(UINT16_MAX));
  image.size = in.number(kMaxErofsSize);
  image.copied = in.number(image.size);
  image.fingerprint = in.text(kFingerprint);
  in.require(image.fingerprint.size() == kFingerprint &&
             image.fingerprint.find_first_not_of("0123456789abcdef") == std::string::npos);
  for (std::uint64_t* number : numbers_of<std::uint64_t>(image.counts)) *number = in.number(UINT32_MAX);
  in.require(image.size != 0 && image.size % kErofsBlock == 0);
  return image;
}

}  // namespace

Message encode(const FolderBytes& bytes) {
  Writer out = writer(Kind::Bytes);
  out.reserve(16 + bytes.bytes.size());
  out.put(bytes.offset);
  out.put(bytes.bytes);
  return std::move(out).message();
}

Message encode(const FolderSaid& said) {
  Writer out = writer(Kind::Said);
  out.text(said.path);
  out.text(said.text);
  return std::move(out).message();
}

Message encode(const FolderGoesOn& goes_on) {
  Writer out = writer(Kind::GoesOn);
  out.put(goes_on.files);
  return std::move(out).message();
}

Message encode(const FolderImage& image) {
  Writer out = writer(Kind::Image);
  out.text(image.root);
  out.put(image.size);
  out.put(image.copied);
  out.text(image.fingerprint);
  for (const std::uint64_t* number : numbers_of<const std::uint64_t>(image.counts)) out.put(*number);
  return std::move(out).message();
}

Result<FolderAnswer> decode_folder_answer(Bytes message) {
  Cursor in(message);
  const auto kind = static_cast<Kind>(in.take<std::uint8_t>());
  const auto checked = [&](FolderAnswer answer) -> Result<FolderAnswer> {
    if (!in.complete()) return fail(Code::Corrupt, "no answer about a folder");
    return answer;
  };
  switch (kind) {
    case Kind::Image: {
      auto image = take_image(in);
      return checked(std::move(image));
    }
    case Kind::Failed: {
      auto answer = TRY(volume::decode_answer(message));
      if (!answer.error) break;
      return *std::move(answer.error);
    }
    case Kind::Bytes: {
      FolderBytes bytes{.offset = in.number(kMaxErofsSize), .bytes = {}};
      bytes.bytes = in.take(in.left());
      in.require(bytes.bytes.size() <= kMaxFolderBytes && bytes.bytes.size() <= kMaxErofsSize - bytes.offset);
      return checked(bytes);
    }
    case Kind::Said: {
      FolderSaid said;
      said.path = fit(as_text(in.take(in.take<std::uint16_t>())));
      said.text = fit(as_text(in.take(in.take<std::uint16_t>())));
      return checked(std::move(said));
    }
    case Kind::GoesOn:
      return checked(FolderGoesOn{.files = in.number(UINT32_MAX)});
  }
  return fail(Code::Corrupt, "no answer about a folder");
}

}  // namespace vhdboot::tree
