// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool snapshot: the image gets another name and stays as it is; a differencing image of it takes its place. The new
// one is complete, under a name of the meantime, before any name changes.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "base/size_text.h"
#include "base/text.h"
#include "init/sys/random.h"
#include "tools/common/creation_time.h"
#include "tools/common/host_file.h"
#include "tools/common/image_reader.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/child_file.h"
#include "tools/vhdtool/children.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/merge_mark.h"
#include "tools/vhdtool/part_file.h"
#include "vhd/child.h"
#include "vhd/disk.h"
#include "vhd/dynamic_vhd.h"
#include "vhd/vhdx_attach.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool snapshot [--reserve SIZE] IMAGE [NAME]

Keeps IMAGE, a VHD or VHDX, as it is now: it becomes IMAGE.1, IMAGE.2 and so on,
as in debian.1.vhdx, or IMAGE.NAME, and is made read-only. In its place comes a
small differencing image that reads the same and takes what is written from now
on, in the same format, so that Windows, Hyper-V and diskpart open and merge it.
A guest writes to it as far as its reserve goes, of 64M at least for a VHDX and
128M for a VHD. Nothing may have IMAGE open.

`--reserve` is the free space inside the new file, written with zeros, in which
its blocks find their places: as much as may change until it is merged.

A loss of power, or Ctrl-C, leaves IMAGE as it was, or complete. Where the file
system needs two steps for the names, and the power fails between them, IMAGE is
not there: run the same command again.

  --reserve SIZE  64M, 8G; 1G when nothing is said
  -h, --help      this text

Examples:
  vhdtool snapshot --reserve 8G /media/data/debian.vhdx
  vhdtool snapshot /media/data/debian.vhd before-upgrade
)";

constexpr std::uint64_t kDefaultReserve = kGiB;

// "/a/debian.vhdx" in parts.
struct ImageName {
  std::string folder;  // with its '/'; empty: this one
  std::string stem;
  std::string extension;  // with its '.'

  [[nodiscard]] std::string snapshot(std::string_view name) const { return concat(stem, '.', name, extension); }
};

ImageName parts_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
  const std::size_t dot = path.rfind('.');
  const bool has_dot = dot != std::string::npos && dot > start;
  return {.folder = path.substr(0, start),
          .stem = path.substr(start, has_dot ? dot - start : std::string::npos),
          .extension = has_dot ? path.substr(dot) : ""};
}

