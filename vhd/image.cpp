// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/image.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "vhd/incomplete.h"

namespace vhdboot::vhd {
namespace {

using namespace std::string_view_literals;

struct Magic {
  Format format;
  std::size_t offset;
  std::string_view bytes;
};

// Each is long enough that no boot sector starts with it: those begin with a jump or a piece of 16-bit code.
constexpr std::array kMagics{
    Magic{Format::Vhdx, 0, "vhdxfile"sv},
    Magic{Format::Qcow2, 0, "QFI\xFB"sv},
    Magic{Format::Qed, 0, "QED\0"sv},
    Magic{Format::Vdi, 64, "\x7F\x10\xDA\xBE"sv},
    Magic{Format::Vmdk, 0, "KDMV"sv},
    Magic{Format::Vmdk, 0, "COWD"sv},
    Magic{Format::Vmdk, 0, "# Disk DescriptorFile"sv},
    Magic{Format::Parallels, 0, "WithoutFreeSpace"sv},
    Magic{Format::Parallels, 0, "WithouFreSpacExt"sv},
    Magic{Format::Compressed, 0, "\x1F\x8B\x08"sv},
    Magic{Format::Compressed, 0, "\xFD\x37zXZ\0"sv},
    Magic{Format::Compressed, 0, "\x28\xB5\x2F\xFD"sv},
    Magic{Format::Compressed, 0, "BZh"sv},
    Magic{Format::Compressed, 0, "PK\x03\x04"sv},
    Magic{Format::Compressed, 0, "7z\xBC\xAF\x27\x1C"sv},
};

std::string_view qemu_name(Format format) {
  switch (format) {
    case Format::DynamicVhd:
    case Format::DifferencingVhd:
      return "vpc";
    case Format::Vhdx:
      return "vhdx";
    case Format::Qcow2:
      return "qcow2";
    case Format::Qed:
      return "qed";
    case Format::Vdi:
      return "vdi";
    case Format::Vmdk:
      return "vmdk";
    case Format::Parallels:
      return "parallels";
    case Format::Raw:
    case Format::FixedVhd:
    case Format::Incomplete:
    case Format::Compressed:
      break;
  }
  return "raw";
}

Format format_of(DiskType type) {
  switch (type) {
    case DiskType::Dynamic:
      return Format::DynamicVhd;
    case DiskType::Differencing:
      return Format::DifferencingVhd;
    case DiskType::Fixed:
      break;
  }
  return Format::FixedVhd;
}

// The file's last 512 bytes, or its first ones; the caller knows that it has as many.
Result<FooterBytes> read_sector(const ByteSource& file, std::uint64_t offset) {
  FooterBytes sector;
  TRY(file.read(offset, sector));
  return sector;
}

}  // namespace

std::string_view name(Format format) {
  switch (format) {
    case Format::Raw:
      return "raw image";
    case Format::FixedVhd:
      return "fixed VHD";
    case Format::DynamicVhd:
      return "dynamic VHD";
    case Format::DifferencingVhd:
      return "differencing VHD";
    case Format::Vhdx:
      return "VHDX image";
    case Format::Qcow2:
      return "qcow2 image";
    case Format::Qed:
      return "QED image";
    case Format::Vdi:
      return "VDI image";
    case Format::Vmdk:
      return "VMDK image";
    case Format::Parallels:
      return "Parallels image";
    case Format::Compressed:
      return "compressed file";
    case Format::Incomplete:
      return "image that is not complete";
  }
  return "image";
}

std::string conversion_advice(Format format, std::string_view file_name) {
  if (format == Format::Compressed) return "it is a compressed file: decompress it first";
  if (format == Format::Incomplete)
    return "it is not complete: bring the rest with `vhdtool fetch`, or boot it with `source` and `root-hash` in its "
           "configuration";
  const std::string target = concat(file_name, ".raw");
  // qemu-img leaves the parent of a VHD out, without a word.
  if (format == Format::DifferencingVhd)
    return concat("it is a ", name(format), ": convert it with `vhdtool cat \"", file_name, "\" > \"", target,
                  "\"`, then `raw2vhd \"", target, "\"` (its parent image must be at hand)");
  return concat("it is a ", name(format), ": convert it with `qemu-img convert -p -f ", qemu_name(format), " -O raw \"",
                file_name, "\" \"", target, "\"`, then `raw2vhd \"", target, "\"`");
}

namespace {

Result<std::optional<Format>> format_at_start(const ByteSource& file) {
  FooterBytes head{};
  const std::uint64_t known = std::min<std::uint64_t>(file.size(), head.size());
  TRY_IN("reading the start of the file", file.read(0, MutableBytes(head).first(static_cast<std::size_t>(known))));
  for (const Magic& magic : kMagics)
    if (as_text(head).substr(magic.offset).starts_with(magic.bytes)) return magic.format;
  // Dynamic and differencing VHDs begin with a copy of their footer; a fixed one may stand in front of anything.
  if (const auto footer = parse_footer(head); footer && footer->type != DiskType::Fixed) return format_of(footer->type);
  return std::nullopt;
}

}  // namespace

Result<std::optional<Format>> foreign_format(const ByteSource& file) {
  if (file.size() >= kIncompleteSize) {
    std::array<std::byte, kIncompleteSize> tail{};
    TRY_IN("reading the end of the file", file.read(file.size() - tail.size(), tail));
    if (is_incomplete(tail)) return Format::Incomplete;
  }
  return format_at_start(file);
}

Result<ImageInfo> recognise(const ByteSource& file, std::string_view file_name) {
  const std::uint64_t size = file.size();
  if (size == 0) return fail(Code::Corrupt, "the file is empty");
  if (size >= kFooterSize) {
    const FooterBytes tail = TRY_IN("reading the end of the file", read_sector(file, size - kFooterSize));
    if (has_footer_cookie(tail)) {
      const Footer footer = TRY(parse_footer(tail));
      if (footer.type != DiskType::Fixed) return ImageInfo{format_of(footer.type), 0, footer};
      const std::uint64_t payload = size - kFooterSize;
      if (payload == 0) return fail(Code::Corrupt, "the file holds a VHD footer and nothing else");
      if (footer.current_size != payload)
        return fail(Code::Corrupt,
                    concat("the VHD footer names a disk of ", footer.current_size, " bytes, but the file has room for ",
                           payload, ": run `raw2vhd \"", file_name, "\"` to put that right"));
      if (payload % kSectorSize != 0)
        return fail(Code::Corrupt, concat("the disk of ", payload, " bytes is not a multiple of 512"));
      return ImageInfo{Format::FixedVhd, payload, footer};
    }
    if (is_incomplete(tail)) return ImageInfo{Format::Incomplete, 0, std::nullopt};
  }
  if (const auto format = TRY(format_at_start(file))) return ImageInfo{*format, 0, std::nullopt};
  if (size % kSectorSize != 0)
    return fail(Code::Corrupt, concat("the file's size of ", size,
                                      " bytes is not a multiple of 512: no raw image, or a part of it is missing"));
  return ImageInfo{Format::Raw, size, std::nullopt};
}

Result<ImageInfo> identify(const ByteSource& file, std::string_view file_name) {
  const ImageInfo info = TRY(recognise(file, file_name));
  if (info.format != Format::Raw && info.format != Format::FixedVhd)
    return fail(Code::Unsupported, conversion_advice(info.format, file_name));
  return info;
}

Result<void> check_footer(const ImageInfo& info, std::string_view file_name) {
  if (info.footer && info.footer->saved_state)
    return fail(Code::Unsafe, concat("a virtual machine was saved with ", printable(file_name),
                                     " and would go on with what it remembers of it: start and shut it down there"));
  if (info.format != Format::Raw || !to_lower_ascii(file_name).ends_with(".vhd")) return {};
  return fail(Code::Corrupt, concat("it has no VHD footer: run `raw2vhd ", printable(file_name),
                                    "`, or call it .img when it is a raw disk"));
}

}  // namespace vhdboot::vhd
