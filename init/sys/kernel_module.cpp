// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/kernel_module.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"

namespace vhdboot::sys {

Result<void> load_module(const std::string& name, Bytes image, const std::string& options) {
  if (::syscall(SYS_init_module, image.data(), image.size(), options.c_str()) == 0 || errno == EEXIST) return {};
  return fail_errno(concat("loading the kernel module ", name));
}

}  // namespace vhdboot::sys
