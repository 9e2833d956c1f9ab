// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/reader.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include "base/text.h"
#include "init/sys/deadline.h"
#include "init/sys/pages.h"

namespace vhdboot::sys {
namespace {

using volume::Message;

constexpr std::size_t kLength = 4;                    // of a message, in front of it
constexpr int kOutOfMemory = 2;                       // the child's exit status
constexpr unsigned kNobody = 0x7000'0000;             // and the process id: no other reader's, and no file's
constexpr auto kTimeToDie = std::chrono::seconds(1);  // of a process that was killed and does not hang in the kernel

// ---- The child: giving up its rights ----

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
bool set_limits(const ReaderOptions& options) {
  return limit(RLIMIT_AS, address_space() + options.memory) && limit(RLIMIT_CPU, options.cpu_seconds, 1) &&
         limit(RLIMIT_NOFILE, 0) && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_CORE, 0);
}

// Root without capabilities still owns every device node.
bool become_nobody() {
  if (::geteuid() != 0) return true;
  // By their numbers: the C library would first look for threads.
  const unsigned nobody = kNobody + static_cast<unsigned>(::getpid());
  if (::syscall(SYS_setgroups, 0, nullptr) == 0 && ::syscall(SYS_setresgid, nobody, nobody, nobody) == 0 &&
      ::syscall(SYS_setresuid, nobody, nobody, nobody) == 0)
    return true;
  return errno == EINVAL || errno == EPERM;  // a container in which there is nobody else
}

bool drop_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
         ::syscall(SYS_capset, &header, none.data()) == 0;
}

// May fail: what cannot be executed can gain nothing.
void empty_bounding_set() {
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) continue;
}

// Stand for the two descriptors in the filter.
constexpr unsigned kPartition = 0xFFFF'FFF0;
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
  /// Everything else ends the process.
  bool install(int partition, int socket) {
    end(SECCOMP_RET_KILL_PROCESS);
    for (sock_filter& step : code_) {
      if (step.k == kPartition) step.k = static_cast<unsigned>(partition);
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

  std::array<sock_filter, 56> code_{};
  unsigned short size_ = 0;
};

// What reading, parsing and answering takes with musl and with glibc; the last ones are for the sanitizers.
constexpr Filter kFilter = Filter()
                               .allow_on(kPartition, SYS_pread64)
                               .allow_on(kSocket, SYS_read)
                               .allow_on(kSocket, SYS_write)
                               .allow_data(SYS_mmap)
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

// In this order. The step that failed; empty when none did.
std::string_view give_up_rights(int partition, int socket, pid_t parent, const ReaderOptions& options) {
  ::setsid();                                                      // a person's Ctrl-C is for the parent
  (void)write_file("/proc/self/oom_score_adj", as_bytes("1000"));  // before anything else is
  empty_bounding_set();
  if (!become_nobody()) return "becoming nobody";
  if (!drop_capabilities()) return "dropping capabilities";
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return "hiding its memory";
  // After the change of user, which resets it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return "ending with its parent";
  if (::getppid() != parent) ::_exit(0);
  close_all_but(partition, socket);
  if (!set_limits(options)) return "limiting itself";
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return "giving up new rights";
  if (options.filter && !Filter(kFilter).install(partition, socket)) return "filtering its system calls";
  return {};
}

// ---- The child: its work ----

// FdSource would open the device anew for a large read.
class Partition final : public ByteSource {
 public:
  Partition(const Fd& fd, std::uint64_t size) : fd_(fd), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
    auto done = read_at(fd_, offset, out);
    if (!done) done.error().code = Code::Io;  // as FdSource
    return done;
  }

 private:
  const Fd& fd_;
  std::uint64_t size_;
};

