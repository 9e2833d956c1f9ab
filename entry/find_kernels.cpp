// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/find_kernels.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/quoted.h"
#include "base/text.h"
#include "entry/boot_folder.h"
#include "entry/boot_loaders.h"
#include "entry/boot_menu.h"
#include "entry/extlinux.h"
#include "entry/find_ukis.h"
#include "entry/folders.h"
#include "entry/fstab.h"
#include "entry/grub_cfg.h"
#include "entry/grub_files.h"
#include "entry/kernel_options.h"
#include "entry/menu_files.h"
#include "entry/root_option.h"
#include "entry/type1.h"
#include "entry/uki.h"
#include "kexec/bzimage.h"
#include "kexec/cmdline.h"

namespace vhdboot::entry {
namespace {

// Where extlinux, syslinux and isolinux look below a boot folder, each for its own file and then for the others'.
constexpr std::array<std::string_view, 4> kExtlinuxFolders{"/extlinux", "/syslinux", "/isolinux", ""};
constexpr std::array<std::string_view, 3> kExtlinuxNames{"extlinux.conf", "syslinux.cfg", "isolinux.cfg"};
constexpr std::string_view kSyslinuxForEfi = "/ldlinux.e64";  // beside its program
constexpr std::size_t kMaxKernels = 64;                       // of a folder
constexpr std::size_t kMaxMenuEntries = 256;                  // that are looked at
constexpr std::size_t kMaxMissing = 4;                        // entries without their files that are named

std::optional<std::string> read(const disk::GuestTree& tree, const std::string& path, std::uint64_t cap) {
  auto text = tree.read_text(path, cap);
  return text ? std::optional(*std::move(text)) : std::nullopt;
}

// The folders and names of such files that are there. On an ESP that of syslinux's own program for EFI comes first,
// unless GRUB is there, too: nobody knows which of them is started.
std::vector<std::pair<std::string, std::string_view>> extlinux_files(disk::GuestDisk& disk, const BootFolder& boot) {
  std::vector<std::pair<std::string, std::string_view>> found;
  const auto look = [&](const std::string& folder, std::string_view name) {
    if (boot.top.has(concat(folder, '/', name))) found.emplace_back(folder, name);
  };
  if (boot.folder.empty())
    for (const std::string& folder : program_folders(boot.top))
      if (boot.top.has(concat(folder, kSyslinuxForEfi)) && !has_grub(disk, {&boot.top.partition()})) {
        look(folder, "syslx64.cfg");
        for (const std::string_view name : kExtlinuxNames) look(folder, name);
      }
  for (const std::string_view folder : kExtlinuxFolders)
    for (const std::string_view name : kExtlinuxNames) look(concat(boot.folder, folder), name);
  return found;
}

std::optional<BootMenu> read_extlinux(disk::GuestDisk& disk, const BootFolder& boot) {
  for (const auto& [folder, name] : extlinux_files(disk, boot)) {
    const auto text = read(boot.top, concat(folder, '/', name), kMaxExtlinux);
    auto menu = text ? parse_extlinux(*text, folder) : fail(Code::NotFound, "");
    if (!menu || menu->entries.empty()) continue;
    menu->file = name;
    return *std::move(menu);
  }
  return std::nullopt;
}

struct FolderFiles {
  OptionFiles options;
  std::optional<Error> problem;  // of a menu that could not be read
};

// What the guest's files say about the command lines of the kernels in a folder. With more than one system on the disk
// nobody knows whose files those on the ESP are.
FolderFiles read_files(disk::GuestDisk& disk, const BootFolder& boot, const std::optional<disk::GuestTree>& root,
                       bool is_only_system) {
  OptionTexts texts;
  if (root) {
    texts.kernel_cmdline = read(*root, "/etc/kernel/cmdline", kMaxKernelCmdlineBytes);
    texts.fstab = read(*root, "/etc/fstab", kMaxFstabBytes);
    const disk::GuestPartition& partition = root->partition();
    if (!partition.identity.uuid.empty()) texts.found_root = concat("UUID=", partition.identity.uuid);
    if (partition.type == "btrfs" && !root->full_path("").empty())
      texts.found_root_flags = concat("subvol=", root->full_path(""));
  }
  GrubFiles grub = read_grub(disk, boot, false);
  texts.menu = std::move(grub.menu);
  if (!texts.menu) texts.menu = read_extlinux(disk, boot);
  if (!texts.menu && is_only_system) texts.menu = read_grub(disk, boot, true).menu;
  return {.options = read_option_files(texts), .problem = std::move(grub.problem)};
}

std::string title_of(const std::optional<disk::GuestTree>& root) {
  if (!root) return "";
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"})
    if (const auto text = root->read_text(path, kMaxTextSection)) return osrel_value(*text, "PRETTY_NAME").value_or("");
  return "";
}

bool has_menu(disk::GuestDisk& disk, const BootFolder& boot) {
  const auto has_grub_cfg = [&](std::string_view folder) {
    return boot.top.has(concat(boot.folder, folder, "/grub.cfg"));
  };
  return has_grub_cfg("/grub") || has_grub_cfg("/grub2") ||
         std::ranges::any_of(grub_menu_folders(boot), has_grub_cfg) || !extlinux_files(disk, boot).empty();
}

// The root that the kernels in a folder belong to, as an index; roots.size() when that cannot be told.
std::size_t owner_of(const BootFolder& boot, const std::vector<disk::GuestTree>& roots) {
  const disk::GuestPartition& partition = boot.top.partition();
  for (std::size_t i = 0; i < roots.size(); ++i)
    if (&roots[i].partition() == &partition && roots[i].full_path("") == boot.top.full_path("")) return i;
  if (roots.size() == 1) return 0;
  std::size_t owner = roots.size();
  for (std::size_t i = 0; i < roots.size(); ++i)
    if (mounts(roots[i], partition)) {
      if (owner != roots.size()) return roots.size();  // the ESP of two systems
      owner = i;
    }
  return owner;
}

// The kernels of one folder, and what its menu has beside them.
class FolderReader {
 public:
  FolderReader(disk::GuestDisk& disk, const BootFolder& boot, OptionFiles files, std::string title, std::size_t system)
      : disk_(disk),
        boot_(boot),
        files_(std::move(files)),
        menu_(files_.menu),
        entry_files_(menu_ && menu_->bls_place ? count_entry_files(boot) : 0),
        usual_(menu_ ? usual_entries(*menu_, entry_files_) : std::vector<const MenuEntry*>()),
        title_(std::move(title)),
        system_(system),
        finder_(disk, boot) {}

