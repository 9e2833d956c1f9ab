// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/initrd_modules.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/cpio_reader.h"
#include "base/text.h"
#include "base/units.h"
#include "init/modules/depmod_index.h"

namespace vhdboot::modules {
namespace {

using namespace std::string_view_literals;

constexpr std::array<std::string_view, 4> kModprobePrograms{"/sbin/modprobe", "/usr/sbin/modprobe", "/bin/modprobe",
                                                            "/usr/bin/modprobe"};
constexpr std::size_t kWindow = 256 * kKiB;
// What the kernel unpacks and is not read here: lzma without a container, and lzo (lib/decompress.c).
constexpr std::array<std::string_view, 2> kOtherMagics{"\x5D\0"sv, "\x89\x4C"sv};

/// A source, read from its start on.
class Input {
 public:
  explicit Input(const ByteSource& source) : source_(source) {}

  /// What comes next: at least so many bytes, or all that there are.
  Result<Bytes> peek(std::size_t least) {
    if (window_.size() - at_ < least) TRY(read_more());
    return Bytes(window_).subspan(at_);
  }
  void take(std::size_t count) { at_ += count; }
  /// Bytes that were taken.
  [[nodiscard]] std::uint64_t offset() const { return read_ - (window_.size() - at_); }

 private:
  Result<void> read_more() {
    window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(std::exchange(at_, 0)));
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kWindow, source_.size() - read_));
    const std::size_t before = window_.size();
    window_.resize(before + count);
    // What is damaged below it is not its own damage.
    if (auto read = source_.read(read_, MutableBytes(window_).subspan(before)); !read)
      return fail(read.error().code == Code::Corrupt ? Code::Io : read.error().code, read.error().message());
    read_ += count;
    return {};
  }

  const ByteSource& source_;
  std::uint64_t read_ = 0;  // bytes of the source that have been in the window
  std::vector<std::byte> window_;
  std::size_t at_ = 0;  // what was taken of it
};

/// What is kept of the archives.
class Collector {
 public:
  explicit Collector(std::string_view release) : release_(release) {}

  [[nodiscard]] cpio::Visitor visitor() {
    return {.entry = [this](std::string_view name, std::uint64_t size) { return see(name, size); },
            .contents = [this](std::string_view name, std::vector<std::byte> bytes) { keep(name, std::move(bytes)); }};
  }
  [[nodiscard]] std::size_t entries() const { return entries_; }
  [[nodiscard]] bool too_large() const { return too_large_; }

  [[nodiscard]] InitrdModules finish() && {
    ModuleTexts& texts = found_.texts;
    const bool has_modinfo = !texts.builtin_modinfo.empty();
    for (const auto& [file, bytes] : indexes_)
      if (std::string& text = texts.*text_of_index(file); text.empty())
        text = index_as_text(file, bytes).value_or("");  // one that is damaged tells nothing
    texts.dep = dependencies(texts.dep);
    // The index of the aliases has the names of those alone that have one.
    found_.tells_builtin = !texts.builtin.empty() || has_modinfo;
    found_.tells_aliases = found_.tells_builtin && !texts.alias.empty() && !texts.builtin_modinfo.empty();
    return std::move(found_);
  }

 private:
  /// "kernel/fs/ext4.ko" of "./usr/lib/modules/RELEASE/kernel/fs/ext4.ko"; nothing for what lies elsewhere.
  [[nodiscard]] std::optional<std::string_view> within_modules(std::string_view name) const {
    for (std::string_view folder : {std::string_view("usr"), std::string_view("lib"), std::string_view("modules")}) {
      const bool is_here = name.starts_with(folder) && name.substr(folder.size()).starts_with('/');
      if (!is_here && folder != "usr") return std::nullopt;
      if (is_here) name.remove_prefix(folder.size() + 1);
    }
    if (!name.starts_with(release_) || !name.substr(release_.size()).starts_with('/')) return std::nullopt;
    return name.substr(release_.size() + 1);
  }

  static std::string_view without_root(std::string_view name) {
    while (name.starts_with('/') || name.starts_with("./")) name.remove_prefix(name.find('/') + 1);
    return name;
  }

