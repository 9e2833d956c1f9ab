// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/judge.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/text.h"
#include "disk/file_tree.h"
#include "entry/folders.h"
#include "entry/fstab.h"
#include "init/blocks/check_writer.h"
#include "init/blocks/view.h"
#include "init/blocks/writer.h"
#include "init/guest/check_persist.h"
#include "init/guest/kept_partitions.h"
#include "init/guest/module_folder.h"
#include "init/guest/root.h"
#include "init/modules/codecs.h"
#include "init/modules/initrd_modules.h"
#include "init/modules/module_signature.h"
#include "init/record/config.h"
#include "init/record/image_path.h"
#include "init/stage/children.h"
#include "init/stage/find_image.h"
#include "init/sys/block.h"
#include "init/sys/file.h"
#include "init/sys/hardware.h"
#include "init/sys/mounted_tree.h"
#include "init/sys/volume_tree.h"
#include "init/volume/file_source.h"
#include "init/volume/path.h"
#include "init/volume/volume.h"
#include "tools/common/host_file.h"
#include "tools/common/image_reader.h"
#include "tools/common/mount_table.h"
#include "tools/vhdtool/check_config.h"
#include "tools/vhdtool/check_entry.h"
#include "tools/vhdtool/check_folder.h"
#include "tools/vhdtool/check_fstab.h"
#include "tools/vhdtool/check_image.h"
#include "tools/vhdtool/check_modules.h"
#include "tools/vhdtool/check_place.h"
#include "tools/vhdtool/check_storage.h"
#include "tools/vhdtool/children.h"
#include "tools/vhdtool/inspected_disk.h"
#include "tools/vhdtool/mounted_file.h"
#include "tools/vhdtool/mounted_parents.h"
#include "tools/vhdtool/persist_findings.h"
#include "tools/vhdtool/volume_parents.h"
#include "vhd/disk.h"
#include "vhd/pieces.h"

