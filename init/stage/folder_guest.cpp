// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/folder_guest.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/cpio.h"
#include "base/text.h"
#include "base/units.h"
#include "init/stage/archive.h"
#include "init/sys/block.h"
#include "init/sys/pages.h"
#include "init/sys/reader.h"
#include "init/tree/erofs.h"

namespace vhdboot::stage {
namespace {

// Beside those that the guest's programs count from 0 on, as for memory.
constexpr int kFirstNumber = 900;
// Where stage 2 finds it.
constexpr std::string_view kFolderFile = "/vhdboot/folder";
// In the initramfs, below the guest's root; not in kArchiveFolder, all that is in there is removed.
constexpr char kLower[] = "/vhdboot-folder";
constexpr char kChanges[] = "/vhdboot-changes";

constexpr std::uint64_t kMost = kGiB;
constexpr std::size_t kMostSaid = 100;
constexpr auto kPatience = std::chrono::minutes(30);

// Of the program that reads it: a million files take some 550 MiB, and time.
sys::ChildLimits limits() {
  return {.memory = 2 * kGiB, .cpu_seconds = 1800};
}

std::string where(const FoundImage& image) {
  return concat(printable(image.path.text()), " on ", image.volume->description());
}

/// A cpio archive with one file, whose contents are borrowed.
class FolderArchive final : public ByteSource {
 public:
  FolderArchive(std::vector<std::byte> head, const ByteSource& contents, std::vector<std::byte> end)
      : head_(std::move(head)), end_(std::move(end)), file_(head_, contents), all_(file_, end_) {}
  [[nodiscard]] std::uint64_t size() const override { return all_.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    return all_.read(offset, out);
  }

 private:
  OwnedSource head_;
  OwnedSource end_;
  JoinedSource file_;
  JoinedSource all_;
};

Result<Fd> make_memory() {
  Fd file(::memfd_create("folder", MFD_CLOEXEC));
  if (!file) return fail_errno("taking memory for a folder");
  return file;
}

Result<sys::LoopDevice> attach(const Fd& file) {
  return sys::LoopDevice::attach(
      file, "vhdboot-folder",
      {.read_only = true, .direct_io = false, .first_number = kFirstNumber, .partitions = false});
}

// The disk: the file system's own part, and the whole partition behind it.
Result<void> complete(FoundImage& image, ShownFolder folder) {
  const sys::BlockDevice& device = image.volume->device;
  const std::uint64_t own = folder.file->size();
  const std::uint64_t partition = device.size / tree::kErofsBlock * tree::kErofsBlock;
  if (own == 0 || own % tree::kErofsBlock != 0) return fail(Code::Corrupt, "the folder was shown in another way");
  image.folder = std::move(folder);
  image.partition = std::make_unique<SliceSource>(*image.volume->source, 0, partition);
  image.file = std::make_unique<JoinedSource>(*image.folder->file, *image.partition);
  image.disk = TRY(vhd::open_disk(*image.file, "its folder"));
  if (image.info().format != vhd::Format::Raw || image.info().size != own + partition)
    return fail(Code::Unsupported, "the partition ends like an image file");
  image.view = {};
  image.view.devices = {{.numbers = device.numbers,
                         .size = device.size,
                         .logical_block = device.logical_block,
                         .cluster_size = image.volume->reader->cluster_size()},
                        {.numbers = TRY(sys::block_device(image.folder->device->name())).numbers,
                         .size = own,
                         .cluster_size = tree::kErofsBlock}};
  image.view.rows = {{.length = own / kSectorSize, .device = 1},
                     {.start = own / kSectorSize, .length = partition / kSectorSize, .device = 0}};
  image.view.size = own + partition;
  return {};
}

// Made under another name first, so that one that was cut off is not taken for the whole.
Result<void> put_in_place(const std::string& name) {
  const std::string made = concat(name, ".new");
  if (::rename(made.c_str(), name.c_str()) < 0) return fail_errno(name);
  const Fd folder = TRY(sys::open_file(kChanges, O_RDONLY | O_DIRECTORY));
  return ::syncfs(folder.get()) < 0 ? fail_errno(name) : Result<void>();
}

// The root of what is written lends its owner and its mode to that of the guest.
Result<void> make_upper(const std::string& upper) {
  const std::string made = concat(upper, ".new");
  struct stat top{};
  (void)::rmdir(made.c_str());
  if (::stat(kLower, &top) < 0 || ::mkdir(made.c_str(), 0700) < 0 ||
      ::chown(made.c_str(), top.st_uid, top.st_gid) < 0 || ::chmod(made.c_str(), top.st_mode & 07777) < 0)
    return fail_errno("making room for what the guest writes");
  return put_in_place(upper);
}

// Changes above another folder, or above another state of it, would be torn: files would be those of both.
Result<void> check_fingerprint(const std::string& fingerprint, bool has_changes) {
  const std::string path = concat(kChanges, "/folder");
  const std::string line = concat(fingerprint, '\n');
  const auto said = sys::exists(path) ? TRY(sys::read_text(path)) : std::string();
  if (said == line) return {};
  if (!has_changes) {
    TRY(sys::write_file(concat(path, ".new"), as_bytes(line), 0600));
    return put_in_place(path);
  }
  if (said.empty()) return fail(Code::Unsafe, "the image of `persist` has a folder \"upper\" that is not of vhdboot");
  return fail(Code::Unsafe,
              "the image of `persist` has changes to the folder as it was before: something in it is another since, "
              "by WSL or Windows. Make a new file system in that image, or start the folder without `persist` to "
              "look at it");
}

// A folder of the guest's own, or a new one: a link would lead out of it.
Result<void> check_is_no_link(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) < 0 || S_ISDIR(status.st_mode)) return {};
  return fail(Code::Unsupported, "its /run is no directory");
}

}  // namespace