  static std::string ModuleTexts::* text_of(std::string_view file) {
    if (file == "modules.dep") return &ModuleTexts::dep;
    if (file == "modules.alias") return &ModuleTexts::alias;
    if (file == "modules.softdep") return &ModuleTexts::softdep;
    if (file == "modules.builtin") return &ModuleTexts::builtin;
    if (file == "modules.builtin.modinfo") return &ModuleTexts::builtin_modinfo;
    return nullptr;
  }

  bool see(std::string_view name, std::uint64_t size) {
    ++entries_;
    name = without_root(name);
    if (std::ranges::any_of(kModprobePrograms, [&](std::string_view path) { return path.substr(1) == name; }))
      found_.has_modprobe = true;
    const auto file = within_modules(name);
    if (!file) return false;
    if (file->contains(".ko") && files_.emplace(*file).second) names_ += file->size();
    const bool is_kept = text_of(*file) != nullptr || text_of_index(*file) != nullptr;
    if (names_ > kMaxIndexBytes || (is_kept && size > kMaxIndexBytes)) too_large_ = true;
    return is_kept && !too_large_;
  }

  // The last one of a name counts, as its file does.
  void keep(std::string_view name, std::vector<std::byte> bytes) {
    const auto file = within_modules(without_root(name));
    if (const auto text = file ? text_of(*file) : nullptr)
      found_.texts.*text = as_text(bytes);
    else if (file)
      indexes_.insert_or_assign(std::string(*file), std::move(bytes));
  }

  /// As modules.dep: what that says of the files that are there, and those that it does not tell of.
  [[nodiscard]] std::string dependencies(std::string_view dep) {
    std::string text;
    for (const std::string_view line : split_lines(dep))
      if (files_.erase(std::string(line.substr(0, line.find(':')))) > 0) text += concat(line, '\n');
    for (const std::string& file : files_) text += concat(file, ":\n");
    return text;
  }

  std::string_view release_;
  InitrdModules found_;
  std::map<std::string, std::vector<std::byte>> indexes_;  // by file name
  std::set<std::string> files_;
  std::size_t names_ = 0;  // bytes of their names
  std::size_t entries_ = 0;
  bool too_large_ = false;
};

/// Unpacks an initrd for a collector.
class Unpacker {
 public:
  Unpacker(Collector& collector, const MakeDecompressor& make)
      : collector_(collector), make_(make), reader_(collector.visitor()) {}

  Result<void> unpack(const ByteSource& initrd) {
    Input input(initrd);
    for (;;) {
      const Bytes bytes = TRY(input.peek(1));
      if (bytes.empty()) return check_end("it");
      const auto taken = TRY(feed(bytes));
      input.take(taken);
      if (taken < bytes.size()) TRY(decompress(input));
    }
  }

 private:
  Result<std::size_t> feed(Bytes bytes) {
    const auto taken = TRY(reader_.take(bytes));
    unpacked_ += taken;
    if (unpacked_ > kMaxInitrdBytes || collector_.entries() > kMaxInitrdEntries || collector_.too_large())
      return fail(Code::NoMemory,
                  concat("it holds more than ", human_size(kMaxInitrdBytes), ", than ", kMaxInitrdEntries,
                         " files or than ", human_size(kMaxIndexBytes), " of an index of modules"));
    return taken;
  }

  [[nodiscard]] Result<void> check_end(std::string_view of) const {
    if (reader_.within_entry()) return fail(Code::Corrupt, concat(of, " ends in the middle of a file"));
    return {};
  }

  Result<void> decompress(Input& input) {
    const Bytes magic = TRY(input.peek(kMaxMagic));
    const auto compression = detect_compression(magic);
    if (std::ranges::any_of(kOtherMagics, [&](auto other) { return as_text(magic).starts_with(other); }))
      return fail(Code::Unsupported, "it is compressed in a way that is not read here");
    if (compression == Compression::None)
      return fail(Code::Corrupt, concat("at byte ", input.offset(), " it is neither an archive nor compressed"));
    if (++streams_ > kMaxInitrdStreams)
      return fail(Code::NoMemory, concat("it has more than ", kMaxInitrdStreams, " pieces of compressed data"));
    const auto decoder = make_(compression);
    // Within them an archive is aligned to their start (init/initramfs.c).
    reader_.seek(0);
    for (;;) {
      const auto step = TRY(decoder->step(TRY(input.peek(1)), room_));
      input.take(step.taken);
      // The kernel begins with an archive, before it passes over zeros.
      if (!reader_.has_begun() && !reader_.within_entry() && step.given > 0 && room_.front() != std::byte{'0'})
        return fail(Code::Corrupt, concat("its ", name(compression), " data does not begin with a cpio archive"));
      if (TRY(feed(Bytes(room_).first(step.given))) != step.given)
        return fail(Code::Corrupt, concat("its ", name(compression), " data is no cpio archive"));
      if (step.complete) break;
      if (step.taken == 0 && step.given == 0)
        return fail(Code::Corrupt, concat("its ", name(compression), " data ends early"));
    }
    if (!reader_.has_begun()) return fail(Code::Corrupt, concat("its ", name(compression), " data is empty"));
    TRY(check_end(concat("its ", name(compression), " data")));
    reader_.seek(input.offset());
    return {};
  }

