// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/core/engine.h"
#include "init/sys/file.h"
#include "init/volume/file_source.h"
#include "init/volume/path.h"
#include "init/volume/volume.h"
#include "vhd/host_file.h"
#include "vhd/image_reader.h"
#include "vhd/tool/check_image.h"
#include "vhd/tool/check_modules.h"
#include "vhd/tool/check_place.h"
#include "vhd/tool/check_report.h"
#include "vhd/tool/commands.h"
#include "vhd/tool/guest_root.h"
#include "vhd/tool/mounted_file.h"
#include "vhd/tool/output.h"

namespace vhdboot::tool {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdtool check [OPTION]... FILE

Would the disk image FILE boot with vhdboot, and if not, why not: every reason,
each with what to do. Nothing is changed. As root it also looks for the kernel
modules that a boot needs, in the guest's root file system.

      --volume DEVICE   FILE is a path on this NTFS or exFAT volume, which is
                        not mounted; its state and where FILE lies are checked
      --engine ENGINE   how the image will be attached: extents (default), loop
      --json            a list of {check, severity, text}
      --quiet           say nothing, the exit status tells
  -h, --help            this text

Exit status: 0 it boots, 1 it boots with warnings, 2 it will not, or it could
not be checked.

Examples:
  vhdtool check debian.vhd
  sudo vhdtool check --volume /dev/sdb1 /boot/debian.vhd
  vhdtool check --json debian.vhd | jq '.[] | select(.severity != "ok")'
)";

struct Options {
  std::string volume;
  core::Engine engine = core::Engine::Extents;
  bool json = false;
  bool quiet = false;
  std::string file;
};

// Where the guest disk can be read in place.
struct Backing {
  Fd fd;
  std::vector<Extent> extents;
};

void look_for_modules(const Result<Backing>& backing, const CheckedImage& image, core::Engine engine,
                      std::optional<volume::Kind> kind, Findings& findings) {
  if (!image.table || !image.choice) return;  // nothing would be booted: said already
  if (image.payload_size == 0) return modules_unchecked("the image must be converted first", findings);
  if (!backing) return modules_unchecked(backing.error().message(), findings);
  auto texts = read_guest_modules(backing->fd, backing->extents, *image.table, *image.choice);
  if (!texts) return modules_unchecked(texts.error().message(), findings);
  const auto index = core::ModuleIndex::parse(*std::move(texts));
  if (!index)
    findings.error("modules", index.error().within("the guest's kernel modules"));
  else
    check_modules(*index, engine, kind, image.choice->release, findings);
}

Result<Findings> check_file(const Options& options) {
  const auto file = TRY(vhd::ImageReader::open(options.file));
  const MountedFile facts = TRY(examine_mounted(options.file));
  Findings findings;
  check_mounted(facts, findings);
  const CheckedImage image = check_image(*file, options.file, findings);
  auto fd = sys::open_file(options.file, O_RDONLY);
  Result<Backing> backing = std::unexpected(Error{});
  if (fd)
    backing = Backing{*std::move(fd), {{.logical = 0, .physical = 0, .length = file->size()}}};
  else
    backing = std::unexpected(fd.error());
  look_for_modules(backing, image, options.engine, facts.kind, findings);
  return findings;
}

// Opened so that a volume which somebody has mounted is refused.
Result<std::unique_ptr<sys::FdSource>> open_unmounted(const std::string& path) {
  struct stat status{};
  const bool there = ::stat(path.c_str(), &status) == 0;
  const bool block = there && S_ISBLK(status.st_mode);
  if (there && S_ISREG(status.st_mode))
    if (const auto loop = vhd::loop_device_of(status))
      return fail(Code::Busy, concat(printable(path), " is attached to ", *loop, ": detach it first"));
  auto fd = sys::open_file(path, O_RDONLY | O_NONBLOCK | (block ? O_EXCL : 0));
  if (!fd && fd.error().sys_errno == EBUSY)
    return fail(Code::Busy, concat(printable(path),
                                   " is mounted or in use: unmount it, or name the file where it is "
                                   "mounted without --volume"));
  if (!fd) return std::unexpected(std::move(fd).error());
  return sys::FdSource::adopt(*std::move(fd));
}

