// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/power.h"

#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"
#include "init/sys/process.h"

namespace vhdboot::sys {
namespace {

Error system_call(unsigned command, std::string_view what) {
  ::sync();
  ::syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command, nullptr);
  return sys_error(what);
}

}  // namespace

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
