// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/image_names.h"

#include "base/ascii.h"
#include "efi/config_file.h"
#include "efi/volume_files.h"

namespace vhdboot::efi {

namespace {

// As stage 1 does: init/record/image_path.h.
constexpr std::array<std::string_view, 4> kFolders{"/", "/boot", "/vhd", "/images"};
constexpr UINT64 kMinImageSize = 64 * 1024;
constexpr int kMostConfigs = 32;  // that are read

// substr() throws, which the stub cannot.
std::string_view first(std::string_view text, std::size_t size) {
  return {text.data(), size < text.size() ? size : text.size()};
}

std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// "debian" of "/boot/debian.vhd".
std::optional<std::string_view> image_name(std::string_view path) {
  if (const std::size_t at = path.find_last_of("/\\"); at != std::string_view::npos) path.remove_prefix(at + 1);
  for (const std::string_view extension : {".vhd", ".img", ".raw"})
    if (path.size() > extension.size() && ends_with_ignoring_ascii_case(path, extension))
      return first(path, path.size() - extension.size());
  return std::nullopt;
}

std::string_view folder_of(std::string_view path) {
  const std::size_t at = path.rfind('/');
  return at == 0 || at == std::string_view::npos ? "/" : first(path, at);
}

// The name that our own file has, unless that is one of the names under which it is the menu of everything.
std::optional<std::string_view> own_name(std::string_view path) {
  std::string_view name = path;
  if (const std::size_t at = name.rfind('/'); at != std::string_view::npos) name.remove_prefix(at + 1);
  if (name.size() <= 4 || !ends_with_ignoring_ascii_case(name, ".efi")) return std::nullopt;
  name.remove_suffix(4);
  const bool everything =
      equals_ignoring_ascii_case(first(name, 7), "vhdboot") || equals_ignoring_ascii_case(name, "bootx64");
  return everything ? std::nullopt : std::optional(name);
}

void add(EntryList& entries, const std::optional<std::string_view>& name) {
  if (name) entries.add(*name);
}

}  // namespace

std::optional<std::string_view> image_of_config(std::string_view text) {
  constexpr std::string_view kKey = "image";
  std::optional<std::string_view> found;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = trim(first(text, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.starts_with(kKey)) continue;
    line.remove_prefix(kKey.size());
    if (line.starts_with(' ') || line.starts_with('\t')) found = image_name(trim(line));  // the last one counts
  }
  return found;
}

std::optional<std::string_view> image_of_options(std::string_view options) {
  constexpr std::string_view kKey = "image=";
  std::optional<std::string_view> found;
  while (!options.empty()) {
    std::string_view word = first(options, options.find(' '));
    options.remove_prefix(word.size() == options.size() ? word.size() : word.size() + 1);
    // A word in quotes that has blanks is no id of systemd's, whatever becomes of it here.
    const auto unquote = [&word] {
      if (word.starts_with('"')) word.remove_prefix(1);
      if (word.ends_with('"')) word.remove_suffix(1);
    };
    unquote();
    if (!word.starts_with(kKey)) continue;
    word.remove_prefix(kKey.size());
    unquote();
    found = image_name(word);
  }
  return found;
}

void add_images(EFI_BOOT_SERVICES& boot, EFI_HANDLE device, const StartedWith& with, EntryList& entries) {
  const auto named = image_of_options(with.options);
  add(entries, named);
  if (!named && with.conf) add(entries, image_of_config(as_text(*with.conf)));
  const VolumeFiles volume(boot, device);
  if (failed(volume.status())) {
    if (!named && !with.conf) add(entries, own_name(with.path));
    return;
  }
  const auto add_files = [&](std::string_view name, UINT64 size) {
    if (size >= kMinImageSize) add(entries, image_name(name));
  };
  if (!with.path.empty()) {
    const std::string_view folder = folder_of(with.path);
    int configs = 0;
    volume.for_each_file(folder, [&](std::string_view name, UINT64 size) {
      add_files(name, size);
      if (!ends_with_ignoring_ascii_case(name, ".conf") || ++configs > kMostConfigs) return;
      const FileContents file =
          volume.read(FixedText<kMaxFilePath>(folder == "/" ? "" : folder, "/", name).view(), kMaxConfSize);
      if (!failed(file.status)) add(entries, image_of_config(as_text(file.bytes)));
    });
  }
  for (const std::string_view folder : kFolders) volume.for_each_file(folder, add_files);
}

}  // namespace vhdboot::efi