Result<Findings> check_on_volume(const Options& options) {
  const auto source = TRY(open_unmounted(options.volume));
  const auto reader = TRY_IN(options.volume, volume::HostVolume::open(*source));
  const auto path = TRY(volume::parse_path(options.file));
  const volume::FileLayout layout = TRY(reader->layout(path));
  int logical_block = 512;
  struct stat status{};
  if (::fstat(source->fd().get(), &status) == 0 && S_ISBLK(status.st_mode))
    (void)::ioctl(source->fd().get(), BLKSSZGET, &logical_block);

  Findings findings;
  check_volume(reader->kind(), reader->state(), findings);
  check_layout(layout, path, findings);
  if (layout.directory) return findings;
  const volume::FileSource file(*source, layout.extents, layout.size, layout.valid_size);
  const CheckedImage image = check_image(file, path.name(), findings);
  // Reading it in place takes extents that cover it.
  if (!check_mappable(layout, path)) return findings;
  if (image.payload_size > 0)
    check_attachment({.engine = options.engine,
                      .read_only = true,
                      .payload = {.offset = 0, .size = image.payload_size},
                      .file_size = layout.size,
                      .extents = layout.extents,
                      .device = {.size = source->size(),
                                 .logical_block = static_cast<std::uint32_t>(logical_block),
                                 .cluster_size = reader->cluster_size()},
                      .guest_block = image.table ? image.table->logical_block : 512},
                     findings);
  Result<Backing> backing = std::unexpected(Error{});
  if (auto fd = sys::open_file(options.volume, O_RDONLY))
    backing = Backing{*std::move(fd), layout.extents};
  else
    backing = std::unexpected(fd.error());
  look_for_modules(backing, image, options.engine, reader->kind(), findings);
  return findings;
}

// That it could not be checked is no better than that it will not boot.
constexpr int kUnchecked = 2;

}  // namespace

int run_check(int argc, char** argv) {
  enum : int { kVolume = 256, kEngine, kJson, kQuiet };
  static constexpr std::array<option, 6> kOptions{{{"volume", required_argument, nullptr, kVolume},
                                                   {"engine", required_argument, nullptr, kEngine},
                                                   {"json", no_argument, nullptr, kJson},
                                                   {"quiet", no_argument, nullptr, kQuiet},
                                                   {"help", no_argument, nullptr, 'h'},
                                                   {}}};
  Options options;
  int result = 0;
  while ((result = getopt_long(argc, argv, ":h", kOptions.data(), nullptr)) != -1) {
    switch (result) {
      case kVolume:
        options.volume = optarg;
        break;
      case kEngine: {
        const auto engine = core::parse_engine(optarg);
        if (!engine)
          return wrong_usage("check", concat("there is no engine \"", printable(optarg), "\", only extents and loop"));
        options.engine = *engine;
        break;
      }
      case kJson:
        options.json = true;
        break;
      case kQuiet:
        options.quiet = true;
        break;
      case 'h':
        print(kHelp);
        return finish("check");
      default:
        return wrong_option("check", result, argv[optind - 1]);
    }
  }
  if (argc - optind != 1) return wrong_usage("check", optind == argc ? "which FILE?" : "one FILE at a time");
  options.file = argv[optind];
  const auto findings = options.volume.empty() ? check_file(options) : check_on_volume(options);
  if (!findings) {
    (void)failed("check", options.file, findings.error());
    return kUnchecked;
  }
  if (!options.quiet) print(options.json ? check_json(*findings) + '\n' : check_text(options.file, *findings));
  return finish("check") == kDone ? check_status(*findings) : kUnchecked;
}

}  // namespace vhdboot::tool