  FoundEntries read(const std::vector<KernelFiles>& kernels) && {
    // Another system's kernels may have the same names, and those of a snapshot have.
    if (files_.menu)
      for (MenuEntry& entry : files_.menu->entries)
        if (!may_be_here(entry, kernels)) entry.kernel.clear();
    for (const KernelFiles& kernel : kernels) take(kernel);
    if (menu_) take_menu(*menu_);
    if (first_ < usual_.size())
      found_.entries[first_place_].entry.default_by =
          first_ == 0 ? usual_rule() : concat("`fallback` of ", menu_->file, ", whose default cannot be booted");
    return std::move(found_);
  }

 private:
  // What a kernel that was found by its name is started with.
  struct Start {
    std::vector<Place> initrds;
    std::string options;
    bool is_broken = false;
  };
  struct Taken {
    Place kernel;
    std::vector<Start> starts;

    // Without initrds it is an attempt to do without.
    [[nodiscard]] bool is_started_with(const std::vector<Place>& initrds, const Result<KernelOptions>& options) const {
      return initrds.empty() || std::ranges::any_of(starts, [&](const Start& one) {
               return one.initrds == initrds && (one.is_broken || !options || one.options == options->text);
             });
    }
  };

  static std::size_t count_entry_files(const BootFolder& boot) {
    return static_cast<std::size_t>(
        std::ranges::count_if(boot.top.list(concat(boot.folder, "/loader/entries")),
                              [](const std::string& name) { return is_entry_file_name(name); }));
  }

