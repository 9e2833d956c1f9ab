// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool boot-set: which blocks of an image a boot needs, for those who fetch it (init/arrive/boot_set.h).
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "entry/folders.h"
#include "entry/fstab.h"
#include "init/arrive/block_map.h"
#include "init/arrive/boot_set.h"
#include "init/guest/module_folder.h"
#include "init/guest/root.h"
#include "init/modules/codecs.h"
#include "init/modules/modules.h"
#include "init/sys/file.h"
#include "kexec/plan.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdtool/check_entry.h"
#include "tools/vhdtool/check_image.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/inspected_disk.h"
#include "tools/vhdtool/open_image.h"
#include "tools/vhdtool/part_file.h"

namespace vhdboot::vhdtool {
namespace {

using arrive::Blocks;
using arrive::kBlock;

constexpr std::string_view kHelp = R"(Usage: vhdtool boot-set FILE

Prints which blocks of the image FILE a boot needs, in the order in which it
needs them, for `vhdtool fetch --boot-set`: put it beside the image on the web
server, as FILE.boot-set.

Of an image that arrives, with FILE.map beside it, it is what its boots have
read. Of a complete image, a fixed VHD, it is what comes before its kernel is
started: its boot entries, kernel, initrd and modules with the drivers of disks
and network cards. For that it is looked into, which takes root; nothing of it is
changed.

  -h, --help  this text

Example:
  sudo vhdtool boot-set debian.vhd > debian.vhd.boot-set
)";

Result<std::vector<std::byte>> read_bytes(const Fd& file, std::uint64_t offset, std::uint64_t size) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  if (TRY(read_some(file, offset, bytes)) != bytes.size()) return fail(Code::Corrupt, "it is cut off");
  return bytes;
}

// What is kept beside an image that arrives.
Result<std::string> recorded(const std::string& path) {
  const Fd file = TRY(sys::open_file(path, O_RDONLY));
  const auto header = TRY(arrive::parse_map_header(TRY(read_bytes(file, 0, kBlock))));
  const arrive::MapLayout layout(header.data_blocks);
  const auto record = TRY(read_bytes(file, layout.record.first * kBlock, layout.record.count * kBlock));
  return arrive::to_text(arrive::parse_record(record, header.data_blocks), header.data_blocks);
}

// What is read ahead by this descriptor would count as needed.
void do_not_read_ahead(const Fd& file) {
  (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_RANDOM);
}

// Which pages of a file are in memory, as runs of blocks: what has been read of it.
class PagesInMemory {
 public:
  // Drops what nobody needs of them.
  static Result<std::unique_ptr<PagesInMemory>> start(const Fd& file, std::uint64_t size) {
    if (::sysconf(_SC_PAGESIZE) != long{kBlock})
      return fail(Code::Unsupported, "this machine has pages of another size");
    if (::fsync(file.get()) < 0) return fail_errno("writing what is in memory");
    if (const int error = ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED); error != 0)
      return fail_errno("dropping what is in memory", error);
    return std::unique_ptr<PagesInMemory>(new PagesInMemory(file, size));
  }

  // Takes note of those that are there now: others may need the memory again soon.
  [[nodiscard]] Result<void> look() {
    constexpr std::uint64_t kWindow = 1ULL << 30;
    std::vector<unsigned char> there(kWindow / kBlock);
    for (std::uint64_t at = 0; at < size_; at += kWindow) {
      const auto length = static_cast<std::size_t>(std::min(kWindow, size_ - at));
      void* const mapped = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, file_.get(), static_cast<off_t>(at));
      if (mapped == MAP_FAILED) return fail_errno("looking at what is in memory");
      const int told = ::mincore(mapped, length, there.data());
      ::munmap(mapped, length);
      if (told != 0) return fail_errno("looking at what is in memory");
      for (std::uint64_t page = 0; page < length / kBlock; ++page)
        if ((there[page] & 1U) != 0) seen_.add({.first = at / kBlock + page, .count = 1});
    }
    return {};
  }

  [[nodiscard]] std::vector<Blocks> seen() const {
    std::vector<Blocks> found;
    for (std::uint64_t at = seen_.next(0, true); at < seen_.data_blocks();) {
      const std::uint64_t end = seen_.next(at, false);
      found.push_back({.first = at, .count = end - at});
      at = seen_.next(end, true);
    }
    return found;
  }

 private:
  PagesInMemory(const Fd& file, std::uint64_t size)
      : file_(file), size_(size), bits_(static_cast<std::size_t>(size / kBlock / 8 + 1)), seen_(bits_, size / kBlock) {}
  const Fd& file_;
  std::uint64_t size_;
  std::vector<std::byte> bits_;
  arrive::BlockMap seen_;
};