namespace vhdboot::vhdtool {
namespace {

// How the image would be booted.
struct Boot {
  record::Config config;
  std::vector<sys::DrivenDevice> chain;        // that its volume hangs on; empty: not known
  std::unique_ptr<const disk::FileTree> host;  // the files of its volume; null: not known
};

// Of the device in /dev; nothing for one that only shows what another holds.
std::vector<sys::DrivenDevice> chain_of(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> canonical(::realpath(path.c_str(), nullptr), &std::free);
  if (!canonical) return {};
  const std::string_view name(canonical.get());
  const auto device = sys::block_device(std::string(name.substr(name.rfind('/') + 1)));
  if (!device || sys::is_virtual(*device)) return {};
  return sys::hardware_of(*device).chain;
}

// Whether the kernel unpacks an initrd that need not bring modules. The boot does not take the time to ask, and so does
// not pass over one that is damaged.
void check_initrd(const BootChoice& choice, Findings& findings) {
  if (!choice.plan.has_initrd) return;
  const auto listed = modules::list_initrd(kexec::GuestInitrd(choice.plan), choice.release, modules::make_decompressor);
  if (const auto unpacked = modules::check_initrd(listed, {}, choice.release); !unpacked)
    findings.error("initrd", concat(choice.id, ": ", unpacked.error().message(), ": make it anew in the guest"));
}

Result<void> judge_modules(const guest::ModuleFolder& folder, const Boot& boot, const BootChoice& choice,
                           Findings& findings) {
  const auto index = guest::read_index(folder, guest::read_modprobe(folder, choice.line));
  if (!index) findings.error("modules", index.error().within("the guest's kernel modules"));
  if (!index) return std::unexpected(index.error());
  const bool has_guest_disk = check_modules(*index, choice.release, findings);
  const auto judge = [&](const std::string& file) -> Result<bool> {
    return modules::is_signed(TRY(guest::read_module(folder, file, modules::make_decompressor)));
  };
  const auto needs = modules::find_modules(*index, wanted_modules(boot.chain, choice.root_type));
  const auto complete = modules::check_missing(needs, choice.release, choice.plan.has_initrd);
  if (has_guest_disk && !complete) findings.error("modules", complete.error());
  check_module_files(
      needs, judge, choice.release, choice.line, [&] { return guest::read_kernel_config(folder); }, findings);
  check_controllers(*index, concat("kernel ", choice.release), findings);
  check_chain(*index, boot.chain, choice.release, findings);
  if (findings.count(Severity::Error) > 0) return fail(Code::Unsupported, "its modules do not fit");
  check_initrd(choice, findings);
  return {};
}

// The initrd has to bring what is not taken along, because of `why`.
Result<void> judge_initrd(const Boot& boot, const BootChoice& choice, std::string_view why, Findings& findings) {
  if (!choice.plan.has_initrd) {
    modules_unchecked(why, findings);
    return {};
  }
  const auto listed = modules::list_initrd(kexec::GuestInitrd(choice.plan), choice.release, modules::make_decompressor);
  const auto doubt = modules::check_initrd(listed, wanted_modules(boot.chain, ""), choice.release);
  const bool is_configured = boot.config.module_source() == record::ModuleSource::Guest;
  if (!doubt) {
    const std::string sentence =
        concat(choice.id, ": ", doubt.error().message(), " (", why, ')',
               is_configured ? "" : concat(": ", modules::initrd_remedy(boot.config.modules_folder.has_value())));
    findings.add("modules", is_configured ? Severity::Warning : Severity::Error, sentence);
    return is_configured ? Result<void>() : std::unexpected(doubt.error());
  }
  if (!doubt->empty()) findings.warning("modules", concat(choice.id, ": ", *doubt, " (", why, ")"));
  if (!doubt->empty()) return {};
  findings.ok("modules", concat("its initrd has what the guest disk is made of",
                                boot.chain.empty() ? "" : " and the drivers of the disk that this volume is on",
                                "; none are taken along: ", why));
  if (const auto index = modules::index_of(*listed); index && listed->tells_builtin)
    check_controllers(*index, concat("the initrd for kernel ", choice.release), findings);
  return {};
}

Result<void> look_for_modules(InspectedDisk& disk, const Boot& boot, const BootChoice& choice, Findings& findings) {
  if (boot.config.module_source() == record::ModuleSource::Guest)
    return judge_initrd(boot, choice, "`modules guest` leaves them to the guest's initrd", findings);
  if (boot.config.modules_folder && !boot.host) {
    modules_unchecked("the folder of `modules-from` is one of the volume that the image is booted from", findings);
    return {};
  }
  const auto search =
      guest::find_module_folder(disk, boot.host.get(), boot.config, guest::module_request(choice.release, choice.line));
  if (!search) findings.error(boot.config.modules_folder ? "modules" : "root", search.error());
  if (!search) return std::unexpected(search.error());
  if (search->folder) return judge_modules(*search->folder, boot, choice, findings);
  const auto unread = std::ranges::find_if(disk.unread(), &Unread::boot_may_read);
  if (boot.config.modules_folder || unread == disk.unread().end())
    return judge_initrd(boot, choice, search->reason, findings);
  modules_unchecked(unread->text, findings);
  return {};
}

void look_into_guest(const CheckedImage& image, Result<Backing> backing, const Boot& boot, Findings& findings) {
  if (!image.table) return;  // said already
  if (image.payload_size == 0)
    backing = fail(Code::Unsupported, "only FAT can be looked into where the disk does not lie in one file as it is");
  InspectedDisk disk(*image.disk, *image.table, std::move(backing));
  const auto judge = [&](const BootChoice& choice, Findings& found) {
    return look_for_modules(disk, boot, choice, found);
  };
  if (boot.config.forgets())
    if (const auto kept = guest::kept_partitions(disk, image.disk->size(), boot.config.keep); !kept)
      findings.error("keep", kept.error());
  if (boot.config.kernel)
    findings.warning("kernel", concat("it is started with the kernel of ", printable(*boot.config.kernel),
                                      ": not checked here, check that image, too"));
  else if (!check_entries(disk, boot.config, judge, findings))
    return;
  const auto roots = entry::root_trees(disk);
  if (roots.empty()) return;
  if (const auto fstab = roots.front().read_text("/etc/fstab", entry::kMaxFstabBytes)) check_fstab(*fstab, findings);
  const auto tables = guest::read_tables(roots.front());
  if (!tables) return findings.error("tables", tables.error());
  check_tables(*tables, findings);
  if (!boot.config.persist_file()) return;
  if (const auto kept = guest::check_persist_paths(boot.config.persist_paths, *tables); !kept)
    findings.error("persist", kept.error());
}

Result<std::string> read_config_file(const std::string& path) {
  const Fd fd = TRY(sys::open_file(path, O_RDONLY | O_NONBLOCK));
  return std::string(as_text(TRY_IN(path, sys::read_all(fd, record::kMaxConfigBytes))));
}

// By the command line, the file named there, or the one beside the image, which need not be there.
Result<record::Config> find_config(const ImageToJudge& asked, const volume::Path& image, const std::string& beside_name,
                                   const std::function<Result<std::string>()>& beside, Findings& findings) {
  record::Config config;
  const bool is_named = !asked.conf.empty();
  const auto text = is_named ? Result<std::string>(TRY(read_config_file(asked.conf))) : beside();
  if (text)
    config = check_config(*text, is_named ? asked.conf : beside_name, image.name(), findings);
  else if (text.error().code != Code::NotFound)
    findings.error("config", text.error());
  return config;
}

// What is wrong with another file; not what is right with it. `what` it is to the image: "parent".
void add_of_other(std::string_view what, std::string_view name, const Findings& own, Findings& findings) {
  for (const Finding& one : own.all())
    if (one.severity != Severity::Ok)
      findings.add(one.check, one.severity, concat("its ", what, ' ', printable(name), ": ", one.text));
}

void check_scratch(const ByteSource& file, std::string_view /*name*/, Findings& own) {
  constexpr std::uint64_t kMemory = UINT64_MAX;  // of the machine that it will be booted on: not known
  if (const auto usable = blocks::check_scratch(file); !usable)
    own.error("scratch", usable.error());
  else if (const auto writer = blocks::file_writer(file.size(), kMemory); !writer)
    own.error("scratch", writer.error());
}

// A file on the volume that the boot needs beside the image.
struct FileBeside {
  std::string path;
  std::string_view what;   // for people
  std::string_view check;  // of the findings
  void (*judge)(const ByteSource& file, std::string_view name, Findings& own);
};

std::vector<FileBeside> files_beside(const record::Config& config) {
  std::vector<FileBeside> files;
  if (config.forgets() && !config.ephemeral->file.empty())
    files.push_back({config.ephemeral->file, "scratch file", "scratch", check_scratch});
  if (const auto persist = config.persist_file())
    files.push_back({*persist, "image of `persist`", "persist", check_persist_image});
  return files;
}

// On the volume that is mounted at `top`.
void check_mounted_beside(const FileBeside& beside, const std::string& path, Findings& findings) {
  Findings own;
  if (const auto facts = examine_mounted(path)) check_mounted(*facts, own);
  if (const auto file = tools::ImageReader::open(path))
    beside.judge(**file, path, own);
  else
    own.error(beside.check, file.error());
  add_of_other(beside.what, beside.path, own, findings);
}

// None of the files of a guest, on volumes that are mounted, may be another one of them as well.
void check_all_different(const std::vector<std::string>& paths, Findings& findings) {
  std::vector<std::pair<dev_t, ino_t>> seen;
  for (const std::string& path : paths) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) continue;  // said already
    const std::pair file(status.st_dev, status.st_ino);
    if (std::ranges::find(seen, file) != seen.end())
      findings.error("disk", concat(printable(path), " is a file of this guest already: name another one"));
    seen.push_back(file);
  }
}

