// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/size_text.h"
#include "base/text.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"
#include "tools/common/find_program.h"
#include "tools/common/host_file.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/boot_file.h"
#include "tools/vhdboot/carry_out.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/conf_text.h"
#include "tools/vhdboot/try_volume.h"
#include "vhd/image.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot try [OPTION]... IMAGE

Boots IMAGE, a raw image or a fixed VHD, in QEMU as vhdboot boots it on a machine: on
a throw-away exFAT volume that is made around it. IMAGE itself is only read, what the
guest writes is gone at the end. No root is needed. It takes qemu-system-x86_64 and
OVMF (Debian: qemu-system-x86, ovmf). The guest's serial line is this terminal;
Ctrl-A X ends it.

      --memory SIZE    2G without it
      --emulate        without the processor's virtualisation (KVM), which is slow
      --display        a window, for a guest that has no console on its serial line
      --set KEY=VALUE  of the configuration, may be repeated
      --efi FILE       the vhdboot.efi to be started
  -n, --dry-run        only say which program would be run, and how
  -h, --help           this text

Examples:
  vhdboot try debian.vhd
  vhdboot try --memory 4G --set menu-style=plain --set timeout=menu debian.vhd
)";

struct Options {
  std::uint64_t memory = 2ULL << 30;
  bool display = false;
  bool emulate = false;
  std::vector<Setting> settings;
  std::string efi;
  std::string image;
};

