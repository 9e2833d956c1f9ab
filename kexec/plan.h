// SPDX-License-Identifier: GPL-2.0-or-later
// What is to be booted: the decision that stage 1 takes about a boot entry, as values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/range.h"
#include "base/result.h"
#include "kexec/bzimage.h"

namespace vhdboot::kexec {

/// A part of a file. The file is borrowed and must outlive the piece.
struct Piece {
  const ByteSource* file = nullptr;
  Range range;
  friend bool operator==(const Piece&, const Piece&) = default;
};

/// What a boot entry brings, whatever kind of entry it is.
struct BootParts {
  Piece kernel;
  std::vector<Piece> microcode;    ///< before every other archive
  std::vector<Piece> initrds;      ///< the guest's own, in order
  std::vector<Piece> extras;       ///< archives that are no initrd by themselves: credentials, signatures; behind them
  std::vector<Piece> addons = {};  ///< initrds that complete the guest's own: behind everything, so that they win
  std::string cmdline;
};

/// A piece and where it goes in the initrd that is handed to the kernel.
struct InitrdPart {
  Piece source;
  /// In the new initrd; a multiple of 4; gaps are zero bytes. A large piece lies in a page as it lies in its file, when
  /// the first piece does: then it can be read without the page cache.
  std::uint64_t destination = 0;
  friend bool operator==(const InitrdPart&, const InitrdPart&) = default;
};

struct KexecPlan {
  Piece kernel;
  BzImage header;                   ///< of that kernel
  std::vector<InitrdPart> initrds;  ///< in order: microcode, the guest's initrds, extras, addons
  std::uint64_t archive_at = 0;     ///< where the appended archive goes in the new initrd; a multiple of 4
  std::string cmdline;              ///< complete, with our rdinit=
  std::string guest_init;           ///< what stage 2 executes: the guest's own rdinit=, else "/init"
  bool has_initrd = false;          ///< the guest brings an initrd, be it in an addon; microcode alone is none
};

/// What of the new initrd is the guest's own, as the kernel will unpack it: the pieces at their places, of which
/// several may make one archive, with zeros between and behind them.
class GuestInitrd final : public ByteSource {
 public:
  /// Borrows the plan, and what that borrows.
  explicit GuestInitrd(const KexecPlan& plan) : plan_(plan) {}
  [[nodiscard]] std::uint64_t size() const override { return plan_.archive_at; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;

 private:
  const KexecPlan& plan_;
};

/// Kernel and initrds together: they are in memory twice before the jump.
inline constexpr std::uint64_t kMaxBootBytes = 2ULL << 30;

/// The bytes of the new initrd with `archive` behind the guest's own.
[[nodiscard]] std::uint64_t initrd_size(const KexecPlan& plan, Bytes archive);

/// Reads the kernel into `out`, which has the length of its piece.
[[nodiscard]] Result<void> read_kernel(const KexecPlan& plan, MutableBytes out);

/// Makes the new initrd in `out`, initrd_size() bytes that are zero.
[[nodiscard]] Result<void> read_initrd(const KexecPlan& plan, Bytes archive, MutableBytes out);

/// What stage 2 is called in the appended archive.
inline constexpr std::string_view kStage2Init = "/vhdboot/init";

/// Plans the boot of `parts`. `extra_options` are added to their command line.
/// Reads only the kernel's header. Unsupported or Corrupt: the kernel (see parse_bzimage()). Invalid: the command line
/// is longer than that kernel takes. NoMemory: more than kMaxBootBytes.
[[nodiscard]] Result<KexecPlan> make_plan(const BootParts& parts, std::string_view extra_options,
                                          std::string_view init = kStage2Init);

/// Does `cmdline` fit the kernel? Invalid, with both lengths, when it does not. kexec_file_load(2) keeps some bytes of
/// the kernel's cmdline_size for itself: longest_cmdline() counts them off.
[[nodiscard]] std::uint32_t longest_cmdline(const BzImage& header);
[[nodiscard]] Result<void> check_cmdline_length(std::string_view cmdline, const BzImage& header);

}  // namespace vhdboot::kexec