// On the volume of `reader`, which nobody has mounted. Nothing: it cannot be used.
std::optional<volume::PlacedFile> check_beside_on(const ByteSource& source, volume::HostVolume& reader,
                                                  const FileBeside& beside, Findings& findings) {
  Findings own;
  std::optional<volume::PlacedFile> found;
  const auto path = volume::parse_path(beside.path);
  const auto layout = path ? reader.layout(*path) : std::unexpected(path.error());
  if (!layout) {
    own.error(beside.check, layout.error());
  } else {
    check_layout(*layout, *path, own);
    if (const auto alone = reader.check_allocation(*path); !alone) own.error("allocation", alone.error());
    beside.judge(volume::FileSource(source, layout->extents, layout->size, layout->valid_size), path->name(), own);
    if (own.count(Severity::Error) == 0) found = volume::PlacedFile{.path = *path, .layout = *layout};
  }
  add_of_other(beside.what, beside.path, own, findings);
  return found;
}

// Whether another image says that this one, `file`, is its parent, as `look` finds out; of no matter when nothing is
// written to it.
void check_children(const ByteSource& file, std::string_view name, const record::Config& config,
                    const std::function<Result<void>(const vhd::DiskInfo&)>& look, Findings& findings) {
  if (stage::writes_of(config) != stage::Writes::Kept) return;
  const auto disk = vhd::open_disk(file, name);
  if (!disk) return;  // said already
  if (const auto alone = look((*disk)->info()); !alone) findings.error("children", alone.error());
}