// False at the end.
bool read_whole(const Fd& socket, MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = ::read(socket.get(), out.data(), out.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

Message read_request(const Fd& socket) {
  std::array<std::byte, kLength> length{};
  if (!read_whole(socket, length)) return {};
  Message request(std::min<std::size_t>(*load_le<std::uint32_t>(length, 0), volume::kMaxRequest));
  if (!read_whole(socket, request)) return {};
  return request;
}

bool write_message(const Fd& socket, Bytes message) {
  std::array<std::byte, kLength> length{};
  (void)store_le(MutableBytes(length), 0, static_cast<std::uint32_t>(message.size()));
  return write_all(socket, length) && write_all(socket, message);
}

[[noreturn]] void be_reader(const FdSource& partition, const Fd& socket, pid_t parent, const ReaderOptions& options) {
  // Nothing may unwind from here into what the child has inherited.
  try {
    const std::string_view failed = give_up_rights(partition.fd().get(), socket.get(), parent, options);
    if (failed.empty())
      options.work(Partition(partition.fd(), partition.size()), socket);
    else
      (void)write_message(socket, volume::encode(Error{Code::Io, 0, concat(failed, ": ", std::strerror(errno))}));
    ::_exit(0);
  } catch (const std::bad_alloc&) {
    ::_exit(kOutOfMemory);
  } catch (...) {
    ::_exit(1);
  }
}

}  // namespace

bool can_filter() {
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr, 0, 0) < 0 && errno == EFAULT;
}

void serve(const Result<std::unique_ptr<volume::HostVolume>>& opened, const Fd& socket) {
  if (!opened) {
    (void)write_message(socket, volume::encode(opened.error()));
    return;
  }
  volume::HostVolume& volume = **opened;
  bool heard = write_message(socket, volume::encode(volume::VolumeFacts{.kind = volume.kind(),
                                                                        .label = volume.label(),
                                                                        .serial_text = volume.serial_text(),
                                                                        .cluster_size = volume.cluster_size(),
                                                                        .volume_size = volume.volume_size()}));
  while (heard) {
    const auto request = volume::decode_request(read_request(socket));
    if (!request) return;
    heard = write_message(socket, volume::answer(volume, *request));
  }
}

void serve_volume(const ByteSource& partition, const Fd& socket) {
  serve(volume::HostVolume::open(partition), socket);
}

// ---- Process 1 ----

namespace {

// Of an answer that is no error.
Bytes body_of(Bytes answer) {
  return volume::decode_answer(answer)->body;
}

}  // namespace

Result<std::unique_ptr<VolumeReader>> VolumeReader::open(const FdSource& partition, std::string name,
                                                         const ReaderOptions& options) {
  std::unique_ptr<VolumeReader> reader(new VolumeReader(std::move(name), options));
  TRY(reader->start(partition, options));
  const Message answer = TRY(reader->take(volume::max_answer({})));
  reader->facts_ = TRY(reader->believed(volume::decode_facts(body_of(answer), partition.size())));
  return reader;
}

Result<void> VolumeReader::start(const FdSource& partition, const ReaderOptions& options) {
  // No errno goes with it: it would seem to be the device that is not ready.
  const auto failed = [&] {
    return fail(Code::Io, concat("starting the program that reads ", name_, ": ", std::strerror(errno)));
  };
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return failed();
  messages_ = Messages(Fd(ends[0]));
  const Fd other(ends[1]);
  const pid_t self = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) return failed();
  if (pid_ == 0) be_reader(partition, other, self, options);
  process_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (process_) return {};
  auto error = failed();
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  return error;
}

VolumeReader::~VolumeReader() {
  stop();
}

namespace {

// How the child ended; nothing when it has not, or when somebody else has waited for it.
std::optional<siginfo_t> wait_for_end(const Fd& process) {
  pollfd wait{.fd = process.get(), .events = POLLIN, .revents = 0};
  const Deadline deadline = Deadline::in(kTimeToDie);
  while (::poll(&wait, 1, deadline.poll_timeout()) < 0 && errno == EINTR) continue;
  siginfo_t how{};
  // As process 1 we wait for any child here and there.
  constexpr auto kPidfd = static_cast<idtype_t>(3);
  if (::waitid(kPidfd, static_cast<id_t>(process.get()), &how, WEXITED | WNOHANG) < 0 || how.si_pid == 0)
    return std::nullopt;
  return how;
}

}  // namespace

// One that hangs in the kernel cannot be killed: it is left to its fate.
void VolumeReader::stop() {
  messages_ = {};
  if (!process_) return;
  ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
  (void)wait_for_end(process_);
  process_ = Fd();
}

std::unexpected<Error> VolumeReader::fail_for_good(Code code, std::string_view what) {
  stop();
  failure_ = Error{code, 0, concat("the program that reads ", name_, ' ', what)};
  return std::unexpected(*failure_);
}

