// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/power.h"

#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/text.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"
#include "init/sys/process.h"

namespace vhdboot::sys {
namespace {

Error system_call(unsigned command, std::string_view what) {
  ::sync();
  ::syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command, nullptr);
  return sys_error(what);
}

// A variable of the firmware, as efivarfs has it: four bytes of attributes in front.
constexpr char kVariables[] = "/sys/firmware/efi/efivars";
constexpr std::string_view kGlobal = "-8be4df61-93ca-11d2-aa0d-00e098032b8c";
constexpr std::uint64_t kBootToSetup = 1;                 // EFI_OS_INDICATIONS_BOOT_TO_FW_UI
constexpr std::uint32_t kNonVolatileForBoth = 1 | 2 | 4;  // kept, seen by boot services and by a running system
constexpr std::size_t kVariableSize = sizeof(std::uint32_t) + sizeof(std::uint64_t);

Result<std::uint64_t> read_indications(std::string_view name) {
  const std::string path = concat(kVariables, '/', name, kGlobal);
  const auto bytes = TRY(read_file(path, kVariableSize));
  const auto value = load_le<std::uint64_t>(bytes, sizeof(std::uint32_t));
  if (!value) return fail(Code::Corrupt, concat(path, " has ", bytes.size(), " bytes"));
  return *value;
}

Result<Mount> mount_variables() {
  return Mount::mount("efivarfs", kVariables, "efivarfs", 0);
}

}  // namespace

bool has_firmware_setup() {
  const auto variables = mount_variables();
  const auto supported = variables ? read_indications("OsIndicationsSupported") : std::unexpected(variables.error());
  return supported && (*supported & kBootToSetup) != 0;
}

Error restart_into_firmware_setup() {
  const auto ask = []() -> Result<void> {
    const auto variables = TRY(mount_variables());
    std::array<std::byte, kVariableSize> bytes{};
    (void)store_le(bytes, 0, kNonVolatileForBoth);
    (void)store_le(bytes, sizeof(std::uint32_t), read_indications("OsIndications").value_or(0) | kBootToSetup);
    const auto file = TRY(open_file(concat(kVariables, "/OsIndications", kGlobal), O_WRONLY | O_CREAT));
    return write_all(file, bytes);
  };
  if (const auto asked = ask(); !asked) return asked.error().within("asking the firmware for its setup");
  return reboot();
}

Error reboot() {
  return system_call(LINUX_REBOOT_CMD_RESTART, "restarting the machine");
}
Error power_off() {
  return system_call(LINUX_REBOOT_CMD_POWER_OFF, "switching the machine off");
}
Error execute_loaded_kernel() {
  return system_call(LINUX_REBOOT_CMD_KEXEC, "executing the loaded kernel");
}

namespace {

constexpr char kUsbDriver[] = "/sys/bus/pci/drivers/xhci_hcd";

// A driver may wait for a device that is gone.
void tell_usb_driver(const char* attribute, std::string_view address) {
  const auto tell = [&] {
    const auto file = open_file(concat(kUsbDriver, '/', attribute), O_WRONLY);
    if (file) (void)write_all(*file, as_bytes(address));
  };
  (void)do_apart(concat("telling the USB controller ", address), tell, Deadline::in(std::chrono::seconds(5)));
}

}  // namespace

std::vector<std::string> release_usb_controllers() {
  std::vector<std::string> addresses;
  for (std::string& name : list_directory(kUsbDriver)) {
    if (name.find(':') == std::string::npos) continue;  // an attribute, not the address of a controller
    tell_usb_driver("unbind", name);
    addresses.push_back(std::move(name));
  }
  return addresses;
}

void take_back_usb_controllers(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) tell_usb_driver("bind", address);
}

}  // namespace vhdboot::sys