constexpr std::string_view kFurtherDisk = "further disk";
constexpr std::string_view kNotCheckedHere = " is one of the volume that the image is booted from: not checked here";

// The paths of the further disks on the volume of `image`. One that is named twice is left out.
std::vector<volume::Path> further_of(const record::Config& config, const volume::Path& image, Findings& findings) {
  std::vector<volume::Path> paths{image};
  for (const std::string& disk : config.disks) {
    const auto path = record::disk_path(disk, image);
    const auto is_same = [&](const volume::Path& other) {
      return equals_ignoring_ascii_case(other.text(), path->text());
    };
    if (!path)
      findings.error("disk", path.error());
    else if (std::ranges::any_of(paths, is_same))
      findings.error("disk", concat("its ", kFurtherDisk, ' ', printable(path->text()),
                                    ": it is of another disk of this guest already"));
    else
      paths.push_back(*path);
  }
  paths.erase(paths.begin());
  return paths;
}

void check_further(const ByteSource& file, std::string_view name, const vhd::OpenParent& open_parent,
                   const record::Config& config, Findings& own) {
  const CheckedImage image = check_image(file, name, open_parent, own);
  if (image.blocks == nullptr || config.forgets()) return;
  if (const auto place = blocks::check_further(*image.blocks); !place) own.error("writing", place.error());
}

// On a volume that is mounted.
void check_mounted_further(const std::string& path, const record::Config& config, Findings& findings) {
  Findings own;
  const auto file = tools::ImageReader::open(path);
  if (!file) {
    own.error("disk", file.error());
  } else {
    if (const auto facts = examine_mounted(path)) check_mounted(*facts, own);
    check_further(**file, path, tools::open_parent_beside, config, own);
    check_children(**file, path, config, [&](const vhd::DiskInfo& info) { return check_no_child(path, info); }, own);
  }
  add_of_other(kFurtherDisk, path, own, findings);
}

// On the volume of `reader`, which nobody has mounted. Nothing: it cannot be used.
std::optional<volume::PlacedFile> check_further_on(const ByteSource& source, volume::HostVolume& reader,
                                                   const volume::Path& path, const record::Config& config,
                                                   Findings& findings) {
  Findings own;
  const auto layout = reader.layout(path);
  if (!layout) {
    own.error("disk", layout.error());
  } else {
    check_layout(*layout, path, own);
    if (const auto alone = reader.check_allocation(path); !alone) own.error("allocation", alone.error());
  }
  if (own.count(Severity::Error) == 0) {
    const volume::FileSource file(source, layout->extents, layout->size, layout->valid_size);
    VolumeParents parents({&source, &reader}, {}, path);
    check_further(
        file, path.name(), [&](std::string_view, std::string_view name) { return parents.open(name); }, config, own);
    check_children(
        file, path.name(), config,
        [&](const vhd::DiskInfo& info) { return stage::check_no_children(reader, source, path, info); }, own);
  }
  add_of_other(kFurtherDisk, path.text(), own, findings);
  if (own.count(Severity::Error) > 0) return std::nullopt;
  return volume::PlacedFile{.path = path, .layout = *layout};
}

void check_writing(const CheckedImage& image, const record::Config& config, Findings& findings) {
  if (image.blocks == nullptr) return;
  const bool keeps = config.forgets() && config.writes_image();
  if (const auto place =
          keeps ? blocks::check_in_place(*image.blocks) : blocks::check_writer(*image.blocks, !config.writes_image());
      !place)
    findings.error("writing", place.error());
}

