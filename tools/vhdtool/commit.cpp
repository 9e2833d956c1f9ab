// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool commit: what a differencing image holds goes into its parent (vhd/merge.h), which then takes its name.
//
// The order: the mark (merge_mark.h); all that the child holds, durable, into the parent; a second name for the child;
// the child's name for the parent; for a VHDX a new GUID; the second name and the mark go. Whatever it is stopped at,
// the image reads the same under its name, or the mark says how to go on.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "base/text.h"
#include "init/sys/random.h"
#include "tools/common/host_file.h"
#include "tools/common/image_reader.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/block_file.h"
#include "tools/vhdtool/child_file.h"
#include "tools/vhdtool/children.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/merge_mark.h"
#include "tools/vhdtool/open_image.h"
#include "tools/vhdtool/part_file.h"
#include "tools/vhdtool/progress_show.h"
#include "vhd/disk.h"
#include "vhd/dynamic_vhd_writer.h"
#include "vhd/merge.h"
#include "vhd/vhdx_attach.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool commit IMAGE

Keeps for good what was written to the differencing image IMAGE: it is written
into the file below, which `vhdtool snapshot` has kept. That file then takes the
name IMAGE, and is no longer read-only; the state that it had before is gone. Of
a longer chain this is one step: the next commit takes the next file. Nothing
may have one of the two files open, and no other differencing image may stand on
them.

The file below grows by what it has no place for, and has it before anything
else is changed. When all is written it is compared.

Ctrl-C may stop it at any time, and so may a loss of power: run it again to go
on. IMAGE reads the same all the time, and may be used in between; but it cannot
be rolled back any more, as the file below has a part of both.

  -h, --help  this text

Example:
  vhdtool commit /media/data/debian.vhdx
)";

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}

// While this lives its file may be written. Then it is protected as before, unless keep() was called.
class Unprotected {
 public:
  /// `keep_time`: a child knows the file by the time of its last change.
  Unprotected(std::string path, bool keep_time) : path_(std::move(path)) {
    struct stat status{};
    if (keep_time && ::stat(path_.c_str(), &status) == 0) changed_ = status.st_mtim;
    protected_ = clear_read_only(path_);
  }
  Unprotected(const Unprotected&) = delete;
  Unprotected& operator=(const Unprotected&) = delete;
  ~Unprotected() {
    if (path_.empty()) return;
    if (changed_) {
      const timespec times[] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, *changed_};
      (void)::utimensat(AT_FDCWD, path_.c_str(), times, 0);
    }
    if (protected_) set_read_only(path_);
  }
  void keep() { path_.clear(); }

 private:
  std::string path_;
  std::optional<timespec> changed_;
  bool protected_ = false;
};

// A UUID of a VHD stays when it is written to. A mere copy has another time as well, so a person may say what it is.
Result<void> check_times(const Disk& disk, bool begun) {
  for (const Disk* one = &disk; one->parent() != nullptr; one = one->parent()) {
    const auto known = one->info().parent->timestamp;
    if (!known || *known == 0 || (begun && one == &disk)) continue;
    const std::string& parent = one->info().parent_name;
    struct stat status{};
    if (::stat(parent.c_str(), &status) != 0) return fail_errno(concat("looking at ", printable(parent)));
    if (vhd_time(status.st_mtim.tv_sec) == *known) continue;
    return fail(Code::Unsafe,
                concat(printable(parent), " was changed at another time than its child knows: if it was written to ",
                       "since, what would be merged is wrong; if it is a copy, say so with `touch -d @",
                       kVhdEpoch + std::int64_t{*known}, " \"", printable(parent), "\"`"));
  }
  return {};
}

// That the two may be merged: the path of the parent.
Attempt<std::string> check_chain(const std::string& image, const std::string& child, const Disk& disk,
                                 const std::optional<std::string>& begun) {
  const DiskInfo& info = disk.info();
  if (!info.differencing)
    return fail(Code::Unsupported,
                concat("it is a ", describe(info), ", no differencing image: there is nothing to merge it into"));
  const std::string extension = to_lower_ascii(image.substr(std::min(image.rfind('.'), image.size())));
  if (extension == ".avhdx" || extension == ".avhd")
    return fail(Code::Unsupported,
                "it is a checkpoint of Hyper-V, which knows the files by their names: merge it there");
  std::string parent = info.parent_name;
  if (folder_of(parent) != folder_of(image) || real_path(parent) != parent)
    return fail(Code::Unsupported, concat("its parent ", printable(parent),
                                          " is in another folder: merge it in Windows, or bring both into one folder"));
  TRY(check_no_child(child, info));
  TRY(check_no_child(parent, disk.parent()->info(), child.substr(folder_of(child).size())));
  TRY(check_times(disk, begun == parent));
  if (auto free = HostFile::open(parent, Access::Read); !free) {
    free.error().error = std::move(free.error().error).within(concat("its parent ", printable(parent)));
    return std::unexpected(std::move(free).error());
  }
  return parent;
}

Attempt<void> write_into(ByteFile& parent, BlockWriter* writer, const Disk& child, const Watch& watch) {
  auto merged = merge(parent, writer, child, watch);
  // What it came to is in order; without this it would be so after a replay of its log.
  if (writer != nullptr && (merged || is_stop(merged.error()))) TRY(writer->close());
  if (!merged) return std::unexpected(Refusal(std::move(merged).error()));
  return {};
}

