// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/install_plan.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/quoted.h"
#include "base/text.h"
#include "disk/selector.h"
#include "init/record/image_path.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"
#include "tools/common/safe_write.h"
#include "tools/vhdboot/firmware_menu.h"
#include "tools/vhdboot/marked_block.h"
#include "tools/vhdboot/ventoy_json.h"
#include "tools/vhdtool/mounted_file.h"

namespace vhdboot::command {
namespace {

using Target = Change::Target;

struct MenuWord {
  BootMenuKind menu;
  std::string_view word;
};
constexpr std::array kMenus{MenuWord{BootMenuKind::Ventoy, "ventoy"},
                            MenuWord{BootMenuKind::Grub, "grub"},
                            MenuWord{BootMenuKind::SystemdBoot, "systemd-boot"},
                            MenuWord{BootMenuKind::Refind, "refind"},
                            MenuWord{BootMenuKind::Firmware, "firmware"},
                            MenuWord{BootMenuKind::None, "none"}};
constexpr std::string_view kEspFolder = "/EFI/vhdboot";

FileBytes bytes_of(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

std::string text_of(const std::optional<FileBytes>& bytes) {
  return bytes ? std::string(as_text(*bytes)) : "";
}

std::string_view last_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string folder_of(std::string_view path) {
  return std::string(path.substr(0, path.rfind('/')));
}

std::string stem_of(std::string_view path) {
  const std::string_view name = last_name(path);
  return std::string(name.substr(0, name.rfind('.')));
}

// Below the place of a mount.
std::string below(const tools::MountedVolume& mount, std::string_view path) {
  return concat(mount.place == "/" ? "" : mount.place, path);
}

// The name that udev has given to a device in that folder: its UUID, of the file system or of the partition.
std::string name_by(const RunningSystem& system, std::string_view folder, std::string_view device) {
  for (const std::string& name : sys::list_directory(system.at(folder))) {
    std::array<char, 4096> target{};
    const std::string link = system.at(concat(folder, '/', name));
    const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
    if (length > 0 && last_name({target.data(), static_cast<std::size_t>(length)}) == last_name(device)) return name;
  }
  return "";
}

enum class VolumeKind : std::uint8_t { None, Ntfs, Exfat, Windows };

// Drivers in user space do not say which one it is: the file does, or the form of the serial. In WSL it is Windows'
// business.
VolumeKind kind_of(const tools::MountedVolume& mount, std::string_view uuid, const std::string& image) {
  if (mount.type.starts_with("exfat")) return VolumeKind::Exfat;
  if (mount.type.starts_with("ntfs") || mount.type == "fuse.ntfs-3g") return VolumeKind::Ntfs;
  if (mount.type.starts_with("fuse")) {
    const auto facts = vhdtool::examine_mounted(image);
    if (facts && facts->kind) return *facts->kind == volume::Kind::Ntfs ? VolumeKind::Ntfs : VolumeKind::Exfat;
    if (mount.type == "fuseblk") return uuid.size() == 9 ? VolumeKind::Exfat : VolumeKind::Ntfs;
  }
  const bool is_drive = mount.source.size() >= 2 && mount.source[1] == ':';
  if (is_drive && (mount.type == "9p" || mount.type == "drvfs" || mount.type == "virtiofs")) return VolumeKind::Windows;
  return VolumeKind::None;
}

std::optional<std::string> grub_folder(const RunningSystem& system) {
  for (const std::string_view folder : {"/boot/grub", "/boot/grub2"})
    if (sys::exists(system.at(concat(folder, "/grub.cfg")))) return std::string(folder);
  return std::nullopt;
}

Result<tools::MountedVolume> find_esp(const RunningSystem& system, const std::string& asked) {
  const auto mounts = system.mounts();
  // In systemd's order (bootctl(1)).
  std::vector<std::string> places{"/efi", "/boot", "/boot/efi"};
  if (!asked.empty()) places = {asked};
  for (const std::string& place : places) {
    const auto mount = std::ranges::find_if(mounts, [&](const tools::MountedVolume& one) {
      return one.place == place && (one.type == "vfat" || one.type == "msdos") && one.top == "/";
    });
    if (mount == mounts.end()) continue;
    if (asked.empty() && !sys::exists(system.at(concat(place, "/EFI")))) continue;
    if (mount->read_only)
      return fail(Code::Unsupported, concat("the ESP at ", printable(place), " is mounted read-only"));
    return *mount;
  }
  if (!asked.empty()) return fail(Code::NotFound, concat("no FAT volume is mounted at ", printable(asked)));
  return fail(Code::NotFound, "no ESP is mounted at /efi, /boot or /boot/efi: mount it, or say --esp DIR");
}

bool has_systemd_boot(const tools::MountedVolume& esp, const RunningSystem& system) {
  return sys::exists(system.at(below(esp, "/loader/loader.conf"))) ||
         sys::exists(system.at(below(esp, "/EFI/systemd/systemd-bootx64.efi")));
}

bool has_refind(const tools::MountedVolume& esp, const RunningSystem& system) {
  return sys::exists(system.at(below(esp, "/EFI/refind"))) ||
         system.variables().read_text("LoaderInfo", kLoaderVariables).value_or("").starts_with("rEFInd");
}

class Installer {
 public:
  Installer(const Changer& changer, const RunningSystem& system, const InstallRequest& request,
            const BootFileSource& source)
      : changer_(changer), system_(system), request_(request), source_(source) {}

  Result<Plan> plan() {
    TRY(look());
    const BootMenuKind menu = request_.menu ? *request_.menu : guess();
    plan_.facts.push_back(concat("the boot menu: ", word(menu), request_.menu ? "" : " (say --menu for another one)"));
    TRY(choose_place(menu));
    TRY(add_files());
    switch (menu) {
      case BootMenuKind::Ventoy:
        TRY(add_ventoy());
        break;
      case BootMenuKind::Grub:
        TRY(add_grub());
        break;
      case BootMenuKind::SystemdBoot:
        TRY(add_systemd_boot());
        break;
      case BootMenuKind::Refind:
        plan_.then = concat("rEFInd finds ", esp_file(".efi"), " by itself");
        break;
      case BootMenuKind::Firmware:
        TRY(add_firmware());
        break;
      case BootMenuKind::None:
        plan_.then = concat("any boot menu that starts an EFI file may start ", printable(efi_));
        break;
    }
    plan_.then += concat(". To undo it: vhdboot uninstall ", printable(name_));
    plan_.untouched = "the image, partition tables and what else is on the volumes";
    return std::move(plan_);
  }

 private:
  Result<void> look() {
    const auto mounts = system_.mounts();
    const tools::MountedVolume* mount = tools::mount_of(mounts, request_.image);
    if (mount == nullptr)
      return fail(Code::NotFound, concat("it is not known what ", printable(request_.image), " is on"));
    volume_ = *mount;
    uuid_ = name_by(system_, "/dev/disk/by-uuid", volume_.source);
    kind_ = kind_of(volume_, uuid_, system_.at(request_.image));
    if (kind_ == VolumeKind::None)
      return fail(Code::Unsupported, concat(printable(request_.image), " is on ", printable(volume_.type),
                                            ": vhdboot boots from NTFS and exFAT, copy it there"));
    name_ = request_.name.empty() ? stem_of(request_.image) : request_.name;
    if (name_.empty() || name_.find('/') != std::string::npos || !fits_line(name_))
      return fail(Code::Invalid, concat(quoted(name_), " is no name for a file"));
    image_ = tools::path_on_volume(volume_, request_.image);
    title_ = request_.title.empty() ? name_ : request_.title;
    if (!fits_line(title_)) return fail(Code::Invalid, "the title does not fit on a line");
    return {};
  }

  BootMenuKind guess() {
    const std::string file = name_by(system_, "/dev/disk/by-label", volume_.source);
    if (file == "Ventoy" || sys::exists(system_.at(below(volume_, "/ventoy")))) return BootMenuKind::Ventoy;
    if (kind_ == VolumeKind::Windows) return BootMenuKind::None;
    if (const auto esp = find_esp(system_, request_.esp)) {
      if (has_systemd_boot(*esp, system_)) return BootMenuKind::SystemdBoot;
      if (has_refind(*esp, system_)) return BootMenuKind::Refind;
    }
    if (grub_folder(system_)) return BootMenuKind::Grub;
    if (system_.variables().available() && find_esp(system_, request_.esp)) return BootMenuKind::Firmware;
    return BootMenuKind::None;
  }

  // Beside the image, or on the ESP for who cannot read the volume.
  Result<void> choose_place(BootMenuKind menu) {
    bool beside = menu == BootMenuKind::Ventoy || menu == BootMenuKind::None;
    if (menu == BootMenuKind::Grub) {
      const auto folder = grub_folder(system_);
      if (!folder)
        return fail(Code::Unsupported, "there is no GRUB: neither /boot/grub nor /boot/grub2 has a grub.cfg");
      const auto config = sys::read_text(system_.at(concat(*folder, "/grub.cfg")), 4 << 20);
      if (!config) return std::unexpected(config.error());
      if (config->find("custom.cfg") == std::string::npos)
        return fail(Code::Unsupported,
                    concat(*folder, "/grub.cfg does not read custom.cfg: was 41_custom removed from /etc/grub.d?"));
      grub_folder_ = *folder;
      beside = request_.esp.empty() && sys::exists(system_.at(concat(*folder, "/x86_64-efi/", grub_module(), ".mod")));
      if (!beside && request_.esp.empty())
        plan_.facts.push_back(concat("this GRUB has no module ", grub_module(), ": the EFI file goes to the ESP"));
    }
    if (beside) {
      if (volume_.read_only)
        return fail(Code::Unsupported,
                    concat(printable(volume_.place),
                           " is mounted read-only: mount it for writing. A driver "
                           "that refuses to do so has found a Windows that sleeps, or a dirty volume"));
      if (!request_.name.empty() && !equals_ignoring_ascii_case(request_.name, stem_of(request_.image)))
        settings_.push_back({.key = "image", .value = std::string(last_name(image_))});
      efi_ = concat(folder_of(request_.image), '/', name_, ".efi");
      return {};
    }
    esp_ = TRY(find_esp(system_, request_.esp));
    efi_ = esp_file(".efi");
    settings_.push_back({.key = "image", .value = image_});
    if (uuid_.empty())
      plan_.warnings.push_back(concat("the UUID of ", printable(volume_.source),
                                      " is not known: all volumes will be searched for the image"));
    else
      settings_.push_back({.key = "volume", .value = concat("UUID=", uuid_)});
    for (const std::string_view folder : {"/EFI", "/EFI/vhdboot"}) TRY(add_folder(below(*esp_, folder)));
    return {};
  }

  Result<void> add_files() {
    const auto present = TRY(changer_.present(Target::File, system_.at(efi_)));
    const auto version = present ? boot_file_version(MemorySource(*present)) : std::nullopt;
    if (present && !version)
      return fail(Code::Busy, concat(printable(efi_), " is there and is not vhdboot's: say --name for another name"));
    plan_.add({.target = Target::File,
               .path = system_.at(efi_),
               .before = present,
               .after = source_.bytes,
               .what = concat("vhdboot ", source_.version, version ? concat(" instead of ", *version) : "", ", ",
                              human_size(source_.bytes.size()))});
    const std::string conf = concat(folder_of(efi_), '/', name_, ".conf");
    const auto old = TRY(changer_.present(Target::File, system_.at(conf)));
    const auto meant = value_of(text_of(old), "image");
    if (esp_ && meant && !equals_ignoring_ascii_case(*meant, image_))
      return fail(Code::Busy, concat(printable(conf), " is there and is about ", printable(*meant),
                                     ": say --name for another name"));
    settings_.insert(settings_.end(), request_.settings.begin(), request_.settings.end());
    if (settings_.empty()) return {};
    const std::string text = TRY(with_settings(text_of(old), settings_, last_name(conf)));
    std::string what;
    for (const Setting& setting : settings_)
      what += concat(what.empty() ? "" : ", ", setting.key, ' ', setting.value.value_or("(none)"));
    plan_.add({.target = Target::File, .path = system_.at(conf), .before = old, .after = bytes_of(text), .what = what});
    const std::string left = tools::left_behind(system_.at(efi_));
    if (!left.empty()) plan_.warnings.push_back(left);
    return {};
  }

  Result<void> add_ventoy() {
    if (volume_.top != "/")
      return fail(Code::Unsupported, "only a part of the volume is mounted, Ventoy reads its top");
    TRY(check_ventoy_path(tools::path_on_volume(volume_, efi_)));
    TRY(check_ventoy_path(image_));
    if (name_by(system_, "/dev/disk/by-label", volume_.source) != "Ventoy")
      plan_.warnings.emplace_back(
          "the volume is not called Ventoy: Ventoy shows only what is on its own first partition");
    TRY(add_folder(below(volume_, "/ventoy")));
    const std::string path = system_.at(below(volume_, "/ventoy/ventoy.json"));
    const auto old = TRY(changer_.present(Target::File, path));
    auto edit =
        TRY(add_to_ventoy(old ? std::optional(text_of(old)) : std::nullopt,
                          {.efi = tools::path_on_volume(volume_, efi_), .image = image_, .title = request_.title}));
    for (std::string& warning : edit.warnings) plan_.warnings.push_back(std::move(warning));
    plan_.add({.target = Target::File,
               .path = path,
               .before = old,
               .after = bytes_of(edit.text.value_or("")),
               .what = concat("hide ", image_,
                              request_.title.empty() ? "" : concat(", call the other one ", request_.title))});
    plan_.then =
        concat("in Ventoy's menu choose ", request_.title.empty() ? concat(name_, ".efi") : printable(request_.title));
    return {};
  }

  // Not a file of /etc/grub.d: that one takes a program that makes all of grub.cfg anew, here and at its removal.
  // custom.cfg is read at each start.
  Result<void> add_grub() {
    const std::string path = system_.at(concat(grub_folder_, "/custom.cfg"));
    const auto old = TRY(changer_.present(Target::File, path));
    const tools::MountedVolume& mount = esp_ ? *esp_ : volume_;
    const std::string uuid = name_by(system_, "/dev/disk/by-uuid", mount.source);
    const std::string file = tools::path_on_volume(mount, efi_);
    if (file.find_first_of("'\"\\$") != std::string::npos || title_.find('\'') != std::string::npos)
      return fail(Code::Invalid, "GRUB does not take quotes in names and titles: say --name and --title");
    const std::string search = uuid.empty() ? concat("--file '", file, "'") : concat("--fs-uuid ", uuid);
    const std::string lines =
        concat("menuentry '", title_, "' --id 'vhdboot-", name_,
               "' {\n    insmod part_gpt\n    insmod part_msdos\n    insmod ", esp_ ? "fat" : grub_module(),
               "\n    search --no-floppy --set=root ", search, "\n    chainloader '", file, "'\n}\n");
    plan_.add({.target = Target::File,
               .path = path,
               .before = old,
               .after = bytes_of(TRY_IN(path, with_block(text_of(old), name_, lines))),
               .what = concat("the entry ", title_)});
    plan_.then = concat("in GRUB's menu choose ", printable(title_), "; nothing has to be made anew");
    return {};
  }

  Result<void> add_systemd_boot() {
    if (!has_systemd_boot(*esp_, system_))
      return fail(Code::Unsupported, concat("there is no systemd-boot on the ESP at ", printable(esp_->place)));
    for (const std::string_view folder : {"/loader", "/loader/entries"}) TRY(add_folder(below(*esp_, folder)));
    const std::string path = system_.at(below(*esp_, concat("/loader/entries/vhdboot-", name_, ".conf")));
    const auto old = TRY(changer_.present(Target::File, path));
    const std::string text = concat("title ", title_, "\nefi   ", kEspFolder, '/', name_, ".efi\n");
    plan_.add({.target = Target::File,
               .path = path,
               .before = old,
               .after = bytes_of(text),
               .what = concat("the entry ", title_)});
    plan_.then = concat("in the boot menu choose ", printable(title_));
    return {};
  }

  Result<void> add_firmware() {
    const EfiVariables variables = system_.variables();
    if (!variables.available())
      return fail(Code::Unsupported, "this system has no EFI variables: was it started by UEFI?");
    const FirmwareMenu menu = read_firmware_menu(variables);
    const BootOption option{.active = true,
                            .title = title_,
                            .partition = TRY(esp_partition()),
                            .file = concat(kEspFolder, '/', name_, ".efi")};
    const auto there = std::ranges::find_if(menu.entries, [&](const FirmwareEntry& entry) {
      return equals_ignoring_ascii_case(entry.option.file, option.file) && entry.option.partition &&
             entry.option.partition->partuuid == option.partition->partuuid;
    });
    const std::uint16_t number =
        there != menu.entries.end() ? there->number : free_number(menu, variables.names(kGlobalVariables));
    if (there == menu.entries.end()) {
      const std::string variable = boot_variable(number);
      plan_.add(TRY(plan_change(changer_, Target::Variable, variable, TRY(pack_boot_option(option)),
                                concat("the entry ", title_, " of the firmware's menu"))));
    }
    // What cannot be understood is not written anew: all other entries would be lost from it.
    const auto old = TRY(changer_.present(Target::Variable, "BootOrder"));
    auto order = TRY_IN("BootOrder", parse_boot_numbers(old.value_or(FileBytes())));
    if (std::ranges::find(order, number) == order.end()) {
      order.push_back(number);
      plan_.add(TRY(plan_change(changer_, Target::Variable, "BootOrder", pack_boot_numbers(order),
                                concat(boot_variable(number), " as the last one"))));
    }
    plan_.then =
        concat("the firmware's boot menu has ", printable(title_), "; or once: vhdboot next ", printable(name_));
    return {};
  }

  Result<BootPartition> esp_partition() const {
    const std::string device(last_name(esp_->source));
    const auto fact = [&](std::string_view name) {
      return parse_u64(sys::read_attribute(system_.at(concat("/sys/class/block/", device, '/', name))));
    };
    const auto number = fact("partition");
    const auto start = fact("start");
    const auto size = fact("size");
    const std::uint64_t block = fact("../queue/logical_block_size").value_or(512) / 512;
    const std::string partuuid = to_lower_ascii(name_by(system_, "/dev/disk/by-partuuid", esp_->source));
    if (!number || !start || !size || block == 0 || partuuid.empty())
      return fail(Code::NotFound, concat("which partition ", printable(esp_->source), " is could not be found out"));
    return BootPartition{.partuuid = partuuid,
                         .number = static_cast<std::uint32_t>(*number),
                         .start = *start / block,
                         .length = *size / block};
  }

  Result<void> add_folder(const std::string& path) {
    plan_.add(TRY(plan_change(changer_, Target::Folder, system_.at(path), FileBytes(), "")));
    return {};
  }

  [[nodiscard]] std::string esp_file(std::string_view end) const {
    return below(*esp_, concat(kEspFolder, '/', name_, end));
  }
  [[nodiscard]] std::string_view grub_module() const { return kind_ == VolumeKind::Exfat ? "exfat" : "ntfs"; }

  const Changer& changer_;
  const RunningSystem& system_;
  const InstallRequest& request_;
  const BootFileSource& source_;
  Plan plan_;
  tools::MountedVolume volume_;
  std::string uuid_;
  VolumeKind kind_ = VolumeKind::None;
  std::string name_;
  std::string title_;
  std::string image_;  // on its volume
  std::string efi_;    // where it goes
  std::optional<tools::MountedVolume> esp_;
  std::string grub_folder_;
  std::vector<Setting> settings_;
};

class Uninstaller {
 public:
  Uninstaller(const Changer& changer, const RunningSystem& system) : changer_(changer), system_(system) {}

  // What leads to the file goes first: at no moment there is an entry that starts nothing.
  Result<void> add(const InstalledFile& file) {
    TRY(remove_grub(file));
    if (file.is_on_esp()) {
      TRY(remove_type1(file));
      TRY(remove_firmware(file));
    } else {
      TRY(remove_ventoy(file));
    }
    TRY(remove_file(file.configuration(), ""));
    TRY(remove_file(file.path, concat("vhdboot ", file.version)));
    if (file.is_on_esp() && folder_of(file.path) == below(file.mount, kEspFolder))
      plan_.add(TRY(plan_change(changer_, Target::Folder, system_.at(folder_of(file.path)), std::nullopt,
                                "if nothing else is in it")));
    return {};
  }

  Plan plan() && {
    plan_.untouched = "the image";
    return std::move(plan_);
  }

 private:
  Result<void> remove_file(const std::string& path, std::string what) {
    plan_.add(TRY(plan_change(changer_, Target::File, system_.at(path), std::nullopt, std::move(what))));
    return {};
  }

  // One change a file, whatever has been planned for it.
  Result<std::optional<FileBytes>> planned(Target target, const std::string& path) {
    for (const Change& change : plan_.changes)
      if (change.target == target && change.path == path) return change.after;
    return changer_.present(target, path);
  }
  Result<void> change(Target target, const std::string& path, std::optional<FileBytes> after, std::string what) {
    for (Change& one : plan_.changes)
      if (one.target == target && one.path == path) {
        one.after = std::move(after);
        return {};
      }
    plan_.add(TRY(plan_change(changer_, target, path, std::move(after), std::move(what))));
    return {};
  }

  Result<void> remove_grub(const InstalledFile& file) {
    const auto folder = grub_folder(system_);
    if (!folder) return {};
    const std::string path = system_.at(concat(*folder, "/custom.cfg"));
    const auto old = TRY(planned(Target::File, path));
    if (!old) return {};
    const std::string text = TRY_IN(path, with_block(text_of(old), file.name, std::nullopt));
    if (text == text_of(old)) return {};
    return change(Target::File, path, trim(text).empty() ? std::nullopt : std::optional(bytes_of(text)),
                  "without its entry");
  }

  Result<void> remove_type1(const InstalledFile& file) {
    const std::string path = system_.at(below(file.mount, concat("/loader/entries/vhdboot-", file.name, ".conf")));
    const auto old = TRY(changer_.present(Target::File, path));
    if (!old || text_of(old).find(file.path_on_volume()) == std::string::npos) return {};
    return change(Target::File, path, std::nullopt, "its entry");
  }

  Result<void> remove_firmware(const InstalledFile& file) {
    const EfiVariables variables = system_.variables();
    if (!variables.available()) return {};
    const FirmwareMenu menu = read_firmware_menu(variables);
    const std::string partuuid = to_lower_ascii(name_by(system_, "/dev/disk/by-partuuid", file.mount.source));
    for (const FirmwareEntry& entry : menu.entries) {
      if (!equals_ignoring_ascii_case(entry.option.file, file.path_on_volume()) || !entry.option.partition) continue;
      if (entry.option.partition->partuuid != partuuid) continue;
      const auto old = TRY(planned(Target::Variable, "BootOrder"));
      auto order = TRY(parse_boot_numbers(old.value_or(FileBytes())));
      if (std::erase(order, entry.number) > 0)
        TRY(change(Target::Variable, "BootOrder", pack_boot_numbers(order), "without its entry"));
      TRY(change(Target::Variable, boot_variable(entry.number), std::nullopt, entry.option.title));
    }
    return {};
  }

  Result<void> remove_ventoy(const InstalledFile& file) {
    const std::string folder = system_.at(below(file.mount, "/ventoy"));
    const std::string path = concat(folder, "/ventoy.json");
    const auto old = TRY(planned(Target::File, path));
    if (!old) return {};
    const std::string efi = file.path_on_volume();
    std::string text = text_of(old);
    for (const std::string_view end : record::kBootedEndings) {
      const auto edit = TRY(
          remove_from_ventoy(text, {.efi = efi, .image = concat(folder_of(efi), '/', file.name, end), .title = {}}));
      if (!edit.text) {
        TRY(change(Target::File, path, std::nullopt, "nothing else is in it"));
        return change(Target::Folder, folder, std::nullopt, "if nothing else is in it");
      }
      text = *edit.text;
    }
    if (text != text_of(old)) return change(Target::File, path, bytes_of(text), "without its entries");
    return {};
  }

  const Changer& changer_;
  const RunningSystem& system_;
  Plan plan_;
};

}  // namespace

std::string_view word(BootMenuKind menu) {
  return std::ranges::find(kMenus, menu, &MenuWord::menu)->word;
}

Result<BootMenuKind> parse_boot_menu(std::string_view text) {
  const auto found = std::ranges::find(kMenus, text, &MenuWord::word);
  if (found != kMenus.end()) return found->menu;
  std::string all;
  for (const MenuWord& one : kMenus) all += concat(all.empty() ? "" : ", ", one.word);
  return fail(Code::Invalid, concat(quoted(text), " is none of the boot menus: ", all));
}

Result<Plan> plan_install(const Changer& changer, const RunningSystem& system, const InstallRequest& request,
                          const BootFileSource& source) {
  return Installer(changer, system, request, source).plan();
}

Result<Plan> plan_uninstall(const Changer& changer, const RunningSystem& system,
                            const std::vector<InstalledFile>& files) {
  Uninstaller uninstaller(changer, system);
  for (const InstalledFile& file : files) TRY(uninstaller.add(file));
  return std::move(uninstaller).plan();
}

Result<Plan> plan_upgrade(const Changer& changer, const RunningSystem& system, const std::vector<InstalledFile>& files,
                          const BootFileSource& source) {
  Plan plan;
  for (const InstalledFile& file : files) {
    if (file.mount.read_only)
      plan.warnings.push_back(concat(printable(file.path), " is on a volume that is mounted read-only"));
    else
      plan.add(TRY(plan_change(changer, Target::File, system.at(file.path), source.bytes,
                               concat("vhdboot ", source.version, " instead of ", file.version))));
  }
  plan.untouched = "images, configurations and boot menus";
  return plan;
}

}  // namespace vhdboot::command