  Collector& collector_;
  const MakeDecompressor& make_;
  cpio::Reader reader_;
  std::vector<std::byte> room_ = std::vector<std::byte>(kWindow);
  std::uint64_t unpacked_ = 0;
  std::size_t streams_ = 0;
};

std::string has_no_module_for(const std::vector<WantedModule>& lacking, const InitrdModules& initrd) {
  std::string text = concat("its initrd has no ", initrd.has_modprobe ? "module" : "modprobe to load a module");
  for (const WantedModule& one : lacking)
    text += concat(&one == &lacking.front() ? " for " : ", nor for ", describe(one));
  return text;
}

}  // namespace

std::span<const std::string_view> modprobe_programs() {
  return kModprobePrograms;
}

Result<InitrdModules> list_initrd(const ByteSource& initrd, std::string_view release, const MakeDecompressor& make) {
  if (release.empty()) return fail(Code::Invalid, "the kernel's release is not known");
  Collector collector(release);
  TRY(Unpacker(collector, make).unpack(initrd));
  return std::move(collector).finish();
}

Result<ModuleIndex> index_of(const InitrdModules& initrd) {
  ModuleTexts texts = initrd.texts;
  if (!initrd.has_modprobe) texts.dep.clear();
  return ModuleIndex::parse(std::move(texts));
}

Result<Lacking> find_lacking(const InitrdModules& initrd, std::span<const WantedModule> wanted) {
  const auto index = TRY(index_of(initrd));
  Lacking lacking;
  for (const WantedModule& one : wanted) {
    const std::vector<std::string> name{one.name};
    if (index.resolve(name).missing.empty() || has_driver(index, one.driver)) continue;
    // By its name alone not every driver is found, and of what is built in kernels before 5.2 tell no aliases.
    const bool is_told = one.driver.empty() ? initrd.tells_builtin : initrd.tells_aliases;
    (is_told ? lacking.certain : lacking.maybe).push_back(one);
  }
  return lacking;
}

std::string initrd_remedy(bool has_folder) {
  return concat(
      "boot an entry whose initrd is made for any machine (a rescue or fallback one), make this one so (dracut: "
      "hostonly=no, initramfs-tools: MODULES=most, mkinitcpio: without autodetect; with loop and dm-mod, and "
      "dm-snapshot "
      "for a disk that forgets or grows), or copy the guest's /usr/lib/modules to ",
      has_folder ? "that folder again" : "the volume and give `modules-from /FOLDER`",
      "; with `modules guest` it is tried all the same");
}

Result<std::string> check_initrd(const Result<InitrdModules>& initrd, std::span<const WantedModule> wanted,
                                 std::string_view release) {
  if (!initrd && initrd.error().code == Code::Corrupt)
    return fail(Code::Corrupt, concat("the kernel would not unpack its initrd: ", initrd.error().message()));
  const auto lacking = initrd ? find_lacking(*initrd, wanted) : std::unexpected(initrd.error());
  if (!lacking) return concat("what its initrd holds could not be told: ", lacking.error().message());
  if (!lacking->certain.empty())
    return fail(Code::Unsupported, concat(has_no_module_for(lacking->certain, *initrd), ", and kernel ",
                                          printable(release), " has none built in"));
  if (lacking->maybe.empty()) return std::string();
  return concat(has_no_module_for(lacking->maybe, *initrd), ", and does not tell all that kernel ", printable(release),
                " has built in");
}

}  // namespace vhdboot::modules