  [[nodiscard]] Place place_of(const KernelFiles& files) const {
    return {boot_.top, concat(boot_.folder, '/', files.kernel)};
  }

  // Whether the entry's kernel may be in this folder: of one that is called like it, whether it is that.
  [[nodiscard]] bool may_be_here(const MenuEntry& entry, const std::vector<KernelFiles>& kernels) {
    if (finder_.is_elsewhere(entry.kernel, entry.volume)) return false;
    const auto called = std::ranges::find(kernels, menu_file_name(entry.kernel), &KernelFiles::kernel);
    return called == kernels.end() || is_started_by(entry, *called);
  }

  // A path that leads nowhere is one as GRUB sees it, and the name counts.
  [[nodiscard]] bool is_started_by(const MenuEntry& entry, const KernelFiles& files) {
    if (menu_file_name(entry.kernel) != files.kernel) return false;
    const auto place = finder_.find(entry.kernel, entry.volume);
    return place ? *place == place_of(files) : !finder_.is_elsewhere(entry.kernel, entry.volume);
  }

  // Arch's "vmlinuz-linux-lts" says nothing of its age, and the kernel does.
  static std::string version_of(const Place& kernel, const std::string& said) {
    if (said.find_first_of("0123456789") != std::string::npos) return said;
    const auto file = kernel.tree.open(kernel.path);
    if (!file) return said;
    const auto header = kexec::parse_bzimage(**file, {0, (*file)->size()});
    return header && !header->version.empty() ? header->version : said;
  }

  [[nodiscard]] FitsDisk fits() const {
    return [&disk = disk_](const std::string& options) {
      return may_hold_root(disk, kexec::CommandLine::parse(options).find("root").value_or(""));
    };
  }

  // Why the usual entry is the one to boot.
  [[nodiscard]] std::string usual_rule() const {
    const MenuEntry* const started = started_entry(*menu_, entry_files_);
    if (started == usual_.front()) return concat("the default of ", menu_->file);
    return rule_without_default(menu_->file, started->title.empty() ? started->id : started->title);
  }

  // Of the menu, when all of them are there; nothing else.
  std::optional<std::vector<Place>> find_initrds(const MenuEntry& entry) {
    std::vector<Place> places;
    if (entry.initrds.size() > kMaxEntryPaths) return std::nullopt;
    for (const std::string& initrd : entry.initrds) {
      auto place = finder_.find(initrd, entry.volume);
      if (!place) return std::nullopt;
      places.push_back(*std::move(place));
    }
    return places;
  }

  // A clause.
  std::string missing_initrd(const MenuEntry& entry) {
    const auto missing = std::ranges::find_if(
        entry.initrds, [&](const std::string& initrd) { return !finder_.find(initrd, entry.volume); });
    if (missing == entry.initrds.end()) return "it has too many initrds";
    return concat("its initrd ", printable(*missing), " is not there");
  }

  // An error names the one that is not there.
  Result<std::vector<Place>> initrds_of(const KernelFiles& files) {
    const MenuEntry* entry = files_.menu ? entry_for(files.kernel, *files_.menu) : nullptr;
    const bool is_named = entry != nullptr && menu_file_name(entry->kernel) == files.kernel && !entry->initrds.empty();
    if (is_named)
      if (auto places = find_initrds(*entry)) return *std::move(places);
    std::vector<Place> places;
    if (!files.initrd && is_named) return fail(Code::NotFound, missing_initrd(*entry));
    if (!files.initrd) return places;  // microcode alone would look like one
    for (const std::string& name : files.microcode) places.push_back({boot_.top, concat(boot_.folder, '/', name)});
    places.push_back({boot_.top, concat(boot_.folder, '/', *files.initrd)});
    return places;
  }

