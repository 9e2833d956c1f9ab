// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/confinement.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <new>

#include "base/text.h"
#include "init/sys/file.h"
#include "init/sys/pages.h"

namespace vhdboot::sys {

bool can_filter() {
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr, 0, 0) < 0 && errno == EFAULT;
}

namespace {

// No other child's, and no file's.
unsigned nobody() {
  constexpr unsigned kNobody = 0x7000'0000;
  return kNobody + static_cast<unsigned>(::getpid());
}

void close_between(unsigned first, unsigned last) {
  if (::syscall(SYS_close_range, first, last, 0U) == 0) return;
  // Before Linux 5.9.
  rlimit open{};
  if (::getrlimit(RLIMIT_NOFILE, &open) < 0) return;
  for (unsigned fd = first; fd <= last && fd < open.rlim_cur; ++fd) ::close(static_cast<int>(fd));
}

void close_all_but(int one, int other) {
  const auto [low, high] = std::minmax({static_cast<unsigned>(one), static_cast<unsigned>(other)});
  if (low > 0) close_between(0, low - 1);
  if (high > low + 1) close_between(low + 1, high - 1);
  close_between(high + 1, UINT_MAX);
}

// Of this process, in bytes; 0 when nobody knows.
std::uint64_t address_space() {
  const std::string pages = read_attribute("/proc/self/statm");
  return parse_u64(pages.substr(0, pages.find(' '))).value_or(0) * Pages::kPage;
}

bool limit(int resource, std::uint64_t most, std::uint64_t more = 0) {
  const rlimit value{.rlim_cur = most, .rlim_max = most + more};
  return ::setrlimit(resource, &value) == 0;
}

// Without a filter, too, it can open nothing.
bool set_limits(const ChildLimits& limits) {
  return limit(RLIMIT_AS, address_space() + limits.memory) && limit(RLIMIT_CPU, limits.cpu_seconds, 1) &&
         limit(RLIMIT_NOFILE, 0) && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_CORE, 0);
}

// By their numbers: the C library would first look for threads.
bool set_ids(unsigned real, unsigned other) {
  return ::syscall(SYS_setgroups, 0, nullptr) == 0 && ::syscall(SYS_setresgid, other, other, other) == 0 &&
         ::syscall(SYS_setresuid, real, other, other) == 0;
}

// Root without capabilities still owns every device node.
bool become_nobody() {
  if (::geteuid() != 0) return true;
  if (set_ids(nobody(), nobody())) return true;
  return errno == EINVAL || errno == EPERM;  // a container in which there is nobody else
}

// All but those whose bits are set, of the first 32.
bool drop_capabilities(std::uint32_t but = 0) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> kept{
      {{.effective = but, .permitted = but, .inheritable = 0}}};
  return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
         ::syscall(SYS_capset, &header, kept.data()) == 0;
}

// May fail: what cannot be executed can gain nothing.
void empty_bounding_set() {
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) continue;
}

// Stand for the two descriptors in the filter.
constexpr unsigned kDevice = 0xFFFF'FFF0;
constexpr unsigned kSocket = 0xFFFF'FFF1;

class Filter {
 public:
  constexpr Filter() {
    load(offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    end(SECCOMP_RET_KILL_PROCESS);
    load(offsetof(seccomp_data, nr));
  }
  constexpr Filter& allow(unsigned call) {
    skip_unless(call, 1);
    end(SECCOMP_RET_ALLOW);
    return *this;
  }
  /// With this descriptor as its first argument.
  constexpr Filter& allow_on(unsigned descriptor, unsigned call) {
    skip_unless(call, 4);
    load(offsetof(seccomp_data, args[0]));
    skip_unless(descriptor, 1);
    end(SECCOMP_RET_ALLOW);
    end(SECCOMP_RET_KILL_PROCESS);
    return *this;
  }
  /// For memory that is not executed: a protection without PROT_EXEC as its third argument.
  constexpr Filter& allow_data(unsigned call) {
    skip_unless(call, 4);
    load(offsetof(seccomp_data, args[2]));
    add(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0);
    end(SECCOMP_RET_ALLOW);
    end(SECCOMP_RET_KILL_PROCESS);
    return *this;
  }
  /// What every process needs: memory, the time, an end. The last ones are for the sanitizers.
  constexpr Filter& allow_basics() {
    return allow_data(SYS_mmap)
        .allow_data(SYS_mprotect)
        .allow(SYS_munmap)
        .allow(SYS_mremap)
        .allow(SYS_madvise)
        .allow(SYS_brk)
        .allow(SYS_futex)
        .allow(SYS_clock_gettime)
        .allow(SYS_rt_sigreturn)
        .allow(SYS_exit_group)
        .allow(SYS_sched_yield)
        .allow(SYS_sigaltstack);
  }
  /// Everything else ends the process.
  bool install(int device, int socket) {
    end(SECCOMP_RET_KILL_PROCESS);
    for (sock_filter& step : code_) {
      if (step.k == kDevice) step.k = static_cast<unsigned>(device);
      if (step.k == kSocket) step.k = static_cast<unsigned>(socket);
    }
    const sock_fprog program{.len = size_, .filter = code_.data()};
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
  }

 private:
  constexpr void add(unsigned code, unsigned value, unsigned char then = 0, unsigned char otherwise = 0) {
    code_[size_++] = {static_cast<unsigned short>(code), then, otherwise, value};
  }
  constexpr void load(std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset)); }
  constexpr void end(unsigned verdict) { add(BPF_RET | BPF_K, verdict); }
  constexpr void skip_unless(unsigned value, unsigned char count) { add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count); }

  std::array<sock_filter, 72> code_{};
  unsigned short size_ = 0;
};

