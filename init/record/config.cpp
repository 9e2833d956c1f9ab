// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/config.h"

#include <array>
#include <functional>
#include <utility>

#include "base/quoted.h"
#include "base/text.h"
#include "init/volume/path.h"

namespace vhdboot::record {

namespace {

constexpr std::size_t kMaxEntryBytes = 255;

std::unexpected<Error> unexpected_value(std::string_view expected, std::string_view found) {
  return fail(Code::Invalid, concat("expected ", expected, ", found ", quoted(found)));
}

Result<std::string> image_path(std::string_view value) {
  const auto path = TRY(volume::parse_path(value));
  if (path.is_root()) return unexpected_value("the path of an image file", value);
  const bool absolute = value.front() == '/' || value.front() == '\\';
  return absolute ? path.text() : path.text().substr(1);
}

Result<void> set_image(Config& config, std::string_view value) {
  config.image = TRY(image_path(value));
  return {};
}

Result<void> add_disk(Config& config, std::string_view value) {
  if (config.disks.size() == kMaxDisks) return fail(Code::Invalid, concat("more than ", kMaxDisks, " disks"));
  config.disks.push_back(TRY(image_path(value)));
  return {};
}

Result<void> set_volume(Config& config, std::string_view value) {
  config.volume = TRY(disk::parse_volume_selector(value));
  return {};
}

Result<void> set_parent_volume(Config& config, std::string_view value) {
  config.parent_volume = TRY(disk::parse_volume_selector(value));
  return {};
}

Result<void> set_entry(Config& config, std::string_view value) {
  if (!fits_line(value) || value.size() > kMaxEntryBytes)
    return unexpected_value("the name of a boot entry, or a pattern", value);
  config.entry = std::string(value);
  return {};
}

Result<void> add_options(Config& config, std::string_view value) {
  if (value.empty()) return {};
  // A tab is a blank to the kernel, too; any other control character is a mistake.
  for (const char c : value)
    if (c != '\t' && !fits_line({&c, 1})) return unexpected_value("kernel options without control characters", value);
  if (!config.options.empty()) config.options += ' ';
  config.options += value;
  if (config.options.size() > kMaxOptionsBytes)
    return fail(Code::Invalid, concat("more than ", kMaxOptionsBytes, " bytes of kernel options"));
  return {};
}

Result<void> set_modules_from(Config& config, std::string_view value) {
  config.modules_from = std::nullopt;
  config.modules_folder = std::nullopt;
  if (value.starts_with("/dev/"))
    return unexpected_value("a partition of the guest disk, or a folder on the volume with the image", value);
  if (value.starts_with('/') || value.starts_with('\\'))
    config.modules_folder = TRY(volume::parse_path(value)).text();
  else
    config.modules_from = TRY(disk::parse_root_selector(value));
  return {};
}

Result<void> set_modules(Config& config, std::string_view value) {
  if (value == "auto")
    config.modules = ModuleSource::Auto;
  else if (value == "guest")
    config.modules = ModuleSource::Guest;
  else
    return unexpected_value("auto or guest", value);
  return {};
}

Result<void> set_host_mount(Config& config, std::string_view value) {
  config.host_mount = TRY(parse_host_mount(value));
  return {};
}

Result<void> set_trim(Config& config, std::string_view value) {
  if (value != "on" && value != "off") return unexpected_value("on or off", value);
  config.trim = value == "on";
  return {};
}

Result<void> set_ephemeral(Config& config, std::string_view value) {
  config.ephemeral = TRY(parse_ephemeral(value));
  return {};
}

Result<void> add_kept(Config& config, std::string_view value) {
  if (config.keep.size() == kMaxKept) return fail(Code::Invalid, concat("more than ", kMaxKept, " partitions"));
  config.keep.push_back(TRY(disk::parse_root_selector(value)));
  return {};
}

Result<void> set_persist(Config& config, std::string_view value) {
  const auto path = TRY(volume::parse_path(value));
  if (path.is_root() || (value.front() != '/' && value.front() != '\\'))
    return unexpected_value("the path of an image on the volume, such as /vhd/keep.vhd", value);
  config.persist = path.text();
  return {};
}

Result<void> add_persist_paths(Config& config, std::string_view value) {
  if (value.empty()) return unexpected_value("directories of the guest such as /home /var/log", value);
  config.persist_paths = TRY(with_persist_paths(std::move(config.persist_paths), value));
  return {};
}

Result<void> set_kernel(Config& config, std::string_view value) {
  config.kernel = TRY(image_path(value));
  return {};
}

Result<void> set_source(Config& config, std::string_view value) {
  constexpr std::string_view kScheme = "http://";
  const std::size_t end = value.find_first_not_of("0123456789.:", kScheme.size());
  // https it cannot be while a system runs from the image; the root hash proves each block.
  if (!value.starts_with(kScheme) || end >= value.size() || value[end] != '/' || !fits_line(value))
    return unexpected_value("http, not https, and the server by its number, as in http://192.168.1.10/debian.vhd",
                            value);
  config.source = value;
  return {};
}

Result<void> set_root_hash(Config& config, std::string_view value) {
  constexpr std::size_t kDigits = 64;
  constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";
  if (value.size() != kDigits || value.find_first_not_of(kHexadecimal) != std::string_view::npos)
    return unexpected_value("the 64 digits that `vhdtool hashes` told", value);
  config.root_hash = to_lower_ascii(value);
  return {};
}

Result<void> set_address(Config& config, std::string_view value) {
  if (!value.contains('/') || value.find_first_not_of("0123456789./ ") != std::string_view::npos)
    return unexpected_value(
        "an address with the bits of its network, and the router, as in 192.168.1.20/24 192.168.1.1", value);
  config.address = value;
  return {};
}

Result<void> set_personality(Config& config, std::string_view value) {
  if (value != "wsl" && value != "none") return unexpected_value("wsl or none", value);
  config.personality = value == "wsl" ? Personality::Wsl : Personality::None;
  return {};
}

Result<void> set_login(Config& config, std::string_view value) {
  if (value != "ask" && value != "auto") return unexpected_value("ask or auto", value);
  config.auto_login = value == "auto";
  return {};
}

Result<void> set_wait(Config& config, std::string_view value) {
  const auto seconds = parse_u64(value);
  if (!seconds || *seconds < 1 || *seconds > kMaxWaitSeconds)
    return unexpected_value(concat("seconds from 1 to ", kMaxWaitSeconds), value);
  config.wait_seconds = static_cast<unsigned>(*seconds);
  return {};
}

Result<void> set_rescue(Config& config, std::string_view value) {
  if (value == "menu")
    config.rescue = RescueChoice::Menu;
  else if (value == "shell")
    config.rescue = RescueChoice::Shell;
  else if (value == "reboot")
    config.rescue = RescueChoice::Reboot;
  else
    return unexpected_value("menu, shell or reboot", value);
  return {};
}

Result<void> set_timeout(Config& config, std::string_view value) {
  const auto seconds = parse_u64(value);
  if (value != "menu" && (!seconds || *seconds > kMaxMenuSeconds))
    return unexpected_value(concat("seconds from 0 to ", kMaxMenuSeconds, ", or menu"), value);
  config.timeout = MenuTimeout{};
  if (seconds) config.timeout->seconds = static_cast<unsigned>(*seconds);
  return {};
}

Result<void> set_menu_style(Config& config, std::string_view value) {
  if (value != "screen" && value != "plain") return unexpected_value("screen or plain", value);
  config.menu_style = value == "plain" ? MenuStyle::Plain : MenuStyle::Screen;
  return {};
}

Result<void> set_beep(Config& config, std::string_view value) {
  if (value != "on" && value != "off") return unexpected_value("on or off", value);
  config.beep = value == "on";
  return {};
}

Result<void> set_keymap(Config& config, std::string_view value) {
  constexpr std::size_t kMost = 64;
  if (value.size() > kMost) return fail(Code::Invalid, "no keyboard layout has so long a name");
  config.keymap = value;
  return {};
}

Result<void> add_folder(Config& config, std::string_view value) {
  if (config.folders.size() == kMaxFolders) return fail(Code::Invalid, concat("more than ", kMaxFolders, " folders"));
  config.folders.push_back(TRY(volume::parse_path(value)).text());
  return {};
}

struct Key {
  std::string_view name;
  Result<void> (*set)(Config&, std::string_view);
  bool repeatable = false;
};

constexpr std::array kKeys{
    Key{"image", set_image},
    Key{"volume", set_volume},
    Key{"parent-volume", set_parent_volume},
    Key{"entry", set_entry},
    Key{"options", add_options, true},
    Key{"modules-from", set_modules_from},
    Key{"modules", set_modules},
    Key{"host-mount", set_host_mount},
    Key{"trim", set_trim},
    Key{"ephemeral", set_ephemeral},
    Key{"keep", add_kept, true},
    Key{"disk", add_disk, true},
    Key{"persist", set_persist},
    Key{"persist-paths", add_persist_paths, true},
    Key{"kernel", set_kernel},
    Key{"source", set_source},
    Key{"root-hash", set_root_hash},
    Key{"address", set_address},
    Key{"personality", set_personality},
    Key{"login", set_login},
    Key{"wait", set_wait},
    Key{"rescue", set_rescue},
    Key{"timeout", set_timeout},
    Key{"menu-style", set_menu_style},
    Key{"beep", set_beep},
    Key{"keymap", set_keymap},
    Key{"folder", add_folder, true},
};

/// Keys of the past: known, and without effect.
struct FormerKey {
  std::string_view name;
  std::string_view sentence;  ///< goes on behind the name
};

constexpr std::array kFormerKeys{
    FormerKey{
        "attach",
        "has no effect any more: there is one way to attach an image, and `host-mount` shows the volume in the guest"},
    FormerKey{"root", "is called `modules-from` now"},
};

/// Takes one key and its value after the other and keeps book of what was odd.
class Builder {
 public:
  /// `place` begins every message: "debian.conf:3".
  Result<void> take(std::string_view key, std::string_view value, std::string_view place) {
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
      if (key != kKeys[i].name) continue;
      if (seen_[i] && !kKeys[i].repeatable) warn(place, concat(key, " is said twice, the later one counts"));
      seen_[i] = true;
      if (auto set = kKeys[i].set(parsed_.config, value); !set)
        return std::unexpected(std::move(set).error().within(concat(place, ": ", key)));
      return {};
    }
    for (const FormerKey& former : kFormerKeys) {
      if (key != former.name) continue;
      warn(place, concat(key, ' ', former.sentence));
      return {};
    }
    warn(place, concat("unknown key ", quoted(key)));
    return {};
  }

