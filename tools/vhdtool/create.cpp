// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool create: a new fixed VHD, all of it really written. It is made beside its place under another name and gets
// its own one when it is complete: whatever happens, FILE is either right or not there.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/random.h"
#include "base/size_text.h"
#include "base/text.h"
#include "tools/common/creation_time.h"
#include "tools/common/file_extents.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/progress_show.h"
#include "vhd/footer.h"
#include "vhd/refusal.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool create FILE SIZE

Makes a fixed VHD with a disk of SIZE. Every block of the file is allocated, in
one piece if the file system has one, and written with zeros, as booting from
the file needs it. SIZE is a number of bytes, a multiple of 512, or 512M, 64G,
2T in powers of 1024; 2040G at most.

While it is made it has the name FILE.vhdtool-part. Ctrl-C removes that; what a
loss of power leaves of it is replaced by the next `vhdtool create` of FILE.

  -h, --help  this text

Example:
  vhdtool create /media/data/debian.vhd 64G
)";

constexpr char kThere[] = "it exists already; choose another name, or `vhdtool grow` it";

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

/// The file under its name of the meantime; removed unless it got its own one.
class Part {
 public:
  explicit Part(std::string path) : path_(std::move(path)) {}
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  /// Never over a file that came into being meanwhile, where the file system has a way to say so.
  Result<void> rename_to(const std::string& path) {
    // By its number: the C library of the product has no function for it.
    if (::syscall(SYS_renameat2, AT_FDCWD, path_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
      if (errno != EINVAL && errno != ENOSYS) return fail_errno("giving it its name");
      if (exists(path)) return fail_errno("giving it its name", EEXIST);
      if (::rename(path_.c_str(), path.c_str()) != 0) return fail_errno("giving it its name");
    }
    path_.clear();
    return sync_folder_of(path);
  }

 private:
  static Result<void> sync_folder_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Some file systems know no syncing of a folder.
    if (fd.valid() && ::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS)
      return fail_errno("syncing its folder");
    return {};
  }

  std::string path_;
};

Result<void> check_complete(const SpaceFile& file) {
  if (const auto missing = TRY(file.missing()); !missing.empty())
    return fail(Code::Unsupported, concat("its file system left a hole at byte ", missing.front().offset,
                                          " although zeros were written there: use another file system"));
  return {};
}

/// "in 1 piece"; empty where the file system cannot say.
std::string pieces(const SpaceFile& file) {
  const auto extents = file_extents(file.descriptor());
  if (!extents) return "";
  std::uint64_t count = 0;
  const FileExtent* last = nullptr;
  for (const FileExtent& extent : *extents) {
    if (last == nullptr || last->place.physical + last->place.length != extent.place.physical) ++count;
    last = &extent;
  }
  return concat(", in ", count, count == 1 ? " extent" : " extents");
}

Result<std::string> create(const std::string& path, std::uint64_t size) {
  const Footer footer = TRY(make_fixed_footer(size, TRY(random_uuid()), creation_time()));
  if (exists(path)) return fail(Code::Invalid, kThere);

  const Interruption interruption;
  const std::string part_path = path + ".vhdtool-part";
  SpaceFile file = TRY(SpaceFile::create(part_path));
  Part part(part_path);
  // Another one may have completed it just before this one got the name of the meantime.
  if (exists(path)) return fail(Code::Invalid, kThere);
  const Range all{0, size + kFooterSize};
  if (const std::uint64_t room = TRY(file.room()); room < all.length)
    return fail(Code::Io, concat("its file system has room for ", human_size(room), " (", room, " bytes), ", all.length,
                                 " are needed"));
  TRY(file.reserve(all));
  {
    ProgressShow show(size);
    TRY(file.write_zeros({0, size}, Interruption::watch(show)));
  }
  const FooterBytes bytes = serialise(footer);
  TRY(file.write(size, bytes));
  TRY(file.sync());
  TRY(check_complete(file));
  std::string extents = pieces(file);
  TRY(part.rename_to(path));
  return extents;
}

}  // namespace

ExitStatus run_create(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"FILE", "SIZE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  const auto size = parse_size(line.arguments[1]);
  if (!size) return tools::wrong_usage(argv[0], size.error().text);
  auto created = create(path, *size);
  if (!created) {
    Error& error = created.error();
    if (is_stop(error)) error.text = "stopped by a signal; nothing is left of it";
    return tools::failed(argv[0], path, error);
  }
  tools::print(concat(printable(path), ": a fixed VHD with a disk of ", human_size(*size), " (", *size, " bytes)",
                      *created, '\n'));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