std::unexpected<Error> VolumeReader::late() {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(answer_time_).count();
  return fail_for_good(Code::Timeout, concat("did not answer within ", seconds, " seconds: the disk may be failing"));
}

std::unexpected<Error> VolumeReader::lied(std::string_view how) {
  return fail_for_good(Code::Corrupt, concat("gave an answer that cannot be true (", how,
                                             "): the volume is damaged, or made to deceive"));
}

std::unexpected<Error> VolumeReader::ended() {
  const auto how = wait_for_end(process_);
  const bool exited = !how || how->si_code == CLD_EXITED;
  const int status = how ? how->si_status : 0;
  std::string_view what = exited ? "ended too early" : "crashed";
  if (exited && status == kOutOfMemory) what = "needs more memory than it may use";
  if (!exited && status == SIGSYS) what = "tried what it must not do, and was stopped";
  if (!exited && status == SIGXCPU) what = "computed for too long, and was stopped";
  if (!exited && status == SIGKILL) what = "was killed, perhaps for lack of memory";
  const bool no_memory = (exited && status == kOutOfMemory) || (!exited && status == SIGKILL);
  return fail_for_good(
      Code::Corrupt, concat(what, exited ? " (status " : " (signal ", status,
                            no_memory ? ")" : "): the volume may be damaged; let Windows check it with \"chkdsk /f\""));
}

Result<void> VolumeReader::send(Bytes request) {
  const auto sent = messages_.send(request, Deadline::in(answer_time_));
  if (sent) return {};
  return sent.error().code == Code::Timeout ? late() : ended();
}

Result<Message> VolumeReader::receive(std::size_t most) {
  auto message = messages_.receive(most, Deadline::in(answer_time_));
  if (message) return message;
  if (message.error().code == Code::Corrupt) return lied(message.error().text);
  return message.error().code == Code::Timeout ? late() : ended();
}

Result<Message> VolumeReader::take(std::size_t most) {
  Message message = TRY(receive(most));
  const auto answer = volume::decode_answer(message);
  if (!answer) return lied(answer.error().text);
  if (answer->error) return std::unexpected(*answer->error);
  return message;
}

Result<Message> VolumeReader::ask(const volume::ReaderRequest& request) {
  if (failure_) return std::unexpected(*failure_);
  TRY(send(volume::encode(request)));
  return take(volume::max_answer(request));
}

template <class T>
Result<T> VolumeReader::believed(Result<T> decoded) {
  if (!decoded) return lied(decoded.error().text);
  return decoded;
}

Result<volume::VolumeState> VolumeReader::state() {
  const Message answer = TRY(ask({.ask = volume::Ask::State}));
  return believed(volume::decode_state(body_of(answer)));
}

Result<volume::FileLayout> VolumeReader::layout(const volume::Path& path) {
  const Message answer = TRY(ask({.ask = volume::Ask::Layout, .path = path}));
  return believed(volume::decode_layout(body_of(answer), facts_));
}

Result<volume::Path> VolumeReader::spelling(const volume::Path& path) {
  const Message answer = TRY(ask({.ask = volume::Ask::Spelling, .path = path}));
  return believed(volume::decode_spelling(body_of(answer), path));
}

Result<std::vector<volume::DirEntry>> VolumeReader::list(const volume::Path& path) {
  const Message answer = TRY(ask({.ask = volume::Ask::List, .path = path}));
  return believed(volume::decode_list(body_of(answer)));
}

Result<std::vector<std::byte>> VolumeReader::read_file(const volume::Path& path, std::uint64_t cap) {
  const Message answer = TRY(ask({.ask = volume::Ask::ReadFile, .path = path, .cap = cap}));
  return believed(volume::decode_contents(body_of(answer), cap));
}

Result<void> VolumeReader::check_allocation(const volume::Path& path) {
  const Message answer = TRY(ask({.ask = volume::Ask::CheckAllocation, .path = path}));
  return believed(volume::decode_done(body_of(answer)));
}

Result<OpenedVolume> open_volume(const std::string& path) {
  auto source = TRY(FdSource::open(path));
  auto reader = TRY(VolumeReader::open(*source, path));
  return OpenedVolume{.source = std::move(source), .reader = std::move(reader)};
}

}  // namespace vhdboot::sys