  void warn(std::string_view place, std::string_view sentence) {
    // What is not configuration at all would fill the screen.
    constexpr std::size_t kMost = 16;
    if (parsed_.warnings.size() < kMost) parsed_.warnings.push_back(concat(place, ": ", sentence));
  }

  [[nodiscard]] ParsedConfig finish() && { return std::move(parsed_); }

 private:
  ParsedConfig parsed_;
  std::array<bool, kKeys.size()> seen_{};
};

/// The words of load options, without their quotes. Absent when a quote is not closed.
std::optional<std::vector<std::string>> split_quoted(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  bool in_quotes = false;
  for (const char c : text) {
    if (is_blank(c) && !in_quotes) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '"')
      in_quotes = !in_quotes;
    else
      words.back() += c;
  }
  if (in_quotes) return std::nullopt;
  return words;
}

}  // namespace

Result<ParsedConfig> parse_config(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxConfigBytes)
    return fail(Code::Invalid, concat(file_name, ": larger than ", human_size(kMaxConfigBytes)));
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return fail(Code::Invalid, concat(file_name, ": is UTF-16 text: save it as UTF-8"));
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);

  Builder builder;
  std::size_t number = 0;
  for (const auto raw : split_lines(text)) {
    const auto place = concat(file_name, ':', ++number);
    const auto line = trim(raw);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.find('\0') != std::string_view::npos) return fail(Code::Invalid, concat(place, ": is not text"));
    std::size_t end = 0;
    while (end < line.size() && !is_blank(line[end])) ++end;
    if (auto taken = builder.take(line.substr(0, end), trim(line.substr(end)), place); !taken)
      return std::unexpected(std::move(taken).error());
  }
  return std::move(builder).finish();
}

