// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/uki_parts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "entry/addon.h"
#include "entry/stub_archive.h"
#include "kexec/bzimage.h"

namespace vhdboot::entry {

namespace {

struct Found {
  const CompanionFile* file;
  CompanionKind kind;
};

class Assembly {
 public:
  Assembly(const ByteSource& file, const Uki& uki) : file_(file), uki_(uki) { out_.parts = parts_of(file, uki); }

  Result<void> add(CompanionFolder folder, const std::vector<CompanionFile>& files) {
    std::vector<Found> found;
    for (const CompanionFile& file : files)
      if (const auto kind = companion_kind(folder, file.name)) found.push_back({&file, *kind});
    if (found.size() > kMaxCompanions)
      return fail(Code::Unsupported, concat(found.size(), " files for the boot entry in one folder, at most ",
                                            kMaxCompanions, " are accepted: remove what is not needed"));
    std::ranges::sort(found, {}, [](const Found& one) { return std::string_view(one.file->name); });
    for (const Found& one : found) {
      if (one.kind == CompanionKind::Addon)
        TRY(add_addon(*one.file));
      else
        TRY(add_file(*one.file, one.kind));
    }
    return {};
  }

  Result<UkiParts> finish(const Companions& companions) && {
    note_kernel();
    if (uki_.devicetree) warn_of_devicetree("the image");
    auto& parts = out_.parts;
    // The last addon is the first to be asked.
    std::ranges::reverse(addon_microcode_);
    parts.microcode.insert(parts.microcode.begin(), addon_microcode_.begin(), addon_microcode_.end());
    if (!companions.load_options.empty()) parts.cmdline = clean_cmdline(companions.load_options);
    parts.cmdline = append_stub_options(std::move(parts.cmdline), addon_cmdline_);
    parts.cmdline = append_stub_options(std::move(parts.cmdline), companions.smbios_options);

    StubArchives archives;
    TRY(archives.add({.path = ".extra/credentials", .folder_mode = 0500, .file_mode = 0400}, credentials_));
    TRY(archives.add({.path = ".extra/global_credentials", .folder_mode = 0500, .file_mode = 0400},
                     global_credentials_));
    TRY(archives.add({.path = ".extra/sysext"}, sysexts_));
    TRY(archives.add({.path = ".extra/confext"}, confexts_));
    TRY(add_section(archives, uki_.pcrsig, "tpm2-pcr-signature.json"));
    TRY(add_section(archives, uki_.pcrpkey, "tpm2-pcr-public-key.pem"));
    TRY(add_section(archives, uki_.osrel_section, "os-release"));
    TRY(add_section(archives, uki_.profile, "profile"));
    auto finished = std::move(archives).finish();
    parts.extras = std::move(finished.pieces);
    out_.archives = std::move(finished.owned);
    return std::move(out_);
  }

 private:
  Result<void> count(std::uint64_t bytes) {
    if (bytes > kMaxCompanionBytes - bytes_)
      return fail(Code::NoMemory, concat("the files beside the boot entry have more than ",
                                         human_size(kMaxCompanionBytes), ", and all of them must be in memory"));
    bytes_ += bytes;
    return {};
  }

  void warn_of_devicetree(std::string_view who) {
    out_.warnings.push_back(concat(who, " brings a devicetree, which is not used on this machine"));
  }

  Result<void> add_addon(const CompanionFile& companion) {
    const auto addon = parse_addon(*companion.file, uki_.uname_section);
    if (!addon) {
      out_.warnings.push_back(concat("the addon ", companion.name, " is passed over: ", addon.error().message()));
      return {};
    }
    if (addon->devicetree) warn_of_devicetree(concat("the addon ", companion.name));
    if (addon->cmdline) {
      if (!addon_cmdline_.empty()) addon_cmdline_ += ' ';
      addon_cmdline_ += *addon->cmdline;
    }
    if (addon->ucode) {
      TRY(count(addon->ucode->length));
      addon_microcode_.push_back({companion.file, *addon->ucode});
    }
    if (addon->initrd) {
      TRY(count(addon->initrd->length));
      out_.parts.addons.push_back({companion.file, *addon->initrd});
    }
    return {};
  }

  Result<void> add_file(const CompanionFile& companion, CompanionKind kind) {
    TRY(count(companion.file->size()));
    files_of(kind).push_back({companion.name, {companion.file, {0, companion.file->size()}}});
    return {};
  }

  std::vector<StubFile>& files_of(CompanionKind kind) {
    switch (kind) {
      case CompanionKind::GlobalCredential:
        return global_credentials_;
      case CompanionKind::Sysext:
        return sysexts_;
      case CompanionKind::Confext:
        return confexts_;
      default:
        return credentials_;
    }
  }

  Result<void> add_section(StubArchives& archives, const std::optional<Range>& section, std::string_view name) {
    if (!section || section->empty()) return {};
    return archives.add({.path = ".extra"}, {{std::string(name), {&file_, *section}}});
  }

  // A kernel that cannot be read is make_plan()'s to refuse.
  void note_kernel() {
    const auto header = kexec::parse_bzimage(file_, uki_.kernel);
    if (header && !uki_.uname.empty() && !header->version.empty() && header->version != uki_.uname)
      out_.warnings.push_back(concat("the image says that its kernel is ", printable(uki_.uname),
                                     ", the kernel itself says ", printable(header->version)));
  }

  const ByteSource& file_;
  const Uki& uki_;
  UkiParts out_;
  std::string addon_cmdline_;
  std::vector<kexec::Piece> addon_microcode_;
  std::vector<StubFile> credentials_;
  std::vector<StubFile> global_credentials_;
  std::vector<StubFile> sysexts_;
  std::vector<StubFile> confexts_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

kexec::BootParts parts_of(const ByteSource& file, const Uki& uki) {
  kexec::BootParts parts{.kernel = {&file, uki.kernel}, .cmdline = uki.cmdline.value_or("")};
  if (uki.ucode) parts.microcode.push_back({&file, *uki.ucode});
  if (uki.initrd) parts.initrds.push_back({&file, *uki.initrd});
  return parts;
}

std::string append_stub_options(std::string cmdline, std::string_view options) {
  const std::string clean = clean_cmdline(options);
  if (clean.empty()) return cmdline;
  if (!cmdline.empty()) cmdline += ' ';
  return cmdline + clean;
}

Result<UkiParts> uki_parts(const ByteSource& file, const Uki& uki, const Companions& companions) {
  Assembly assembly(file, uki);
  TRY(assembly.add(CompanionFolder::Addons, companions.addons));
  TRY(assembly.add(CompanionFolder::Credentials, companions.credentials));
  TRY(assembly.add(CompanionFolder::Extra, companions.extra));
  return std::move(assembly).finish(companions);
}

}  // namespace vhdboot::entry