bool is_same_file(const std::string& one, const std::string& other) {
  struct stat first{};
  struct stat second{};
  return ::stat(one.c_str(), &first) == 0 && ::stat(other.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

// One that a file may have on NTFS and exFAT, and that no shell stumbles over.
Result<void> check_name(std::string_view name) {
  const auto fits = [](char c) {
    return ('0' <= c && c <= '9') || ('a' <= to_lower_ascii(c) && to_lower_ascii(c) <= 'z') || c == '-' || c == '_';
  };
  if (!name.empty() && name.size() <= 64 && std::ranges::all_of(name, fits)) return {};
  return fail(Code::Invalid, "NAME is made of letters, digits, - and _, at most 64 of them");
}

Result<std::string> name_of_snapshot(const ImageName& image, const std::optional<std::string>& wanted) {
  if (wanted) {
    std::string name = image.snapshot(*wanted);
    if (is_there(image.folder + name)) return fail(Code::Invalid, concat(printable(name), " is there already"));
    return name;
  }
  constexpr unsigned kMost = 10'000;
  for (unsigned number = 1; number < kMost; ++number) {
    std::string name = image.snapshot(concat(number));
    if (!is_there(image.folder + name)) return name;
  }
  return fail(Code::Invalid, "there are too many snapshots: merge some of them");
}

// The child as whoever opens it will find it, before its parent has the new name: a chain may be too long for it.
Result<void> check_child(const std::string& child, const std::string& image, std::string_view kept) {
  const auto file = TRY(ImageReader::open(child));
  const auto open_parent = [&](std::string_view name, std::string_view path) -> Result<OpenedFile> {
    if (name != child || local_parent_path(path) != kept) return open_parent_beside(name, path);
    auto parent = TRY(ImageReader::open(image));
    const std::int64_t changed = parent->changed();
    return OpenedFile{image, std::move(parent), changed};
  };
  (void)TRY_IN("another snapshot of it could not be opened", open_disk(*file, child, open_parent));
  return {};
}

// By a second name where the file system has that, so that there is an image at any moment.
Result<void> exchange(const std::string& image, const std::string& snapshot, PartFile& part) {
  const std::string child = part.path();
  // Without it there may soon be no image any more: the next run completes it.
  part.keep();
  if (is_there(image) && !is_same_file(image, snapshot)) {
    if (::link(image.c_str(), snapshot.c_str()) != 0) {
      if (errno == EEXIST) return fail_errno(printable(snapshot));
      TRY(rename_to_free(image, snapshot));
    }
    TRY(sync_folder_of(image));
  }
  if (::rename(child.c_str(), image.c_str()) != 0)
    return fail_errno(concat("giving ", printable(child), " its name, which you can do yourself now"));
  return sync_folder_of(image);
}

// What a loss of power has left of an earlier run: a child that is complete, whose parent has its new name already.
std::optional<std::string> left_to_exchange(const std::string& image) {
  auto parent = parent_file(PartFile::part_path(image));
  if (!parent || (is_there(image) && !is_same_file(image, *parent))) return std::nullopt;
  return *std::move(parent);
}

Attempt<DiskInfo> look_at(HostFile& file, const std::string& path) {
  const auto disk = TRY(open_disk(file, path, open_parent_beside));
  // A boot and the tools look for children by these names.
  const std::string extension = to_lower_ascii(parts_of(path).extension);
  const std::string_view wanted = disk->info().format == Format::Vhdx ? ".vhdx" : ".vhd";
  if (disk->info().format != Format::Raw && extension != wanted)
    return fail(Code::Unsupported, concat("it is a ", describe(disk->info()), ", and its name does not end in ", wanted,
                                          ": rename it first"));
  if (disk->info().block_size != 0 && disk->info().format != Format::Vhdx && !TRY(read_dynamic_footer(file)).at_end)
    return fail(Code::Corrupt, "it does not end with its footer: `vhdtool reserve FILE 0` puts one there");
  // It cannot be filled any more once others stand on it.
  if (const auto missing = TRY(TRY(SpaceFile::reopen(file.descriptor())).missing()); !missing.empty())
    return fail(Code::Unsupported, concat("it has holes: run `vhdtool desparse \"", path, "\"` first"));
  // It would not find its parent under the new name.
  TRY(check_no_child(path, disk->info()));
  TRY(check_no_merge(path, disk->info()));
  if (disk->info().log_dirty) {
    // Otherwise whoever replays it later would write to what is not to change any more.
    TRY(attach_vhdx(file, {.file_write = TRY(sys::random_uuid()), .data_write = std::nullopt}));
  }
  return disk->info();
}

// What there is to say.
Attempt<std::string> snapshot(const std::string& image, std::uint64_t reserve,
                              const std::optional<std::string>& wanted) {
  const ImageName name = parts_of(image);
  const auto left = left_to_exchange(image);
  if (left && !is_there(image)) {
    const auto parent = TRY(HostFile::open(*left, Access::Read));  // nobody may use it
    PartFile part(image);
    TRY(exchange(image, *left, part));
    set_read_only(*left);
    return concat("completed what an earlier run has begun: ", printable(*left),
                  " is kept; to keep what is in it now, run it again");
  }
  const auto file = TRY(HostFile::open(image, Access::Change));
  // The second name that an earlier run has given it.
  if (left && ::unlink(left->c_str()) != 0) return std::unexpected(Refusal(sys_error(printable(*left), errno)));
  const DiskInfo info = TRY(look_at(*file, image));
  const std::string kept = TRY(name_of_snapshot(name, wanted));
  struct stat status{};
  if (::fstat(file->descriptor(), &status) != 0) return std::unexpected(Refusal(sys_error("looking at it", errno)));
  const NewFile child = TRY(make_child(info, {.parent_name = kept,
                                              .parent_changed = status.st_mtime,
                                              .now = creation_time(),
                                              .reserve = reserve,
                                              .id = TRY(sys::random_uuid()),
                                              .file_write = TRY(sys::random_uuid())}));
  const Interruption interruption;
  SpaceFile space = TRY(SpaceFile::create(PartFile::part_path(image)));
  PartFile part(image);
  TRY(write_child(space, child, file->descriptor()));
  TRY(check_child(part.path(), image, kept));
  const std::string snapshot = name.folder + kept;
  TRY(exchange(image, snapshot, part));
  set_read_only(snapshot);
  return concat(printable(snapshot), " is kept; from now on a differencing image of it takes what is written, ",
                human_size(reserve), " at most");
}

}  // namespace

ExitStatus run_snapshot(int argc, char** argv) {
  const tools::CommandLine line =
      tools::read_command_line(argc, argv, {{.name = "reserve", .has_value = true}}, {"IMAGE"}, kHelp, {"NAME"});
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  std::uint64_t reserve = kDefaultReserve;
  if (line.value("reserve") == "0") {
    reserve = 0;
  } else if (line.has("reserve")) {
    const auto size = parse_size(line.value("reserve"));
    if (!size) return tools::wrong_usage(argv[0], size.error().text);
    reserve = *size;
  }
  std::optional<std::string> name;
  if (line.arguments.size() > 1) {
    name = line.arguments[1];
    if (const auto fits = check_name(*name); !fits) return tools::wrong_usage(argv[0], fits.error().text);
  }
  auto done = snapshot(real_path(path), reserve, name);
  if (!done) {
    Error error = std::move(done).error().error;
    if (is_stop(error)) error.text = "stopped by a signal; it is as it was";
    return tools::failed(argv[0], path, error);
  }
  tools::print(concat(printable(path), ": ", *done, '\n'));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
