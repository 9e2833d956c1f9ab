// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/kexec_load.h"

#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/text.h"
#include "kexec/bzimage.h"
#include "kexec/machine_facts.h"
#include "kexec/segments.h"

namespace vhdboot::kexec {

namespace {

constexpr unsigned long kNoInitrd = 0x00000004;  // linux/kexec.h, KEXEC_FILE_NO_INITRAMFS

constexpr unsigned long kArchX86_64 = 62UL << 16;  // linux/kexec.h, KEXEC_ARCH_X86_64

// struct kexec_segment of linux/kexec.h.
struct KexecSegment {
  const void* buffer;
  std::size_t buffer_size;
  std::uint64_t memory;
  std::size_t memory_size;
};
static_assert(sizeof(KexecSegment) == 32);

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

Result<void> load_segments(Bytes kernel, Bytes initrd, std::string_view cmdline) {
  const BzImage header = TRY(parse_bzimage(MemorySource(kernel), {0, kernel.size()}));
  MachineFacts facts = TRY(gather_facts([](const std::string& path) { return read_text(path); }));
  // Left all zero, which means none, when the kernel has no good ones yet.
  if (::getrandom(facts.seed.data(), facts.seed.size(), GRND_NONBLOCK) != static_cast<ssize_t>(facts.seed.size()))
    facts.seed = {};
  const SegmentPlan plan = TRY(plan_segments(facts, header, kernel, initrd, cmdline));

  std::vector<KexecSegment> segments;
  for (const Segment& segment : plan.segments(header, kernel, initrd))
    segments.push_back({segment.contents.data(), segment.contents.size(), segment.destination.start,
                        static_cast<std::size_t>(segment.destination.length)});
  if (::syscall(SYS_kexec_load, plan.entry, segments.size(), segments.data(), kArchX86_64) < 0) {
    const int err = errno;
    // Whatever the reason, kexec_file_load may still do it: it is the judge.
    Error error = load_error(err);
    error.code = Code::Unsupported;
    return std::unexpected(std::move(error).within("kexec_load"));
  }
  return {};
}

}  // namespace vhdboot::kexec
