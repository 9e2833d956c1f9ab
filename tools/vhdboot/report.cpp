// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "init/sys/block.h"
#include "init/sys/content.h"
#include "init/sys/file.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/safe_write.h"
#include "tools/vhdboot/boot_file.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/firmware_menu.h"
#include "tools/vhdboot/redact.h"
#include "tools/vhdboot/status_report.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot report [--redact] [-o FILE]

Collects what a bug report needs: versions, firmware, disks and their file systems,
mounts, boot menus, the command line of the kernel, what vhdboot has said to the
kernel's log. No contents of files but these. Which private data are in it is told
at its end; --redact puts stand-ins in their place. As root it knows more.

      --redact       without identities of disks, labels, names of images and of
                     this machine
  -o, --output FILE  into a new file instead of the standard output
  -h, --help         this text

Examples:
  sudo vhdboot report --redact -o report.txt
)";

class Report {
 public:
  void section(std::string_view name) { text_ += concat(text_.empty() ? "" : "\n", "== ", name, '\n'); }
  void line(std::string_view name, std::string_view value) {
    if (!value.empty()) text_ += concat(name, ": ", printable(value), '\n');
  }
  void lines(std::string_view text) {
    for (const std::string_view one : split_lines(text)) text_ += concat(printable(one), '\n');
  }
  void is_private(std::string_view text, std::string_view kind) {
    if (text.size() > 1) words_.push_back({std::string(text), std::string(kind)});
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::vector<PrivateWord>& words() const { return words_; }

 private:
  std::string text_;
  std::vector<PrivateWord> words_;
};

void add_system(const RunningSystem& system, Report& report) {
  report.section("system");
  report.line("vhdboot", VHDBOOT_VERSION);
  utsname kernel{};
  if (::uname(&kernel) == 0) {
    report.line("kernel", concat(kernel.release, ' ', kernel.version));
    report.is_private(kernel.nodename, "host name");
  }
  for (const char* name : {"sys_vendor", "product_name", "bios_vendor", "bios_version", "bios_date"})
    report.line(name, sys::read_attribute(system.at(concat("/sys/class/dmi/id/", name))));
  const std::string line(trim(sys::read_text(system.at("/proc/cmdline")).value_or("")));
  report.line("command line", line);
}

void add_status(const RunningSystem& system, Report& report) {
  report.section("status");
  Status status = read_status(system);
  if (status.start) report.is_private(status.start->image, "file name");
  if (status.start) report.is_private(status.start->efi_file, "file name");
  if (status.disk && status.start && !status.disk->partition.empty()) {
    auto image = read_image_facts(*status.disk, *status.start);
    if (image) report.is_private(image->volume_label, "label");
    if (image)
      status.image = *std::move(image);
    else
      report.line("image", image.error().message());
  }
  report.lines(status_text(status));
}

void add_disks(Report& report) {
  report.section("disks");
  for (const sys::BlockDevice& device : sys::block_devices()) {
    const auto content = sys::identify(device, sys::prober_here());
    report.line(
        device.name,
        concat(human_size(device.size), ", blocks of ", device.logical_block,
               content ? concat(content->type.empty() ? "" : ", ", content->type,
                                content->identity.uuid.empty() ? "" : concat(", UUID ", content->identity.uuid),
                                content->identity.label.empty() ? "" : concat(", label ", content->identity.label))
                       : concat(", not known: ", content.error().message()),
               device.read_only ? ", read-only" : ""));
    if (content) report.is_private(content->identity.uuid, "UUID");
    if (content) report.is_private(content->identity.label, "label");
  }
}

void add_mounts(const RunningSystem& system, Report& report) {
  report.section("mounts");
  for (const tools::MountedVolume& mount : system.mounts())
    if (mount.source.starts_with('/'))
      report.line(mount.source,
                  concat(mount.type, " at ", mount.place, mount.top == "/" ? "" : concat(" (", mount.top, ')'),
                         mount.read_only ? ", read-only" : ""));
}

void add_firmware(const RunningSystem& system, Report& report) {
  const EfiVariables variables = system.variables();
  report.section("boot menus");
  if (!variables.available()) return report.lines("no EFI variables");
  const auto secure = variables.read("SecureBoot", kGlobalVariables);
  if (secure && *secure && !(*secure)->empty())
    report.line("Secure Boot", (*secure)->front() == std::byte{1} ? "on" : "off");
  const FirmwareMenu menu = read_firmware_menu(variables);
  for (const FirmwareEntry& entry : menu.entries)
    report.line(describe(menu, entry.number), entry.option.file.empty() ? "no file" : entry.option.file);
  std::string order;
  for (const std::uint16_t number : menu.order) order += concat(order.empty() ? "" : " ", boot_variable(number));
  report.line("BootOrder", order);
  const LoaderFacts loader = read_loader_facts(variables);
  report.line("LoaderInfo", loader.name);
  for (const std::string& id : loader.entries) report.line("LoaderEntries", id);
}

void add_installed(const RunningSystem& system, Report& report) {
  report.section("EFI files");
  for (const InstalledFile& file : find_installed(system, {})) {
    report.line(file.path, concat("vhdboot ", file.version));
    report.is_private(file.path, "file name");
    const auto conf = sys::read_text(system.at(file.configuration()));
    if (conf) report.lines(*conf);
  }
}

// By what the stages write into the kernel's log, and systemd keeps.
void add_log(Report& report) {
  report.section("log");
  const auto device = sys::open_file("/dev/kmsg", O_RDONLY | O_NONBLOCK);
  if (!device) return report.lines(concat("not readable: ", device.error().message()));
  constexpr std::size_t kMostLines = 400;
  char record[8192];
  std::size_t lines = 0;
  for (;;) {
    const ssize_t got = ::read(device->get(), record, sizeof record);
    if (got <= 0 && errno == EPIPE) continue;  // overwritten meanwhile
    if (got <= 0 || lines == kMostLines) break;
    const std::string_view text(record, static_cast<std::size_t>(got));
    const auto message = text.substr(std::min(text.size(), text.find(';') + 1));
    if (message.find("vhdboot") == std::string_view::npos) continue;
    report.lines(message.substr(0, message.find('\n')));
    ++lines;
  }
}

}  // namespace

ExitStatus run_report(int argc, char** argv) {
  const tools::CommandLine line =
      tools::read_command_line(argc, argv, {{"redact", false}, {"output", true, 'o'}}, {}, kHelp);
  if (line.status) return *line.status;
  const RunningSystem system;
  Report report;
  add_system(system, report);
  add_status(system, report);
  add_disks(report);
  add_mounts(system, report);
  add_firmware(system, report);
  add_installed(system, report);
  add_log(report);
  const Redacted redacted = redact(report.text(), report.words());
  std::string text = line.has("redact") ? redacted.text : report.text();
  text +=
      concat("\n== private data ", line.has("redact") ? "that were taken out" : "above; --redact takes them out", '\n');
  for (const auto& [kind, count] : redacted.counts) text += concat(kind, ": ", count, '\n');
  if (redacted.counts.empty()) text += "none\n";
  const std::string file = line.value("output");
  if (file.empty()) {
    tools::print(text);
    return ExitStatus::Done;
  }
  if (sys::exists(file)) return tools::failed(argv[0], file, Error{Code::Busy, 0, "it is there already"});
  if (const auto written = tools::write_safely(file, as_bytes(text)); !written)
    return tools::failed(argv[0], file, written.error());
  tools::print(concat(printable(file), ": ", text.size(), " bytes; read it before you send it\n"));
  return ExitStatus::Done;
}

}  // namespace vhdboot::command
