// SPDX-License-Identifier: GPL-2.0-or-later
// A unified kernel image with everything beside it: what systemd-stub 257 (systemd-stub(7), src/boot/stub.c) would hand
// to the kernel, which we do in its place.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "base/units.h"
#include "entry/companion.h"
#include "entry/uki.h"
#include "kexec/plan.h"

namespace vhdboot::entry {

/// The parts of `uki`, which was parsed from `file`: its sections alone, without what lies beside it.
[[nodiscard]] kexec::BootParts parts_of(const ByteSource& file, const Uki& uki);

/// A file of one of the companion folders, borrowed.
struct CompanionFile {
  std::string name;
  const ByteSource* file = nullptr;
};

/// What lies beside an image, by folder, in any order. What companion_kind() does not know is passed over.
struct Companions {
  std::vector<CompanionFile> addons;       ///< of CompanionFolder::Addons
  std::vector<CompanionFile> credentials;  ///< of CompanionFolder::Credentials
  std::vector<CompanionFile> extra;        ///< of CompanionFolder::Extra
  std::string smbios_options;              ///< see stub_options_of_smbios()
  std::string load_options = {};           ///< what a boot loader passes in the place of `.cmdline`; empty: nothing
};

/// All of them together: they are in memory while the guest boots.
inline constexpr std::uint64_t kMaxCompanionBytes = 1 * kGiB;

struct UkiParts {
  kexec::BootParts parts;
  std::unique_ptr<ByteSource> archives;  ///< what lies between the files in the archives; must outlive `parts`
  std::vector<std::string> warnings;     ///< each a sentence without a full stop
};

/// The parts of `uki`, which was parsed from `file`, and of its companions. In the order of systemd-stub:
///   microcode: of the addons, the last one first; of the image (the kernel takes the first that fits)
///   initrds: of the image
///   extras: an archive each for credentials, global credentials, system extensions, configuration extensions,
///   `.pcrsig`,
///     `.pcrpkey`, `.osrel`, `.profile`
///   addons: their initrds
///   command line: `load_options`, else `.cmdline`; those of the addons, `smbios_options`
/// where the addons are the global ones and then the image's own, each in the order of their names. (systemd-stub takes
/// load options while Secure Boot is off, as it is for us.)
/// An addon that cannot be used is passed over with a warning, as systemd-stub does. NoMemory: more than
/// kMaxCompanionBytes. Unsupported: more than kMaxCompanions.
[[nodiscard]] Result<UkiParts> uki_parts(const ByteSource& file, const Uki& uki, const Companions& companions);

/// Appends options of addons, or such as come from elsewhere, to a command line as systemd-stub does.
[[nodiscard]] std::string append_stub_options(std::string cmdline, std::string_view options);

}  // namespace vhdboot::entry
