// SPDX-License-Identifier: GPL-2.0-or-later
// What a person says that differs from the convention: debian.conf beside debian.efi, and the load options.
//
// The file has `key value` lines as in the Boot Loader Specification: keys in lower case, blanks between key and value,
// lines that start with '#' and empty lines mean nothing. The load options are `key=value` words; double quotes keep
// blanks together. Both have the same keys:
//
// clang-format off: it would run the lines of this table together
//   image PATH                the image file; beside the EFI file unless it starts with / or \ .
//   volume SELECTOR           where the image is: UUID=, PARTUUID=, LABEL=, PARTLABEL=, a serial or partition UUID
//   parent-volume SELECTOR    where those of its parents are that are not on the volume of the image
//   entry NAME                the boot entry of the guest: its file name, or a pattern with * and ?
//   options TEXT              more kernel options; may be repeated, all of them count
//   modules auto|guest        auto: take the modules that stage 2 needs from the guest; guest: rely on its initrd
//   modules-from SELECTOR     the guest partition with the modules: UUID=, PARTUUID=, LABEL=, PARTLABEL= or its number;
//                             or a folder on the volume with the image, a path that starts with / or \ .
//   host-mount PATH [ro|rw] [OPTIONS]
//                             where the guest finds the host volume, read-only unless rw is said, and options for its
//                             driver
//   trim on|off               off: the guest's TRIM reaches no disk
//   ephemeral no|yes|SIZE|N%|FILE
//                             all that the guest writes is in memory, so much at most, and is forgotten; or in a
//                             scratch file on the image's volume
//   keep SELECTOR             a partition of the guest disk that does not forget with the rest; may be repeated
//   disk PATH                 another image as a further disk of the guest; beside the image unless it starts with / or
//                             \ ; may be repeated
//   persist PATH              an image on the image's volume, for directories that do not forget with the rest
//   persist-paths PATH...     those directories of the guest; may be repeated
//   kernel PATH               an image whose kernel, initrd and modules the guest is started with; it is only read.
//                             Beside the image unless it starts with / or \ .
//   source URL                where an image comes from that is not complete yet: http, the server by its number
//   root-hash HASH            what `vhdtool hashes` told of it: 64 digits
//   address ADDRESS/BITS [ROUTER]
//                             what vhdboot has in the network of the source; without this, by DHCP
//   personality wsl|none      wsl: what WSL leaves to itself in a guest is made up for in memory; without this, where a
//                             guest has /etc/wsl.conf
//   login ask|auto            auto: such a guest logs its usual user in by itself
//   wait SECONDS              how long to wait for devices, 1 to 600
//   rescue menu|shell|reboot  what comes after an error
//   timeout SECONDS|menu      how long the menu waits for a key, 0 to 3600; menu: until one is pressed
//   menu-style screen|plain   plain: lines and numbers, without moving the cursor
//   beep on|off               a sound tells that the menu waits
//   keymap NAME               the keyboard layout of the menu and the shell: de, fr, us-dvorak
//   folder PATH               where the menu looks for images, too, on all volumes; may be repeated
// clang-format on
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/selector.h"
#include "init/record/ephemeral.h"
#include "init/record/host_mount.h"
#include "init/record/persist.h"

namespace vhdboot::record {

/// Where an image comes from that is not complete.
struct Arrival {
  std::string source;     ///< "http://192.168.1.10/debian.vhd"
  std::string root_hash;  ///< 64 hexadecimal digits
  std::string address;    ///< to ask from, "192.168.1.20/24 192.168.1.1"; empty: by DHCP

  friend bool operator==(const Arrival&, const Arrival&) = default;
};

enum class ModuleSource : std::uint8_t { Auto, Guest };
enum class RescueChoice : std::uint8_t { Menu, Shell, Reboot };
enum class MenuStyle : std::uint8_t { Screen, Plain };
enum class Personality : std::uint8_t { None, Wsl };

inline constexpr unsigned kDefaultWaitSeconds = 30;
inline constexpr unsigned kMaxWaitSeconds = 600;
inline constexpr unsigned kMaxMenuSeconds = 3600;
inline constexpr std::size_t kMaxConfigBytes = 64 * 1024;  ///< of a file, and of load options
inline constexpr std::size_t kMaxFolders = 16;
inline constexpr std::size_t kMaxKept = 16;
inline constexpr std::size_t kMaxDisks = 8;                ///< of the guest besides its own one
inline constexpr std::size_t kMaxOptionsBytes = 8 * 1024;  ///< of all kernel options together

/// How long the menu waits for a key.
struct MenuTimeout {
  std::optional<unsigned> seconds;  ///< nothing: until one is pressed

