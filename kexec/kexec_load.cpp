// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/kexec_load.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"

namespace vhdboot::kexec {

namespace {

constexpr unsigned long kNoInitrd = 0x00000004;  // linux/kexec.h, KEXEC_FILE_NO_INITRAMFS

std::string sentence(int err) {
  switch (err) {
    case ENOEXEC:
      return "the boot kernel does not accept this file as a kernel: it is damaged, or made for another processor";
    case EPERM:
      return "kexec is forbidden: the boot kernel is locked down (Secure Boot), kexec_load_disabled is set, or this is "
             "not root";
    case EKEYREJECTED:
    case ENOKEY:
    case ENODATA:
    case EBADMSG:
      return "the boot kernel is locked down (Secure Boot) and finds no signature on this kernel that it trusts: sign "
             "it with a key of this machine, or turn Secure Boot off";
    case ENOMEM:
      return "there is not enough memory to load the kernel and its initrd";
    case EADDRNOTAVAIL:
      return "the memory has no free range long enough for the kernel or its initrd";
    case EBUSY:
      return "another program is loading a kernel at this moment";
    case ENOSYS:
      return "the boot kernel was built without CONFIG_KEXEC_FILE";
    case EINVAL:
      return "the boot kernel rejects the kernel, its initrd or the length of the command line";
    case ETXTBSY:
      return "the kernel or the initrd is still open for writing";
    case EFBIG:
      return "the kernel or the initrd is too large to be loaded";
    default:
      return "loading the kernel failed";
  }
}

}  // namespace

Error load_error(int err) {
  Error error = sys_error(sentence(err), err);
  if (err == EPERM || err == EKEYREJECTED || err == ENOKEY || err == ENODATA || err == EBADMSG)
    error.code = Code::Unsupported;
  if (err == EADDRNOTAVAIL) error.code = Code::NoMemory;
  return error;
}

Result<void> load(int kernel_fd, std::optional<int> initrd_fd, const std::string& cmdline) {
  const unsigned long flags = initrd_fd ? 0 : kNoInitrd;
  // The length includes the NUL, or the kernel answers EINVAL.
  if (::syscall(SYS_kexec_file_load, kernel_fd, initrd_fd.value_or(-1), cmdline.size() + 1, cmdline.c_str(), flags) < 0)
    return std::unexpected(load_error(errno));
  return {};
}

Result<int> reopen_read_only(int fd) {
  const std::string path = concat("/proc/self/fd/", fd);
  const int reopened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (reopened < 0) return fail_errno(concat("opening ", path, " again for reading"));
  return reopened;
}

}  // namespace vhdboot::kexec