// Until the parent alone reads as the child. A mark that is there is not written again: it must not be lost.
Attempt<void> merge_into(const std::string& parent, const Disk& child, const MergeMark& mark, bool begun) {
  const MergePlan plan = TRY(plan_merge(child));
  ProgressShow show(2 * plan.bytes);
  const Watch watch = Interruption::watch(show);
  if (child.parent()->info().block_size == 0) {
    const auto file = TRY(HostFile::open(parent, Access::Change));
    TRY(check_places(*file, parent));
    if (!begun) TRY(mark.put(parent));
    TRY(write_into(*file, nullptr, child, watch));
  } else {
    BlockFile file = TRY(BlockFile::open(parent));
    const std::uint64_t more = plan.new_blocks - std::min(plan.new_blocks, file.free());
    TRY(file.lengthen(size_with_reserve(file.info(), file.file().size(), more)));
    if (!begun) TRY(mark.put(parent));
    std::unique_ptr<BlockWriter> writer;
    if (file.is_vhdx())
      writer = TRY(file.vhdx_writer());
    else
      writer = TRY(DynamicVhdWriter::open(file.file()));
    TRY(write_into(file.file(), writer.get(), child, watch));
  }
  const Image merged = TRY(open_image(parent));
  TRY(check_merged(*merged.disk, child, watch));
  return {};
}

// The parent gets the name. Where the file system has second names there is an image at any moment.
Result<void> take_name(const std::string& image, const std::string& parent, const std::string& part) {
  struct stat here{};
  struct stat there{};
  if (is_there(image)) {
    if (::stat(image.c_str(), &here) != 0) return fail_errno(printable(image));
    const bool linked =
        ::lstat(part.c_str(), &there) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino;
    if (!linked) {
      // What another command has left incomplete.
      if (::unlink(part.c_str()) != 0 && errno != ENOENT) return fail_errno(printable(part));
      if (::link(image.c_str(), part.c_str()) != 0) TRY(rename_to_free(image, part));
    }
    TRY(sync_folder_of(image));
  } else if (::stat(part.c_str(), &here) != 0) {
    return fail_errno(printable(part));
  }
  // Some file systems have one owner and mode for all.
  if (::chown(parent.c_str(), here.st_uid, here.st_gid) == 0 || here.st_uid == ::geteuid())
    (void)::chmod(parent.c_str(), here.st_mode & 0777);
  if (::rename(parent.c_str(), image.c_str()) != 0)
    return fail_errno(concat("giving ", printable(parent), " its name"));
  return sync_folder_of(image);
}

// What is left to do once the image is the merged one.
Attempt<std::string> finish(const std::string& image, const MergeMark& mark) {
  std::string what;
  {
    const auto file = TRY(HostFile::open(image, Access::Change));
    const auto disk = TRY(open_disk(*file, image));
    // Another child of what it was, wherever that is, knows it no more.
    if (disk->info().format == Format::Vhdx)
      TRY(attach_vhdx(*file, {.file_write = TRY(sys::random_uuid()), .data_write = TRY(sys::random_uuid())}));
    what = describe(disk->info());
  }
  const std::string part = PartFile::part_path(image);
  if (::unlink(part.c_str()) != 0 && errno != ENOENT) return fail_errno(printable(part));
  TRY(mark.remove());
  return what;
}

// Whether it says that the file at `parent` is below it.
Result<bool> stands_on(const std::string& image, const std::string& parent) {
  const Image opened = TRY(open_image(image, Parents::Ignored));
  const auto& link = opened.disk->info().parent;
  return link && std::ranges::any_of(link->paths, [&](const std::string& path) {
           return folder_of(image) + local_parent_path(path) == parent;
         });
}

// What there is to say.
Attempt<std::string> commit(const std::string& image) {
  const MergeMark mark(image);
  const auto begun = TRY(mark.parent());
  if (begun && is_there(image) && !is_there(*begun) && !TRY(stands_on(image, *begun)))
    return concat("completed what an earlier run has begun: it is a ", TRY(finish(image, mark)));
  const std::string part = PartFile::part_path(image);
  const std::string child = begun && !is_there(image) ? part : image;
  auto file = TRY(HostFile::open(child, Access::Change));
  auto disk = TRY(open_disk(*file, child, open_parent_beside));
  const std::string parent = TRY(check_chain(image, child, *disk, begun));
  const Interruption interruption;
  {
    Unprotected unprotected(parent, disk->info().parent->timestamp.has_value());
    TRY(merge_into(parent, *disk, mark, begun == parent));
    TRY(take_name(image, parent, part));
    unprotected.keep();
  }
  disk.reset();
  file.reset();
  const std::string what = TRY(finish(image, mark));
  return concat("all of it is in the file that was ", printable(parent), ", which has its name now: a ", what);
}

}  // namespace

ExitStatus run_commit(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"IMAGE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  const std::string image = real_path(path);
  auto done = commit(image);
  if (!done) {
    Error error = std::move(done).error().error;
    const auto begun = MergeMark(image).parent();
    const bool is_begun = begun && begun->has_value();
    if (is_stop(error))
      error.text = concat("stopped by a signal; ", is_begun ? "run it again to go on" : "it is as it was");
    else if (is_begun)
      error.text += "; a merge was begun: run it again to go on";
    return tools::failed(argv[0], path, error);
  }
  tools::print(concat(printable(path), ": ", *done, '\n'));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