  friend bool operator==(const MenuTimeout&, const MenuTimeout&) = default;
};

/// What was said; what was not is absent, and the functions below it give what then holds.
struct Config {
  std::optional<std::string> image;  ///< '/' between the names; relative: beside the EFI file
  std::optional<disk::Selector> volume;
  std::optional<disk::Selector> parent_volume;  ///< where parents are that are not on the volume of the image
  std::optional<std::string> entry;
  std::string options;  ///< separated by blanks; empty: none
  std::optional<ModuleSource> modules;
  std::optional<disk::Selector> modules_from;
  std::optional<std::string> modules_folder;  ///< '/' before each name; never together with modules_from
  std::optional<HostMount> host_mount;
  std::optional<bool> trim;
  std::optional<Ephemeral> ephemeral;
  std::vector<disk::Selector> keep;        ///< partitions of the guest disk that do not forget with the rest of it
  std::vector<std::string> disks;          ///< images of further disks, as `image`; relative: beside the image
  std::optional<std::string> persist;      ///< the image with what is kept beside them: '/' before each name
  std::string persist_paths;               ///< directories of the guest that are kept there, separated by blanks
  std::optional<std::string> kernel;       ///< the image that the guest's kernel is taken from, as `image`
  std::optional<std::string> source;       ///< of an image that is not complete
  std::optional<std::string> root_hash;    ///< of the same
  std::optional<std::string> address;      ///< to ask for it from
  std::optional<Personality> personality;  ///< what is made up for; absent: by what the guest has
  std::optional<bool> auto_login;
  std::optional<unsigned> wait_seconds;
  std::optional<RescueChoice> rescue;
  std::optional<MenuTimeout> timeout;
  std::optional<MenuStyle> menu_style;
  std::optional<bool> beep;
  std::optional<std::string> keymap;        ///< what a person calls the keyboard layout of the menu and the shell
  std::vector<std::string> folders;         ///< where the menu looks, too: '/' before each name
  std::optional<std::string> command_line;  ///< in place of the entry's own: no key, a person typed it in the menu
  /// The EFI file, to be told on the guest's command line: no key, stage 1 sets it for a boot.
  std::optional<std::string> started_by;

  [[nodiscard]] ModuleSource module_source() const { return modules.value_or(ModuleSource::Auto); }
  /// What the guest writes to its disk is not kept, but for the partitions that `keep` names.
  [[nodiscard]] bool forgets() const { return ephemeral && ephemeral->on; }
  /// Something of what the guest writes goes into the image.
  [[nodiscard]] bool writes_image() const { return !forgets() || !keep.empty(); }
  /// Where the image may still come from; nothing: it must be complete.
  [[nodiscard]] std::optional<Arrival> arrival() const {
    return source && root_hash ? std::optional(Arrival{*source, *root_hash, address.value_or("")}) : std::nullopt;
  }
  /// The image that holds what is kept of a guest that forgets; nothing where it does not.
  [[nodiscard]] std::optional<std::string> persist_file() const { return forgets() ? persist : std::nullopt; }
  /// Nothing is written to the host disk at all.
  [[nodiscard]] bool writes_nothing() const { return !writes_image() && ephemeral->file.empty() && !persist; }
  [[nodiscard]] unsigned wait() const { return wait_seconds.value_or(kDefaultWaitSeconds); }
  /// The menu shows without a key that asks for it.
  [[nodiscard]] bool shows_menu() const { return timeout && timeout->seconds != 0U; }
  [[nodiscard]] RescueChoice after_error() const { return rescue.value_or(RescueChoice::Menu); }

  friend bool operator==(const Config&, const Config&) = default;
};

struct ParsedConfig {
  Config config;
  std::vector<std::string> warnings;  ///< each a sentence with its place: "debian.conf:3: unknown key \"imgae\""
};

/// Reads a configuration file; `file_name` is for the messages. Invalid on a value that is wrong, with file and line.
[[nodiscard]] Result<ParsedConfig> parse_config(std::string_view text, std::string_view file_name);

/// Reads load options (UTF-8). A first word that ends in ".efi" is the program's own name and is skipped, as a UEFI
/// shell passes it. Invalid on a value that is wrong or a quote that is not closed.
[[nodiscard]] Result<ParsedConfig> parse_load_options(std::string_view text);

/// `overrides` wins, key by key; its kernel options come after those of `base`.
[[nodiscard]] Config merge(const Config& base, const Config& overrides);

/// What two sources say together: Invalid for too many kernel options, and where one key is said without another that
/// it needs.
[[nodiscard]] Result<void> check(const Config& config);

}  // namespace vhdboot::record