// A folder that goes with this object.
class TryFolder {
 public:
  static Result<TryFolder> make() {
    const char* temporary = std::getenv("TMPDIR");
    std::string path = concat(temporary == nullptr ? "/tmp" : temporary, "/vhdboot-try-XXXXXX");
    if (::mkdtemp(path.data()) == nullptr) return fail_errno(concat("making ", path));
    return TryFolder(std::move(path));
  }
  TryFolder(TryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TryFolder& operator=(TryFolder&&) = delete;
  ~TryFolder() {
    if (!path_.empty()) remove(path_);
  }

  [[nodiscard]] std::string at(std::string_view name) const { return concat(path_, '/', name); }

 private:
  explicit TryFolder(std::string path) : path_(std::move(path)) {}
  static void remove(const std::string& path) {
    for (const std::string& name : sys::list_directory(path)) {
      const std::string entry = concat(path, '/', name);
      if (::unlink(entry.c_str()) < 0) remove(entry);
    }
    ::rmdir(path.c_str());
  }
  std::string path_;
};

Result<std::string> find_firmware() {
  constexpr std::array<std::string_view, 6> kPlaces{
      "/usr/share/ovmf/OVMF.fd",        "/usr/share/OVMF/OVMF.fd",          "/usr/share/edk2/ovmf/OVMF.fd",
      "/usr/share/edk2/x64/OVMF.4m.fd", "/usr/share/edk2-ovmf/x64/OVMF.fd", "/usr/share/qemu/ovmf-x86_64.bin"};
  for (const std::string_view place : kPlaces)
    if (sys::exists(std::string(place))) return std::string(place);
  return fail(Code::Unsupported, "there is no OVMF (Debian: apt install ovmf)");
}

Result<std::string> find_qemu() {
  const auto path = tools::find_program("qemu-system-x86_64");
  if (!path) return fail(Code::Unsupported, "there is no qemu-system-x86_64 (Debian: apt install qemu-system-x86)");
  return *path;
}

// The image must not change while a machine reads it.
Result<std::uint64_t> size_of(const std::string& image) {
  const auto file = tools::HostFile::open(image, tools::Access::Read);
  if (!file) return std::unexpected(file.error().error);
  TRY(vhd::identify(**file, image));
  return (*file)->size();
}

// An ESP as a folder, which QEMU shows as a FAT volume.
Result<void> make_esp(const TryFolder& folder, const BootFileSource& source, const std::string& conf) {
  TRY(sys::make_directories(folder.at("esp/EFI/BOOT")));
  TRY(sys::write_file(folder.at("esp/EFI/BOOT/BOOTX64.EFI"), source.bytes));
  return sys::write_file(folder.at("esp/EFI/BOOT/BOOTX64.conf"), as_bytes(conf));
}

Result<std::vector<std::string>> prepare(const Options& options, const TryFolder& folder) {
  const std::string image = TRY(whole_path(options.image));
  const std::string name = image.substr(image.rfind('/') + 1);
  const std::uint64_t size = TRY(size_of(image));
  const TryVolume volume = TRY(lay_out_try_volume(name, size));
  std::vector<Setting> settings{{"image", concat('/', name)}};
  settings.insert(settings.end(), options.settings.begin(), options.settings.end());
  const std::string conf = TRY(with_settings("", settings, "the configuration"));
  TRY(make_esp(folder, TRY(read_boot_file(options.efi)), conf));
  TRY(sys::write_file(folder.at("head"), volume.head));
  TRY(sys::write_file(folder.at("tail"), std::vector<std::byte>(static_cast<std::size_t>(volume.tail))));
  const std::string disk = TRY(describe_try_disk({{.path = folder.at("head"), .size = volume.head.size()},
                                                  {.path = image, .size = size},
                                                  {.path = folder.at("tail"), .size = volume.tail}}));
  TRY(sys::write_file(folder.at("host.vmdk"), as_bytes(disk)));
  std::vector<std::string> words{TRY(find_qemu()),
                                 "-machine",
                                 options.emulate ? "q35,accel=tcg" : "q35,accel=kvm:tcg",
                                 "-m",
                                 concat(options.memory >> 20, 'M'),
                                 "-bios",
                                 TRY(find_firmware()),
                                 "-net",
                                 "none",
                                 "-drive",
                                 concat("format=raw,file=fat:rw:", folder.at("esp")),
                                 "-drive",
                                 concat("format=vmdk,snapshot=on,file=", folder.at("host.vmdk"))};
  if (options.display)
    words.insert(words.end(), {"-serial", "mon:stdio"});
  else
    words.emplace_back("-nographic");
  return words;
}

// QEMU, for who ends this program by a signal.
volatile sig_atomic_t machine = 0;

void end_machine(int /*signal*/) {
  if (machine > 0) ::kill(machine, SIGTERM);
}

// Until the machine is off. This process waits for that, to take its folder away: Ctrl-C is the guest's.
Result<int> run_machine(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("starting QEMU");
  if (child == 0) {
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
  }
  machine = child;
  for (const int number : {SIGINT, SIGQUIT}) std::signal(number, SIG_IGN);
  for (const int number : {SIGHUP, SIGTERM}) std::signal(number, end_machine);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return fail_errno("waiting for QEMU");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

ExitStatus try_image(const char* command, const Options& options, bool only_say) {
  auto folder = TryFolder::make();
  if (!folder) return tools::failed(command, options.image, folder.error());
  const auto words = prepare(options, *folder);
  if (!words) return tools::failed(command, options.image, words.error());
  if (only_say) {
    std::string line;
    for (const std::string& word : *words) line += concat(line.empty() ? "" : " ", printable(word));
    tools::print(line + '\n');
    return ExitStatus::Done;
  }
  const auto status = run_machine(*words);
  if (!status) return tools::failed(command, options.image, status.error());
  if (*status == 0) return ExitStatus::Done;
  return tools::failed(command, options.image, sys_error(concat("QEMU has ended with status ", *status), EIO));
}

}  // namespace

ExitStatus run_try(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(
      argc, argv,
      {{"memory", true}, {"display", false}, {"emulate", false}, {"set", true}, {"efi", true}, {"dry-run", false, 'n'}},
      {"IMAGE"}, kHelp);
  if (line.status) return *line.status;
  const char* command = argv[0];
  Options options;
  options.image = line.arguments.front();
  options.efi = line.value("efi");
  options.display = line.has("display");
  options.emulate = line.has("emulate");
  if (line.has("memory")) {
    const auto memory = parse_bytes(line.value("memory"));
    constexpr std::uint64_t kLeast = 256 << 20;
    if (!memory || *memory < kLeast)
      return tools::wrong_usage(command, memory ? "the machine needs 256M at least" : memory.error().text);
    options.memory = *memory;
  }
  for (const auto& [name, value] : line.options) {
    if (name != "set") continue;
    auto setting = parse_setting(value);
    if (!setting) return tools::wrong_usage(command, setting.error().text);
    options.settings.push_back(*std::move(setting));
  }
  return try_image(command, options, line.has("dry-run"));
}

}  // namespace vhdboot::command
