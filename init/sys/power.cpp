// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/power.h"

#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/sys/directory.h"
#include "init/sys/file.h"

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
Error halt() {
  return system_call(LINUX_REBOOT_CMD_HALT, "halting the machine");
}
Error execute_loaded_kernel() {
  return system_call(LINUX_REBOOT_CMD_KEXEC, "executing the loaded kernel");
}

bool kernel_is_loaded() {
  return read_attribute("/sys/kernel/kexec_loaded") == "1";
}

void release_usb_controllers() {
  const std::string driver = "/sys/bus/pci/drivers/xhci_hcd";
  for (const std::string& name : list_directory(driver)) {
    if (name.find(':') == std::string::npos) continue;  // an attribute, not the address of a controller
    const auto unbind = open_file(driver + "/unbind", O_WRONLY);
    if (unbind) (void)write_all(*unbind, as_bytes(name));
  }
}

}  // namespace vhdboot::sys
