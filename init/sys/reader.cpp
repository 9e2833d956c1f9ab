// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/reader.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "init/sys/deadline.h"

namespace vhdboot::sys {
namespace {

using volume::Message;

constexpr auto kTimeToDie = std::chrono::seconds(1);  // of a process that was killed and does not hang in the kernel

}  // namespace

bool can_filter() {
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr, 0, 0) < 0 && errno == EFAULT;
}

namespace {

// Descriptors of a program that is a reader.
constexpr int kPartition = 3;
constexpr int kSocket = 4;

// Returns when it cannot be executed, with errno.
void execute_reader(const std::string& path, const ReaderTask& task) {
  // Above the two, so that neither takes the other's place.
  const int partition = ::fcntl(task.partition, F_DUPFD, kSocket + 1);
  const int socket = ::fcntl(task.socket, F_DUPFD, kSocket + 1);
  if (partition < 0 || socket < 0 || ::dup2(partition, kPartition) < 0 || ::dup2(socket, kSocket) < 0) return;
  std::array<std::string, 6> words{path,
                                   concat(task.size),
                                   concat(task.parent),
                                   concat(task.limits.memory),
                                   concat(task.limits.cpu_seconds),
                                   task.limits.filter ? "1" : "0"};
  std::array<char*, words.size() + 1> pointers{};
  for (std::size_t i = 0; i < words.size(); ++i) pointers[i] = words[i].data();
  std::array<char*, 1> environment{};
  ::execve(path.c_str(), pointers.data(), environment.data());
}

// Of an answer that is no error.
Bytes body_of(Bytes answer) {
  return volume::decode_answer(answer)->body;
}

}  // namespace

ReaderChild reader_program(std::string path) {
  return [path = std::move(path)](const ReaderTask& task) {
    execute_reader(path, task);
    const std::string why = concat("starting ", path, ": ", std::strerror(errno));
    (void)Messages(Fd(task.socket)).send(volume::encode(Error{Code::Io, 0, why}), Deadline::in(kTimeToDie));
    ::_exit(1);
  };
}

std::optional<ReaderTask> reader_task(std::span<const std::string_view> words) {
  if (words.size() != 6) return std::nullopt;
  const auto size = parse_u64(words[1]);
  const auto parent = parse_u64(words[2]);
  const auto memory = parse_u64(words[3]);
  const auto seconds = parse_u64(words[4]);
  if (!size || !parent || !memory || !seconds) return std::nullopt;
  return ReaderTask{
      .partition = kPartition,
      .socket = kSocket,
      .size = *size,
      .parent = static_cast<pid_t>(*parent),
      .limits = {.memory = *memory, .cpu_seconds = static_cast<unsigned>(*seconds), .filter = words[5] == "1"}};
}

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
  if (pid_ == 0) {
    options.child({.partition = partition.fd().get(),
                   .socket = other.get(),
                   .size = partition.size(),
                   .parent = self,
                   .limits = options.limits});
    ::_exit(1);
  }
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
  if (exited && status == kReaderOutOfMemory) what = "needs more memory than it may use";
  if (!exited && status == SIGSYS) what = "tried what it must not do, and was stopped";
  if (!exited && status == SIGXCPU) what = "computed for too long, and was stopped";
  if (!exited && status == SIGKILL) what = "was killed, perhaps for lack of memory";
  const bool no_memory = (exited && status == kReaderOutOfMemory) || (!exited && status == SIGKILL);
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

Result<OpenedVolume> open_volume(const std::string& path, const ReaderChild& child) {
  auto source = TRY(FdSource::open(path));
  auto reader = TRY(VolumeReader::open(*source, path, {.child = child}));
  return OpenedVolume{.source = std::move(source), .reader = std::move(reader)};
}

}  // namespace vhdboot::sys