Result<record::Config> config_for_folder(record::Config config) {
  const auto refuse = [](std::string_view why) { return fail(Code::Unsupported, concat("it is a folder, ", why)); };
  if (!config.kernel)
    return refuse(
        "and a distribution of WSL 1 has no kernel: name an image that has one with `kernel` in the configuration, or "
        "make an image of the folder with `vhdtool export`");
  if (config.ephemeral && !config.ephemeral->on)
    return refuse("which is only read: what the guest writes is forgotten, whatever `ephemeral` says; take it out");
  if (config.ephemeral && !config.ephemeral->file.empty())
    return refuse("and what is written above one goes to memory: `ephemeral` cannot name a scratch file");
  if (!config.keep.empty()) return refuse("which has no partitions to `keep`: use `persist`");
  if (config.module_source() == record::ModuleSource::Guest)
    return refuse("which comes without an initrd: `modules guest` has nothing to rely on; take it out");
  if (!config.ephemeral) config.ephemeral = record::kForgetting;
  if (!config.personality) config.personality = record::Personality::Wsl;
  return config;
}

Result<void> show_folder(FoundImage& image, const FolderProgress& progress) {
  const sys::Deadline deadline = sys::Deadline::in(kPatience);
  const std::uint64_t available = sys::available_memory().value_or(256 * kMiB);
  const std::uint64_t most = std::min(available / kFolderPart, kMost);
  ShownFolder folder;
  const Fd file = TRY(make_memory());
  std::uint64_t written = 0;
  const tree::FolderImageTo to{
      .write = [&](std::uint64_t offset, Bytes bytes) -> Result<void> {
        if (offset + bytes.size() > most)
          return fail(Code::NoMemory, concat("what has to be kept of it in memory is more than ", human_size(most),
                                             ", a sixth of what is free: give the machine more memory, or make an "
                                             "image of the folder with `vhdtool export`"));
        written += bytes.size();
        return write_at(file, offset, bytes);
      },
      .say =
          [&](std::string_view path, std::string_view text) {
            if (folder.said.size() < kMostSaid) folder.said.push_back(concat(path, ": ", text));
          },
      .go_on = [&](std::uint64_t files) -> Result<void> {
        if (deadline.passed(std::chrono::steady_clock::now()))
          return fail(Code::Timeout, "looking at all that is in it takes too long");
        return progress(files, written);
      },
  };
  const auto partition = TRY(sys::FdSource::open(image.volume->device.path));
  auto reader = TRY(sys::VolumeReader::open(*partition, image.volume->description(),
                                            {.child = sys::reader_program(std::string(kReaderProgram)),
                                             .answer_time = sys::kDiskAnswerTime,
                                             .limits = limits()}));
  folder.image = TRY_IN(image.volume->description(), reader->show_folder(image.path, most / 4 * 3, to));
  if (folder.image.size > most || ::ftruncate(file.get(), static_cast<off_t>(folder.image.size)) < 0)
    return fail(Code::NoMemory, concat(where(image), " takes more memory than there is"));
  folder.device = TRY(attach(file));
  folder.file = TRY(sys::FdSource::adopt(Fd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0))));
  TRY_IN(where(image), complete(image, std::move(folder)));
  return {};
}