void collect_names(const disk::Folder& tree, const std::string& folder, std::vector<std::string>& names) {
  for (const std::string& name : tree.list(folder)) {
    const std::string path = concat(folder, '/', name);
    if (tree.is_folder(path))
      collect_names(tree, path, names);
    else if (name.contains(".ko"))
      names.push_back(modules::module_name(name));
  }
}

// Those with which it may be booted, on whatever machine.
Result<void> read_modules(const guest::ModuleFolder& folder, const kexec::CommandLine& line, PagesInMemory& pages) {
  std::vector<std::string> names{
      "dm_mod",     "loop",        "nbd",         "macvlan",    "ahci",         "ata_piix",     "nvme",
      "vmd",        "sd_mod",      "usb_storage", "uas",        "xhci_pci",     "ehci_pci",     "virtio_pci",
      "virtio_blk", "virtio_scsi", "virtio_net",  "hv_storvsc", "hv_netvsc",    "mmc_block",    "sdhci_pci",
      "sdhci_acpi", "vmw_pvscsi",  "vmxnet3",     "mpt3sas",    "xen_blkfront", "xen_netfront", "megaraid_sas",
      "ext4",       "btrfs",       "xfs",         "f2fs"};
  collect_names(folder.tree, "/kernel/drivers/net/ethernet", names);
  const auto index = TRY(guest::read_index(folder, guest::read_modprobe(folder, line)));
  std::erase_if(names, [&](const std::string& name) { return !index.has(name); });
  for (const std::string& file : index.resolve(names).files) {
    static_cast<void>(TRY(guest::read_module(folder, file, modules::make_decompressor)));
    TRY(pages.look());
  }
  static_cast<void>(guest::read_kernel_config(folder));
  return {};
}

Result<void> read_start(InspectedDisk& disk, const BootChoice& choice, PagesInMemory& pages) {
  TRY(pages.look());
  {
    std::vector<std::byte> kernel(static_cast<std::size_t>(choice.plan.kernel.range.length));
    TRY(kexec::read_kernel(choice.plan, kernel));
    std::vector<std::byte> initrd(static_cast<std::size_t>(kexec::initrd_size(choice.plan, {})));
    TRY(kexec::read_initrd(choice.plan, {}, initrd));
    TRY(pages.look());
  }
  const record::Config config;
  const auto search =
      TRY(guest::find_module_folder(disk, nullptr, config, guest::module_request(choice.release, choice.line)));
  if (!search.folder)
    return fail(Code::Unsupported,
                concat("its kernel needs modules to be booted while the image arrives: ", search.reason));
  return read_modules(*search.folder, choice.line, pages);
}

// What stage 1 does, beside a running system.
Result<void> read_as_boot(const std::string& path, PagesInMemory& pages) {
  const Image image = TRY(open_image(path, Parents::Ignored));
  Findings findings;
  const CheckedImage checked = check_image(*image.file, path, {}, findings);
  if (!checked.table) return fail(Code::Corrupt, "its partition table cannot be read");
  auto backing = open_backing(path, {{.logical = 0, .physical = 0, .length = image.file->size()}});
  if (backing) do_not_read_ahead(backing->fd);
  InspectedDisk disk(*checked.disk, *checked.table, std::move(backing));
  Result<void> read = fail(Code::Unsupported, "nothing in it can be booted: see `vhdtool check`");
  const auto judge = [&](const BootChoice& choice, Findings&) -> Result<void> {
    read = read_start(disk, choice, pages);
    return {};
  };
  static_cast<void>(check_entries(disk, record::Config(), judge, findings));
  TRY(std::move(read));
  for (const disk::GuestTree& root : entry::root_trees(disk)) {
    static_cast<void>(root.read_text("/etc/fstab", entry::kMaxFstabBytes));
    static_cast<void>(guest::read_tables(root));
  }
  return pages.look();
}

Result<std::string> needed(const std::string& path) {
  if (::geteuid() != 0) return fail(Code::Unsupported, "run this as root to look into it");
  const Fd file = TRY(sys::open_file(path, O_RDWR));  // of others nobody is told what is in memory
  std::uint64_t size = 0;
  {
    const Image image = TRY(open_image(path, Parents::Ignored));
    size = image.file->size();
    if (image.disk->info().format != vhd::Format::FixedVhd || size % kBlock != arrive::kTail)
      return fail(Code::Unsupported, "only a fixed VHD of whole blocks of 4096 bytes is booted while it arrives");
  }
  const auto pages = TRY(PagesInMemory::start(file, size));
  // The second time for what the system had no memory for.
  for (int time = 0; time < 2; ++time) TRY(read_as_boot(path, *pages));
  return arrive::to_text(pages->seen(), size / kBlock);
}

}  // namespace

ExitStatus run_boot_set(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"FILE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  const std::string map = arrive::map_path(path);
  const bool arrives = is_there(map);
  const auto text = arrives ? recorded(map) : needed(path);
  if (!text) return tools::failed(argv[0], arrives ? map : path, text.error());
  tools::print(*text);
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