  void take(const KernelFiles& files) {
    const Place place = place_of(files);
    // Debian's /vmlinuz is a link, to nothing while its /boot is another file system.
    if (!place.tree.has(place.path)) return;
    auto initrds = initrds_of(files);
    MenuFiles started{.program = place, .initrds = initrds.value_or(std::vector<Place>()), .warnings = {}};
    auto options = initrds ? kernel_options(files_, files.kernel, fits()) : std::unexpected(std::move(initrds).error());
    BootEntry entry{.kind = EntryKind::Kernel,
                    .menu = Menu::Kernels,
                    .id = files.kernel,
                    .title = title_.empty() ? files.kernel : title_,
                    .version = version_of(place, files.version)};
    taken_.push_back(
        {.kernel = place,
         .starts = {{.initrds = started.initrds, .options = options ? options->text : "", .is_broken = !options}}});
    add(std::move(entry), std::move(started), std::move(options),
        [&](const MenuEntry* usual) { return usual != nullptr && is_started_by(*usual, files); });
  }

  // Those whose kernels have names of their own, or are elsewhere, and those with other initrds or options: Arch's
  // fallback, what somebody has written himself.
  void take_menu(const BootMenu& menu) {
    std::size_t left = kMaxMenuEntries;
    std::size_t missing = 0;
    const auto pass_over = [&](const std::string& called, const std::string& why) {
      if (++missing <= kMaxMissing)
        found_.broken.push_back(Error{Code::NotFound, 0, concat(menu.file, ": ", quoted(called), ": ", why)});
    };
    for (const MenuEntry& one : menu.entries) {
      if (one.kernel.empty()) continue;
      if (left-- == 0) break;
      const auto place = finder_.find(one.kernel, one.volume);
      const auto known = place ? std::ranges::find(taken_, *place, &Taken::kernel) : taken_.end();
      auto initrds = find_initrds(one);
      if (known != taken_.end() && !initrds) continue;
      const std::string called = one.title.empty() ? one.id : one.title;
      if (!place) {
        pass_over(called, concat(printable(one.kernel), " is not there, or in more than one place"));
        continue;
      }
      if (!initrds) {
        pass_over(called, missing_initrd(one));
        continue;
      }
      auto options = entry_options(files_, one, fits());
      if (known != taken_.end() && known->is_started_with(*initrds, options)) continue;
      BootEntry entry{.kind = EntryKind::Kernel,
                      .menu = Menu::Kernels,
                      .id = called,
                      .title = called,
                      .version = is_recovery(one) || known != taken_.end() ? "0-rescue" : ""};
      if (known != taken_.end() && options) known->starts.push_back({.initrds = *initrds, .options = options->text});
      add(std::move(entry), {.program = *place, .initrds = *std::move(initrds), .warnings = {}}, std::move(options),
          [&](const MenuEntry* usual) { return usual == &one; });
    }
    if (missing > kMaxMissing)
      found_.broken.push_back(Error{Code::NotFound, 0,
                                    concat(menu.file, ": ", missing - kMaxMissing,
                                           " more entries whose files are not there, as those of snapshots")});
  }

  // `is_it`: whether it is what that usual entry starts.
  template <class Predicate>
  void add(BootEntry entry, MenuFiles files, Result<KernelOptions> options, const Predicate& is_it) {
    const std::string path = files.program.full_path();
    const auto image = is_image(files.program.tree, files.program.path);
    if (!image) options = std::unexpected(image.error());
    if (!options) {
      found_.broken.push_back(std::move(options).error().within(printable(path)));
      return;
    }
    const disk::GuestPartition& partition = files.program.tree.partition();
    entry.path = concat(partition.device, ':', path);
    for (const Place& initrd : files.initrds) {
      const bool is_beside = &initrd.tree.partition() == &partition;
      entry.initrds.push_back(concat(is_beside ? "" : concat(initrd.tree.partition().device, ':'), initrd.full_path()));
    }
    entry.unified = files.is_image = *image;
    entry.system = system_;
    entry.options_from = options->source;
    entry.options = std::move(options->text);
    files.warnings = std::move(options->warnings);
    const auto usual = static_cast<std::size_t>(std::ranges::find_if(usual_, is_it) - usual_.begin());
    if (usual < first_) {
      first_ = usual;
      first_place_ = found_.entries.size();
    }
    found_.entries.push_back(
        {.entry = entry, .partition = &partition, .path = path, .open = [files, entry](const OpenRequest& request) {
           return open_menu_files(files, entry, request);
         }});
  }