Result<blocks::View> view_of(const volume::FileLayout& layout, const std::vector<VolumeParents::Found>& parents,
                             const std::vector<blocks::LowerDevice>& devices, const CheckedImage& image) {
  std::vector<blocks::MappedFile> files{{.size = layout.size, .extents = layout.extents, .device = 0, .name = {}}};
  if (image.blocks == nullptr) return blocks::flat_view(files.front(), devices.front(), image.payload_size);
  for (const auto& [elsewhere, place, parent] : parents)
    files.push_back(
        {.size = parent.size, .extents = parent.extents, .device = elsewhere ? 1U : 0U, .name = place.text()});
  return blocks::chain_view(std::move(files), devices, TRY(vhd::pieces_of(*image.blocks)));
}

// The device that a configuration names; empty: it is not here.
std::string device_of(const disk::Selector& selector) {
  constexpr std::array<std::string_view, 4> kFolders{"by-uuid", "by-partuuid", "by-label", "by-partlabel"};
  const auto by = static_cast<std::size_t>(selector.by);
  if (by >= kFolders.size()) return "";
  for (const std::string& value : {selector.value, to_upper_ascii(selector.value), to_lower_ascii(selector.value)}) {
    const std::string link = concat("/dev/disk/", kFolders.at(by), '/', value);
    const std::unique_ptr<char, void (*)(void*)> device(::realpath(link.c_str(), nullptr), &std::free);
    if (device) return device.get();
  }
  return "";
}

// Where that device is mounted, all of it; empty: nowhere.
std::string mounted_at(const std::string& device) {
  const auto text = sys::read_text("/proc/self/mountinfo", tools::kMaxMountTable);
  if (!text || device.empty()) return "";
  for (const tools::MountedVolume& mounted : tools::parse_mount_table(*text)) {
    const std::unique_ptr<char, void (*)(void*)> source(::realpath(mounted.source.c_str(), nullptr), &std::free);
    if (source && device == source.get() && mounted.top == "/") return mounted.place;
  }
  return "";
}

// Whether the boot looks where the parents are. `is_used`: some are on the other volume.
void check_parent_volume(const record::Config& config, bool is_used, const CheckedImage& image, Findings& findings) {
  if (is_used && !config.parent_volume)
    findings.error("parents",
                   "some of its parents are on another volume: name that with `parent-volume` in its configuration");
  if (config.parent_volume && !image.disk)
    findings.warning("parents", concat("`parent-volume` names the volume ", disk::to_text(*config.parent_volume),
                                       ": say where that is with --parent-volume"));
}