// What reading, parsing and answering takes with musl and with glibc.
constexpr Filter kFilter =
    Filter().allow_on(kDevice, SYS_pread64).allow_on(kSocket, SYS_read).allow_on(kSocket, SYS_write).allow_basics();

// What a network takes: sockets, the addresses of cards, waiting, memory.
constexpr Filter kNetworkFilter = Filter()
                                      .allow(SYS_read)
                                      .allow(SYS_write)
                                      .allow(SYS_writev)
                                      .allow(SYS_socket)
                                      .allow(SYS_connect)
                                      .allow(SYS_bind)
                                      .allow(SYS_sendto)
                                      .allow(SYS_recvfrom)
                                      .allow(SYS_getsockopt)
                                      .allow(SYS_setsockopt)
                                      .allow(SYS_ioctl)
                                      .allow(SYS_poll)
                                      .allow(SYS_close)
                                      .allow(SYS_faccessat)
                                      .allow(SYS_getrandom)
                                      .allow(SYS_restart_syscall)  // of a poll() over which the machine was asleep
                                      .allow_basics();

// In this order. The step that failed; empty when none did.
std::string_view give_up_rights(const ChildTask& task) {
  // Where there is no device, the socket takes its place: it cannot be read at an offset.
  const int device = task.device >= 0 ? task.device : task.socket;
  ::setsid();                                                      // a person's Ctrl-C is for the parent
  (void)write_file("/proc/self/oom_score_adj", as_bytes("1000"));  // before anything else is
  empty_bounding_set();
  if (!become_nobody()) return "becoming nobody";
  if (!drop_capabilities()) return "dropping capabilities";
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return "hiding its memory";
  // After the change of user, which resets it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return "ending with its parent";
  if (::getppid() != task.parent) ::_exit(0);
  close_all_but(device, task.socket);
  if (!set_limits(task.limits)) return "limiting itself";
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return "giving up new rights";
  if (task.limits.filter && !Filter(kFilter).install(device, task.socket)) return "filtering its system calls";
  return {};
}

}  // namespace

void work_confined(const ChildTask& task, const std::function<void(const std::string& failed)>& work) {
  // Nothing may unwind from here into what the child has inherited.
  try {
    const std::string_view failed = give_up_rights(task);
    work(failed.empty() ? std::string() : concat(failed, ": ", std::strerror(errno)));
    ::_exit(0);
  } catch (const std::bad_alloc&) {
    ::_exit(kChildOutOfMemory);
  } catch (...) {
    ::_exit(1);
  }
}

Result<void> keep_network_rights(pid_t parent) {
  constexpr std::uint32_t kKept = 1U << CAP_NET_ADMIN | 1U << CAP_NET_RAW | 1U << CAP_NET_BIND_SERVICE;
  // Memory stays locked, of which nobody may have much: in a container it has to do with that.
  (void)limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
  if (!limit(RLIMIT_CORE, 0)) return fail_errno("limiting itself");
  empty_bounding_set();
  // systemd kills whoever is not really root, "@" or not. With the filter nobody gets that back.
  const bool filter = can_filter();
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || !set_ids(filter ? 0 : nobody(), nobody()))
    return fail_errno("becoming nobody");
  if (!drop_capabilities(kKept)) return fail_errno("dropping capabilities");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return fail_errno("hiding its memory");
  // After the change of user, which resets it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return fail_errno("ending with its parent");
  if (::getppid() != parent) ::_exit(0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail_errno("giving up new rights");
  if (filter && !Filter(kNetworkFilter).install(-1, -1)) return fail_errno("filtering its system calls");
  return {};
}

bool read_whole(const Fd& socket, MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = ::read(socket.get(), out.data(), out.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

}  // namespace vhdboot::sys