Result<std::unique_ptr<ByteSource>> folder_archive(const ShownFolder& folder) {
  const std::string_view name = kFolderFile.substr(1);
  const std::string_view parent = kArchiveFolder.substr(1);
  const std::uint64_t size = folder.file->size();
  std::vector<std::byte> head(cpio::entry_size(parent, 0) + cpio::header_size(name));
  cpio::Writer writer(head);
  if (!writer.directory(parent) || !writer.header({.name = name, .mode = cpio::kRegular | 0400, .size = size}))
    return fail(Code::Unsupported, "the folder takes more memory than an initrd may");
  std::vector<std::byte> end(cpio::kTrailerSize);
  (void)cpio::Writer(end).finish();
  return std::make_unique<FolderArchive>(std::move(head), *folder.file, std::move(end));
}

Result<FoundImage> find_same_folder(HostVolume& volume, const record::Handoff& handoff) {
  const record::HandoffFile& then = handoff.files.front();
  const volume::Path path = TRY(volume::parse_path(then.path));
  FoundImage image = TRY(open_image({.volume = &volume, .path = path}, Writes::Forgotten, ParentVolume()));
  if (!image.is_folder() || image.path != path)
    return fail(Code::Unsafe, concat(where(image), " is not the folder that stage 1 saw: start the machine again"));
  if (!sys::exists(std::string(kFolderFile)))
    return fail(Code::Busy, "the folder can be shown once only: start the machine again");
  const Fd file = TRY(sys::open_file(std::string(kFolderFile), O_RDONLY));
  ShownFolder folder;
  folder.device = TRY(attach(file));
  folder.file = TRY(sys::FdSource::adopt(Fd(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0))));
  TRY_IN(where(image), complete(image, std::move(folder)));
  if (image.info().size == handoff.payload_size && blocks::checksum(image.view) == handoff.view) return image;
  return fail(Code::Unsafe, concat(where(image), " is on another partition than stage 1 saw: start the machine again"));
}

Result<FolderRoot> FolderRoot::mount(const std::string& device, const std::string& place,
                                     const FolderChanges& changes) {
  FolderRoot root;
  const auto add = [&](const std::string& source, const std::string& target, const std::string& type,
                       unsigned long flags, const std::string& options = {}) -> Result<void> {
    root.mounts_.push_back(TRY(sys::Mount::mount(source, target, type, flags, options)));
    return {};
  };
  TRY(add(device, kLower, "erofs", MS_RDONLY));
  if (changes.device.empty())
    TRY(add("tmpfs", kChanges, "tmpfs", 0, concat("mode=0755,size=", changes.most)));
  else
    TRY(add(changes.device, kChanges, std::string(kChangesType), 0));
  const std::string upper = concat(kChanges, "/upper");
  const std::string work = concat(kChanges, "/work");
  const bool has_changes = sys::exists(upper);
  if (!changes.device.empty()) TRY(check_fingerprint(changes.fingerprint, has_changes));
  if (!has_changes) TRY(make_upper(upper));
  TRY(sys::make_directories(work, 0700));
  // Nothing that is kept names a file of the folder by its number, which may be another one at the next start.
  TRY(add("vhdboot-folder", place, "overlay", 0,
          concat("lowerdir=", kLower, ",upperdir=", upper, ",workdir=", work,
                 ",redirect_dir=on,index=off,metacopy=off,xino=off,nfs_export=off")));
  // Before its init is there: what is left for it in /run is for the first that it reads.
  const std::string run = concat(place, "/run");
  TRY(check_is_no_link(run));
  TRY(add("tmpfs", run, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=20%,nr_inodes=800k"));
  // Where systemd sees it and leaves it, until it makes all that is left read-only at the very end.
  if (!changes.device.empty()) TRY(add(kChanges, concat(run, "/initramfs/vhdboot-changes"), "", MS_BIND));
  return root;
}

}  // namespace vhdboot::stage
