// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/wsl.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "init/guest/fstab_units.h"
#include "init/guest/run_files.h"
#include "init/guest/wsl_conf.h"
#include "init/record/host_mount.h"

namespace vhdboot::guest {
namespace {

constexpr std::string_view kComment = "# From vhdboot, in memory.\n";
// systemd reads it before the guest's own units, and nobody takes an initrd for one of systemd's by it: see
// persist_units.h.
constexpr std::string_view kUnits = "systemd/system.control/";
constexpr std::string_view kOwnUnits = "/etc/systemd/system";
constexpr std::size_t kMaxUnitBytes = 64 * 1024;
constexpr std::size_t kMaxKept = 256;    // lines of an fstab
constexpr std::size_t kMaxDropped = 32;  // that are told one by one
constexpr std::string_view kNetworkd = "systemd-networkd.service";
constexpr std::string_view kNetworkManager = "NetworkManager.service";
constexpr std::string_view kResolved = "systemd-resolved.service";

// What WSL has its images mask (learn.microsoft.com/windows/wsl/build-custom-distro), and the prompts.
constexpr std::array<std::string_view, 12> kMasked{kResolved,
                                                   kNetworkd,
                                                   "systemd-networkd.socket",
                                                   kNetworkManager,
                                                   "systemd-tmpfiles-setup.service",
                                                   "systemd-tmpfiles-clean.service",
                                                   "systemd-tmpfiles-clean.timer",
                                                   "systemd-tmpfiles-setup-dev-early.service",
                                                   "systemd-tmpfiles-setup-dev.service",
                                                   "tmp.mount",
                                                   "getty@.service",
                                                   "serial-getty@.service"};
constexpr std::array<std::string_view, 5> kOtherManagers{"networking.service", "connman.service", "wicked.service",
                                                         "dhcpcd.service", kNetworkManager};

bool has_name(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// The unit as it is installed; nothing when it is not.
std::optional<std::string> installed_unit(const disk::Folder& root, std::string_view name) {
  for (const std::string_view folder : {"/usr/lib/systemd/system/", "/lib/systemd/system/"})
    if (auto text = root.read_text(concat(folder, name), kMaxUnitBytes); text && !text->empty())
      return *std::move(text);
  return std::nullopt;
}

// A link to /dev/null, or an empty file (systemd.unit(5)).
bool is_masked(const disk::Folder& root, const std::vector<std::string>& own, std::string_view name) {
  return has_name(own, name) && root.read_text(concat(kOwnUnits, '/', name), kMaxUnitBytes).value_or("").empty();
}

void unmask(const disk::Folder& root, WslPlan& plan) {
  const auto own = root.list(kOwnUnits);
  for (const std::string_view name : kMasked) {
    if (!is_masked(root, own, name)) continue;
    if (auto text = installed_unit(root, name))
      plan.files.push_back({.name = concat(kUnits, name), .text = concat(kComment, *text)});
  }
}

// Who looks for an address: the units to be started, and whether ours is the configuration.
struct Network {
  std::string wants;
  bool is_ours = false;
};

Network plan_network(const disk::Folder& root, std::vector<std::string>& notes) {
  const auto enabled = root.list(concat(kOwnUnits, "/multi-user.target.wants"));
  const bool has_networkd = installed_unit(root, kNetworkd).has_value();
  if (!has_name(enabled, kNetworkd) || !has_networkd)
    for (const std::string_view manager : kOtherManagers)
      if (has_name(enabled, manager)) {
        notes.push_back(concat("the network is left to the guest's own ", manager));
        return {};
      }
  if (has_networkd) return {.wants = concat(' ', kNetworkd), .is_ours = true};
  if (installed_unit(root, kNetworkManager)) return {.wants = concat(' ', kNetworkManager)};
  notes.emplace_back("nothing in the guest looks for an address: install systemd-networkd or NetworkManager in it");
  return {};
}

// Where a file system in memory is mounted so that /mnt/wsl can be written to; empty: nowhere.
std::string resolver_place(const disk::Folder& root, std::vector<std::string>& notes) {
  if (!has_name(root.list("/etc"), "resolv.conf")) {
    notes.emplace_back("the guest has no /etc/resolv.conf, so it knows no servers of names: start it in WSL once");
    return "";
  }
  // A link that leads nowhere is WSL's.
  if (root.read_text("/etc/resolv.conf", kMaxUnitBytes)) return "";
  if (root.is_folder("/mnt/wsl")) return "/mnt/wsl";
  if (root.is_folder("/mnt") && root.list("/mnt").empty()) return "/mnt";
  notes.emplace_back("the guest has no folder /mnt/wsl for its /etc/resolv.conf: make it in WSL");
  return "";
}

// The words for agetty(8), and what it shows.
struct Login {
  std::string words;
  std::string issue;
};

Result<Login> plan_login(const disk::Folder& root, bool auto_login) {
  const auto read = [&](std::string_view path) { return root.read_text(path, kMaxAccountsBytes).value_or(""); };
  auto conf = root.read_text("/etc/wsl.conf", kMaxWslConfBytes);
  if (!conf && conf.error().code == Code::NotFound) conf = "";
  const std::string text = TRY_IN("the guest's /etc/wsl.conf", std::move(conf));
  const auto configured = TRY_IN("the guest's /etc/wsl.conf", wsl_setting(text, "user", "default"));
  const std::string user = usual_user(read("/etc/passwd"), configured.value_or(""));
  if (auto_login) return Login{.words = concat("--autologin ", user), .issue = {}};
  const std::string shadow = read("/etc/shadow");
  if (shadow.empty() || has_password(shadow, user) || has_password(shadow, "root")) return Login{};
  return Login{.words = "--issue-file /etc/issue:/run/vhdboot/issue",
               .issue = concat("Neither ", user, " nor root has a password, so nobody can log in: say `passwd ", user,
                               "` in WSL, or `login auto` in vhdboot's configuration.\n")};
}

}  // namespace

bool is_wsl(const disk::Folder& root) {
  return root.has("/etc/wsl.conf") || root.has("/etc/wsl-distribution.conf");
}

Result<void> check_has_init(const disk::Folder& root) {
  for (const std::string_view init : {"/sbin/init", "/etc/init", "/bin/init"})
    if (root.has(init)) return {};
  return fail(Code::Unsupported,
              "the guest has no init (/sbin/init): in WSL install the package systemd-sysv, or the one with systemd's "
              "/sbin/init, and write `systemd=true` below `[boot]` into /etc/wsl.conf");
}

Result<WslPlan> plan_wsl(const disk::Folder& root, const std::vector<entry::FstabEntry>& fstab,
                         const std::vector<disk::Identity>& present, bool auto_login, std::string_view text) {
  WslPlan plan;
  const Login login = TRY(plan_login(root, auto_login));
  const Network network = plan_network(root, plan.notes);
  const std::string place = resolver_place(root, plan.notes);
  std::string wants = concat("getty@tty1.service", network.wants);
  if (installed_unit(root, kResolved)) wants += concat(' ', kResolved);
  if (!place.empty()) wants += " vhdboot-resolv.path vhdboot-resolv-first.service";
  const std::array<Value, 6> values{{{"@NETWORK@", network.is_ours ? "en* eth*" : ""},
                                     {"@MOUNT@", place.empty() ? "" : record::mount_unit_name(place)},
                                     {"@PLACE@", place},
                                     {"@LOGIN@", login.words},
                                     {"@ISSUE@", login.issue},
                                     {"@WANTS@", wants}}};
  plan.files = run_files(text, values);
  unmask(root, plan);
  FstabUnits units = fstab_units(fstab, present, std::string(kUnits), std::string(kComment));
  if (units.kept.size() > kMaxKept)
    return fail(Code::Unsupported, concat("the guest's /etc/fstab mounts ", units.kept.size(), " things, at most ",
                                          kMaxKept, " can be made up for: `personality none` leaves it to the guest"));
  // What a person mounts somewhere comes before what is installed for it.
  std::erase_if(plan.files, [&](const GuestFile& file) {
    return std::ranges::find(units.files, file.name, &GuestFile::name) != units.files.end();
  });
  std::ranges::move(units.files, std::back_inserter(plan.files));
  const std::size_t told = std::min(units.dropped.size(), kMaxDropped);
  std::ranges::move(units.dropped.begin(), units.dropped.begin() + static_cast<std::ptrdiff_t>(told),
                    std::back_inserter(plan.notes));
  if (told < units.dropped.size())
    plan.notes.push_back(concat("so are ", units.dropped.size() - told, " more lines of the guest's /etc/fstab"));
  plan.kept = std::move(units.kept);
  return plan;
}

}  // namespace vhdboot::guest