Result<Findings> check_file(const ImageToJudge& asked) {
  struct stat status{};
  if (::stat(asked.file.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
    return fail(
        Code::Invalid,
        "it is a folder, not an image file; that of a WSL 1 distribution is checked on its volume, while nobody "
        "has that mounted: `vhdtool check --volume DEVICE PATH`");
  const auto file = TRY(tools::ImageReader::open(asked.file));
  const MountedFile facts = TRY(examine_mounted(asked.file));
  Findings findings;
  check_mounted(facts, findings);
  const volume::Path path = volume::parse_path(facts.name).value_or(volume::Path());
  const std::string conf = concat(path.stem(), ".conf");
  const std::string folder = asked.file.substr(0, asked.file.rfind('/') + 1);
  Boot boot;
  boot.config = TRY(find_config(asked, path, conf, [&] { return read_config_file(folder + conf); }, findings));
  if (facts.kind) boot.chain = chain_of(facts.device);
  if (auto top = sys::open_file(facts.mount_point, O_PATH | O_DIRECTORY); top && facts.kind)
    boot.host = std::make_unique<sys::MountedTree>(*std::move(top));
  if (boot.host && boot.config.modules_folder)
    boot.config.modules_folder = spelled_in(*boot.host, *boot.config.modules_folder);
  auto parents = TRY(MountedParents::on(asked.parent_volume.empty() && boot.config.parent_volume
                                            ? mounted_at(device_of(*boot.config.parent_volume))
                                            : asked.parent_volume));
  const auto open_parent = [&](std::string_view child, std::string_view name) { return parents.open(child, name); };
  const CheckedImage image = check_image(*file, asked.file, open_parent, findings);
  check_parent_volume(boot.config, parents.is_used(), image, findings);
  for (const std::string& parent : parents.found()) {
    Findings own;
    check_mounted(TRY_IN(printable(parent), examine_mounted(parent)), own);
    add_of_other("parent", parent, own, findings);
  }
  check_writing(image, boot.config, findings);
  check_children(
      *file, asked.file, boot.config, [&](const vhd::DiskInfo& info) { return check_no_child(asked.file, info); },
      findings);
  const auto on_volume = [&](const std::string& name) {
    return concat(facts.mount_point == "/" ? "" : facts.mount_point, spelled_in(*boot.host, name));
  };
  std::vector<std::string> files{asked.file};
  files.insert(files.end(), parents.found().begin(), parents.found().end());
  for (const std::string& disk : boot.config.disks) {
    const bool beside = !disk.starts_with('/');
    if (!beside && !boot.host) {
      findings.warning("disk", concat(kFurtherDisk, ' ', printable(disk), kNotCheckedHere));
      continue;
    }
    files.push_back(beside ? folder + disk : on_volume(disk));
    check_mounted_further(files.back(), boot.config, findings);
  }
  for (const FileBeside& beside : files_beside(boot.config)) {
    if (!boot.host) {
      findings.warning(beside.check, concat(beside.what, ' ', printable(beside.path), kNotCheckedHere));
      continue;
    }
    files.push_back(on_volume(beside.path));
    check_mounted_beside(beside, files.back(), findings);
  }
  check_all_different(files, findings);
  look_into_guest(image, open_backing(asked.file, {{.logical = 0, .physical = 0, .length = file->size()}}), boot,
                  findings);
  return findings;
}

// Opened so that a volume which somebody has mounted is refused.
Result<std::unique_ptr<sys::FdSource>> open_unmounted(const std::string& path) {
  struct stat status{};
  const bool there = ::stat(path.c_str(), &status) == 0;
  const bool block = there && S_ISBLK(status.st_mode);
  if (there && S_ISREG(status.st_mode))
    if (const auto loop = tools::loop_device_of(status))
      return fail(Code::Busy, concat(printable(path), " is attached to ", *loop, ": detach it first"));
  auto fd = sys::open_file(path, O_RDONLY | O_NONBLOCK | (block ? O_EXCL : 0));
  if (!fd && fd.error().sys_errno == EBUSY)
    return fail(Code::Busy, concat(printable(path),
                                   " is mounted or in use: unmount it, or name the file where it is "
                                   "mounted without --volume"));
  if (!fd) return std::unexpected(std::move(fd).error());
  return sys::FdSource::adopt(*std::move(fd));
}

// A volume that nobody has mounted.
struct OpenVolume {
  std::unique_ptr<sys::FdSource> source;
  std::unique_ptr<volume::HostVolume> reader;

  [[nodiscard]] UnmountedVolume borrowed() const { return {source.get(), reader.get()}; }
  [[nodiscard]] blocks::LowerDevice device() const {
    int logical_block = 512;
    struct stat status{};
    if (::fstat(source->fd().get(), &status) == 0 && S_ISBLK(status.st_mode))
      (void)::ioctl(source->fd().get(), BLKSSZGET, &logical_block);
    return {.numbers = {},
            .size = source->size(),
            .logical_block = static_cast<std::uint32_t>(logical_block),
            .cluster_size = reader->cluster_size()};
  }
};

Result<OpenVolume> open_volume(const std::string& path) {
  OpenVolume volume;
  volume.source = TRY(open_unmounted(path));
  volume.reader = TRY_IN(path, volume::HostVolume::open(*volume.source));
  return volume;
}

// The one with parents, and whether the configuration means it.
void check_other_volume(const OpenVolume& other, const record::Config& config, Findings& findings) {
  Findings own;
  check_volume(other.reader->kind(), other.reader->state(), own);
  const disk::Identity identity{.uuid = other.reader->serial_text(), .partuuid = {}, .label = other.reader->label()};
  const auto& selector = config.parent_volume;
  const bool tells =
      selector && (selector->by == disk::Selector::By::Uuid || selector->by == disk::Selector::By::Label);
  if (tells && !matches(*selector, identity))
    own.error("parents", concat("`parent-volume` names another one, ", disk::to_text(*selector)));
  for (const Finding& one : own.all())
    if (one.severity != Severity::Ok)
      findings.add(one.check, one.severity, concat("the volume of its parents: ", one.text));
}

Result<Findings> check_on_volume(const ImageToJudge& asked) {
  const OpenVolume own_volume = TRY(open_volume(asked.volume));
  const auto& source = own_volume.source;
  const auto& reader = own_volume.reader;
  const auto path = TRY(volume::parse_path(asked.file));
  const volume::FileLayout layout = TRY(reader->layout(path));

  Findings findings;
  check_volume(reader->kind(), reader->state(), findings);
  const std::string conf = concat(path.stem(), ".conf");
  const auto read_beside = [&]() -> Result<std::string> {
    const auto bytes = TRY(reader->read_file(TRY(path.sibling(conf)), record::kMaxConfigBytes));
    return std::string(as_text(bytes));
  };
  if (layout.directory) {
    check_folder(*reader, *source, path, TRY(find_config(asked, path, conf, read_beside, findings)), findings);
    return findings;
  }
  check_layout(layout, path, findings);
  if (const auto own = reader->check_allocation(path))
    findings.ok("allocation", "the volume counts its clusters as in use, and no neighbour has them too");
  else
    findings.error("allocation", own.error());
  const volume::FileSource file(*source, layout.extents, layout.size, layout.valid_size);
  Boot boot;
  boot.config = TRY(find_config(asked, path, conf, read_beside, findings));
  boot.chain = chain_of(asked.volume);
  OpenVolume other;
  std::string other_path = asked.parent_volume;
  if (!other_path.empty()) other = TRY(open_volume(other_path));
  if (other_path.empty() && boot.config.parent_volume) {
    other_path = device_of(*boot.config.parent_volume);
    if (auto opened = open_volume(other_path)) other = *std::move(opened);
  }
  if (other.reader)
    for (sys::DrivenDevice& device : chain_of(other_path))
      if (std::ranges::find(boot.chain, device) == boot.chain.end()) boot.chain.push_back(std::move(device));
  boot.host = std::make_unique<sys::VolumeTree>(*reader);
  VolumeParents parents(own_volume.borrowed(), other.borrowed(), path);
  const auto open_parent = [&](std::string_view, std::string_view name) { return parents.open(name); };
  const CheckedImage image = check_image(file, path.name(), open_parent, findings);
  const auto is_elsewhere = [](const VolumeParents::Found& one) { return one.elsewhere; };
  const bool uses_other = std::ranges::any_of(parents.found(), is_elsewhere);
  check_parent_volume(boot.config, uses_other, image, findings);
  if (uses_other) check_other_volume(other, boot.config, findings);
  bool mappable = check_mappable(layout, path).has_value();
  for (const auto& [elsewhere, place, parent] : parents.found()) {
    Findings own;
    check_layout(parent, place, own);
    const auto& volume = elsewhere ? other.reader : reader;
    if (const auto alone = volume->check_allocation(place); !alone) own.error("allocation", alone.error());
    mappable = mappable && own.count(Severity::Error) == 0;
    add_of_other("parent", place.text(), own, findings);
  }
  check_writing(image, boot.config, findings);
  check_children(
      file, path.name(), boot.config,
      [&](const vhd::DiskInfo& info) { return stage::check_no_children(*reader, *source, path, info); }, findings);
  // Reading it in place takes extents that cover it.
  std::vector<blocks::LowerDevice> devices{own_volume.device()};
  if (uses_other) devices.push_back(other.device());
  std::vector<volume::PlacedFile> others;
  for (const FileBeside& beside : files_beside(boot.config))
    if (auto found = check_beside_on(*source, *reader, beside, findings)) others.push_back(*std::move(found));
  for (const volume::Path& further : further_of(boot.config, path, findings))
    if (auto found = check_further_on(*source, *reader, further, boot.config, findings))
      others.push_back(*std::move(found));
  if (mappable && image.disk) {
    auto view = view_of(layout, parents.found(), devices, image);
    for (const volume::PlacedFile& one : others)
      if (view)
        view = blocks::with_file(
            *std::move(view),
            {.size = one.layout.size, .extents = one.layout.extents, .device = 0, .name = one.path.text()});
    check_attachment(std::move(view), image.table ? image.table->logical_block : 512, findings);
  }
  look_into_guest(image,
                  mappable ? open_backing(asked.volume, layout.extents)
                           : Result<Backing>(fail(Code::Unsupported, "the file does not lie on the volume as it must")),
                  boot, findings);
  return findings;
}

}  // namespace

Result<Findings> judge_image(const ImageToJudge& asked) {
  return asked.volume.empty() ? check_file(asked) : check_on_volume(asked);
}

}  // namespace vhdboot::vhdtool
