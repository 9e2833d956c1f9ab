// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool provision: blocks of a growing image get their places now (vhd/provision.h).
#include <getopt.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/size_text.h"
#include "base/text.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/block_file.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/progress_show.h"
#include "vhd/dynamic_vhd_writer.h"
#include "vhd/provision.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool provision FILE [--full | +SIZE]

Gives the blocks of a dynamic or differencing VHD or VHDX their places in FILE
now, so that a guest can write to them with nothing else running. What the disk
contains does not change. A block that a parent has is copied from there. The
places are the reserve of the file, and then space behind its end; all of it is
written, with zeros where the disk has nothing.

With --full, and without any of the two, all blocks: the file then needs as much
room as the disk has, and a VHDX without a parent becomes one of fixed size.
With +SIZE, so many bytes of blocks more, the first ones of the disk.

Ctrl-C may stop it at any time, and so may a loss of power: run it again to go
on. When the file system is too small the file stays as it is.

      --full  all blocks
  -h, --help  this text

Example:
  vhdtool provision --full /media/windows/wsl/ext4.vhdx
)";

std::uint64_t whole_blocks(std::uint64_t bytes, std::uint64_t block) {
  return bytes / block + (bytes % block == 0 ? 0 : 1);
}

Attempt<Provisioned> give_places(BlockFile& image, BlockWriter& writer, const ProvisionPlan& plan) {
  ProgressShow show(plan.new_blocks * image.info().block_size);
  auto done = provision(image.file(), writer, image.disk(), plan, Interruption::watch(show));
  if (done) return *done;
  Error error = std::move(done).error();
  if (tools::is_stop(error)) {
    // What it came to is in order; without this it would be so after a replay of its log.
    TRY(writer.close());
    error.text = "stopped by a signal; run it again to go on";
  }
  return std::unexpected(std::move(error));
}

/// `bytes`: nothing for all blocks. Returns what there is to say.
Attempt<std::string> provision_file(const std::string& path, std::optional<std::uint64_t> bytes) {
  BlockFile image = TRY(BlockFile::open(path));
  const Interruption interruption;
  const std::uint64_t block = image.info().block_size;
  ProvisionPlan plan{.new_blocks = std::min(image.absent(), bytes ? whole_blocks(*bytes, block) : image.absent()),
                     .zeros_from = image.file().size()};
  const std::uint64_t more = plan.new_blocks - std::min(plan.new_blocks, image.free());
  TRY(image.lengthen(size_with_reserve(image.info(), image.file().size(), more)));
  const bool full = plan.new_blocks == image.absent();
  Provisioned done;
  if (image.is_vhdx()) {
    const auto writer = TRY(image.vhdx_writer());
    done = TRY(give_places(image, *writer, plan));
    if (full) TRY(mark_fixed(image.file(), *writer));
    TRY(writer->close());
  } else {
    const auto writer = TRY(DynamicVhdWriter::open(image.file()));
    done = TRY(give_places(image, *writer, plan));
  }
  const std::string what =
      done.given + done.completed == 0
          ? std::string()
          : concat(done.given, " blocks got a place (", human_size(done.given * block), ")",
                   done.completed == 0 ? "" : concat(", ", done.completed, " were completed"), "; ");
  if (full) return what + "every block is in the file";
  return concat(what, image.absent() - done.given, " blocks have none yet");
}

}  // namespace

ExitStatus run_provision(int argc, char** argv) {
  enum : int { kFull = 256 };
  static constexpr std::array<option, 3> kOptions{
      {{"full", no_argument, nullptr, kFull}, {"help", no_argument, nullptr, 'h'}, {}}};
  bool full = false;
  int result = 0;
  while ((result = getopt_long(argc, argv, ":h", kOptions.data(), nullptr)) != -1) {
    switch (result) {
      case kFull:
        full = true;
        break;
      case 'h':
        tools::print(kHelp);
        return ExitStatus::Done;
      default:
        return tools::wrong_option("provision", result, argv);
    }
  }
  const int given = argc - optind;
  if (given < 1) return tools::wrong_usage("provision", "which FILE?");
  if (given > 2 || (given == 2 && full)) return tools::wrong_usage("provision", "one FILE, and --full or +SIZE");
  const std::string path = argv[optind];
  std::optional<std::uint64_t> bytes;
  if (given == 2) {
    const std::string_view size = argv[optind + 1];
    if (!size.starts_with('+')) return tools::wrong_usage("provision", "SIZE has a + in front: so much more");
    const auto parsed = parse_new_size(size, 0);
    if (!parsed) return tools::wrong_usage("provision", parsed.error().text);
    bytes = *parsed;
  }
  const auto done = provision_file(path, bytes);
  if (!done) return tools::failed("provision", path, done.error().error);
  tools::print(concat(printable(path), ": ", *done, '\n'));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