Result<ParsedConfig> parse_load_options(std::string_view text) {
  constexpr std::string_view kPlace = "load options";
  text = text.substr(0, text.find('\0'));
  if (text.size() > kMaxConfigBytes)
    return fail(Code::Invalid, concat(kPlace, ": longer than ", human_size(kMaxConfigBytes)));
  const auto words = split_quoted(text);
  if (!words) return fail(Code::Invalid, concat(kPlace, ": a double quote is not closed in ", quoted(text)));

  Builder builder;
  for (std::size_t i = 0; i < words->size(); ++i) {
    const std::string_view word = (*words)[i];
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) {
      const bool own_name = i == 0 && to_lower_ascii(word).ends_with(".efi");
      if (!own_name)
        builder.warn(kPlace, concat("unknown word ", quoted(word), " (kernel options go into options=\"...\")"));
      continue;
    }
    if (auto taken = builder.take(word.substr(0, equals), trim(word.substr(equals + 1)), kPlace); !taken)
      return std::unexpected(std::move(taken).error());
  }
  return std::move(builder).finish();
}

Config merge(const Config& base, const Config& overrides) {
  Config merged = base;
  const auto take = [](auto& field, const auto& override_) {
    if (override_) field = override_;
  };
  take(merged.image, overrides.image);
  take(merged.volume, overrides.volume);
  take(merged.parent_volume, overrides.parent_volume);
  take(merged.entry, overrides.entry);
  take(merged.modules, overrides.modules);
  if (overrides.modules_from || overrides.modules_folder) {
    merged.modules_from = overrides.modules_from;
    merged.modules_folder = overrides.modules_folder;
  }
  take(merged.host_mount, overrides.host_mount);
  take(merged.trim, overrides.trim);
  take(merged.ephemeral, overrides.ephemeral);
  if (!overrides.keep.empty()) merged.keep = overrides.keep;
  if (!overrides.disks.empty()) merged.disks = overrides.disks;
  take(merged.persist, overrides.persist);
  if (!overrides.persist_paths.empty()) merged.persist_paths = overrides.persist_paths;
  take(merged.kernel, overrides.kernel);
  take(merged.source, overrides.source);
  take(merged.root_hash, overrides.root_hash);
  take(merged.address, overrides.address);
  take(merged.personality, overrides.personality);
  take(merged.auto_login, overrides.auto_login);
  take(merged.wait_seconds, overrides.wait_seconds);
  take(merged.rescue, overrides.rescue);
  take(merged.timeout, overrides.timeout);
  take(merged.menu_style, overrides.menu_style);
  take(merged.beep, overrides.beep);
  take(merged.keymap, overrides.keymap);
  if (!overrides.folders.empty()) merged.folders = overrides.folders;
  take(merged.command_line, overrides.command_line);
  if (!overrides.options.empty()) {
    if (!merged.options.empty()) merged.options += ' ';
    merged.options += overrides.options;
  }
  return merged;
}

Result<void> check(const Config& config) {
  if (config.options.size() > kMaxOptionsBytes)
    return fail(Code::Invalid, concat("more than ", kMaxOptionsBytes, " bytes of kernel options"));
  if (config.persist.has_value() == config.persist_paths.empty())
    return fail(Code::Invalid, "`persist`, an image, and `persist-paths`, what is kept in it, must both be said");
  if (config.source.has_value() != config.root_hash.has_value())
    return fail(Code::Invalid,
                "`source`, where the image comes from, and `root-hash`, what proves it, must both be said");
  if (config.address && !config.source)
    return fail(Code::Invalid, "`address` is said without `source`, and nothing is asked from it");
  if (config.persist && !config.ephemeral)
    return fail(Code::Invalid, "`persist` is said without `ephemeral`, and nothing is forgotten: say `ephemeral yes`");
  return {};
}

}  // namespace vhdboot::record