  disk::GuestDisk& disk_;
  const BootFolder& boot_;
  OptionFiles files_;                    // its menu is for the kernels of this file system
  std::optional<BootMenu> menu_;         // with the others
  std::size_t entry_files_;              // that it shows beside its entries
  std::vector<const MenuEntry*> usual_;  // of `menu_`
  std::size_t first_ = usual_.size();    // of them that can be booted
  std::size_t first_place_ = 0;          // in `found_`
  std::string title_;
  std::size_t system_;
  FileFinder finder_;
  std::vector<Taken> taken_;  // broken ones too
  FoundEntries found_;
};

// os-prober puts the entries of one system into the menu of another. A default stays, else what is called by its file.
void add_once(FoundEntry entry, std::vector<FoundEntry>& found) {
  const auto rank = [](const BootEntry& one) {
    return !one.default_by.empty() ? 2 : one.id == menu_file_name(one.path) ? 1 : 0;
  };
  const auto same = std::ranges::find_if(found, [&](const FoundEntry& one) {
    return one.entry.path == entry.entry.path && one.entry.initrds == entry.entry.initrds &&
           one.entry.options == entry.entry.options;
  });
  if (same == found.end())
    found.push_back(std::move(entry));
  else if (rank(entry.entry) > rank(same->entry))
    *same = std::move(entry);
}

// The folders where GRUB's program looks for its menu come first: their system is the one that is started. What leads
// to a menu in an unusual place knows more of it than that place.
std::vector<BootFolder> folders_in_order(disk::GuestDisk& disk) {
  const GrubTarget target = grub_target(disk);
  const auto esps = loader_partitions(disk);
  std::vector<BootFolder> folders;
  std::vector<BootFolder> others;
  for (BootFolder& boot : boot_folders(disk)) {
    const bool is_on_esp = std::ranges::find(esps, &boot.top.partition()) != esps.end();
    const bool is_other = target.is_usual() ? FileFinder(disk, boot).is_elsewhere("", target.volume) : !is_on_esp;
    (is_other ? others : folders).push_back(std::move(boot));
  }
  std::ranges::move(others, std::back_inserter(folders));
  return folders;
}

}  // namespace

FoundEntries find_kernels(disk::GuestDisk& disk) {
  FoundEntries found;
  const auto roots = root_trees(disk);
  std::vector<std::size_t> systems;  // their roots, in the order of their first folders
  for (const BootFolder& boot : folders_in_order(disk)) {
    auto kernels = kernels_among(boot.top.list(boot.folder));
    if (kernels.size() > kMaxKernels) kernels.resize(kMaxKernels);
    // A folder in a root file system belongs to that one; there may be more systems on the disk.
    const std::size_t owner = owner_of(boot, roots);
    // A folder that is nobody's has its own menu alone: the files of another system would boot that one's root.
    const auto root = owner == roots.size() ? std::nullopt : std::optional(roots[owner]);
    if (kernels.empty() && !has_menu(disk, boot)) continue;
    std::size_t system = 0;
    while (system < systems.size() && (owner == roots.size() || systems[system] != owner)) ++system;
    FolderFiles files = read_files(disk, boot, root, roots.size() <= 1);
    if (files.problem) found.broken.push_back(*std::move(files.problem));
    FolderReader reader(disk, boot, std::move(files.options), title_of(root), system);
    FoundEntries here = std::move(reader).read(kernels);
    // What only leads elsewhere is no system.
    if (system == systems.size() && !(kernels.empty() && here.entries.empty())) systems.push_back(owner);
    for (FoundEntry& entry : here.entries) add_once(std::move(entry), found.entries);
    std::ranges::move(here.broken, std::back_inserter(found.broken));
  }
  return found;
}

}  // namespace vhdboot::entry
