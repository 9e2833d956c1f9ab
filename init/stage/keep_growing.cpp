// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/keep_growing.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <new>

#include "base/text.h"
#include "base/units.h"
#include "init/blocks/new_blocks.h"
#include "init/blocks/writer.h"
#include "init/stage/commit_blocks.h"
#include "init/stage/device_file.h"
#include "init/stage/keeper.h"
#include "init/stage/watch_space.h"
#include "init/sys/attached_disk.h"
#include "init/sys/block.h"
#include "init/sys/console.h"
#include "init/sys/file.h"
#include "init/sys/messages.h"
#include "init/sys/mount.h"
#include "init/sys/process.h"
#include "vhd/disk.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

// After so long without a new block the table is left as if no guest ran: it may be switched off any moment.
constexpr auto kIdle = 2s;
// Between two looks at how much room is left, for people.
constexpr auto kOften = 2s;
// When a program ends as soon as it is started it is not started again at once.
constexpr auto kPause = 500ms;
constexpr std::string_view kNoRoom = "u";  // sysrq: every file system becomes read-only (kernel: admin-guide/sysrq.rst)

// What all processes of this program see: numbers that the worker sets and others read.
struct Shared {
  std::atomic<std::uint64_t> places_left;
};

Result<Shared*> make_shared(std::uint64_t places) {
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno("taking memory");
  return new (memory) Shared{.places_left = places};
}

// Memory may have to be freed by writing to the disk that this process serves: it must never wait for that.
Result<void> need_no_disk() {
  constexpr int kIoFlusher = 57;  // PR_SET_IO_FLUSHER, since Linux 5.6
  (void)::prctl(kIoFlusher, 1, 0, 0, 0);
  (void)sys::write_file("/proc/self/oom_score_adj", as_bytes("-1000"));
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) < 0) return fail_errno("keeping this program in memory");
  return {};
}

// Answers the kernel until it goes, or until something is wrong with it.
class Worker {
 public:
  Worker(sys::NbdServer server, BlockCommitter committer, Shared& shared, const Fd& sysrq, const sys::Reporter& report)
      : server_(std::move(server)),
        committer_(std::move(committer)),
        shared_(shared),
        sysrq_(sysrq),
        report_(report),
        written_(static_cast<std::size_t>(committer_.size())),
        warned_left_(committer_.places()) {}

  Result<void> run() {
    for (;;) {
      pollfd wait{.fd = server_.descriptor(), .events = POLLIN, .revents = 0};
      const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kIdle);
      const int ready = ::poll(&wait, 1, static_cast<int>(patience.count()));
      if (ready == 0) TRY(committer_.rest());
      if (ready <= 0) continue;
      const auto request = server_.next();
      if (!request || request->kind == sys::NbdRequest::Kind::Disconnect) return committer_.rest();
      TRY(serve(*request));
    }
  }

 private:
  Result<void> serve(const sys::NbdRequest& request) {
    switch (request.kind) {
      case sys::NbdRequest::Kind::Read: {
        const auto bytes = committer_.read(request.offset, request.length);
        return server_.answer(request, bytes ? 0 : EINVAL, bytes.value_or(Bytes()));
      }
      case sys::NbdRequest::Kind::Write:
        return take(request);
      default:
        return server_.answer(request, EOPNOTSUPP);
    }
  }

  Result<void> take(const sys::NbdRequest& request) {
    if (request.length > written_.size()) return fail(Code::Corrupt, "the kernel writes more than there is");
    const MutableBytes data = MutableBytes(written_).first(request.length);
    TRY(server_.receive(data));
    const auto done = committer_.write(request.offset, data);
    // The kernel gives the snapshot up then, so that nobody takes for written what is not.
    if (!done) report_.error(concat("no new block can be put into the image: ", done.error().message()));
    if (done && !committer_.valid())
      report_.error("the kernel has given up the disk: nothing of it can be read any more, restart");
    tell_room();
    return server_.answer(request, done ? 0 : EIO);
  }

  void tell_room() {
    const std::uint64_t left = committer_.places_left();
    shared_.places_left.store(left);
    if (const auto warning = blocks::room_warning(warned_left_, left, committer_.places())) report_.warn(*warning);
    if (left <= blocks::kLastPlaces && warned_left_ > blocks::kLastPlaces)
      (void)sys::write_all(sysrq_, as_bytes(kNoRoom));
    warned_left_ = std::min(warned_left_, left);
  }

  sys::NbdServer server_;
  BlockCommitter committer_;
  Shared& shared_;
  const Fd& sysrq_;
  const sys::Reporter& report_;
  std::vector<std::byte> written_;
  std::uint64_t warned_left_;
};

// Starts the worker, and another one whenever it ends; makes the devices.
class Supervisor {
 public:
  static Result<std::unique_ptr<Supervisor>> start(const GrowRequest& request, const sys::Reporter& report) {
    // The paths of the initramfs are gone when the guest runs.
    const Fd proc = TRY(sys::mount_detached("proc", "proc"));
    if (::fchdir(proc.get()) < 0) return fail_errno("entering /proc");
    auto sysrq = sys::open_file("sysrq-trigger", O_WRONLY);
    if (!sysrq) report.warn("the kernel cannot make every file system read-only when there is no more room");
    auto file = TRY(DeviceFile::open(request.file, request.file_size, request.partition));
    std::unique_ptr<Supervisor> supervisor(
        new Supervisor(request, report, std::move(file), sysrq ? *std::move(sysrq) : Fd()));
    TRY(supervisor->plan());
    TRY(supervisor->make_devices());
    return supervisor;
  }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor() { (void)undo(); }

  [[nodiscard]] std::string disk() const { return maps_.top().path(); }

  /// Until stage 2 wants all of it undone.
  void run(const sys::Messages& stage2) {
    start_teller();
    int socket = stage2.descriptor();
    for (;;) {
      std::array<pollfd, 2> waits{
          {{.fd = worker_fd_.get(), .events = POLLIN, .revents = 0}, {.fd = socket, .events = POLLIN, .revents = 0}}};
      (void)::poll(waits.data(), waits.size(), -1);
      if (waits[1].revents != 0) {
        if (stage2.receive(0, sys::Deadline::in(1s))) return;
        socket = -1;  // the guest has taken over
      }
      if (waits[0].revents == 0) continue;
      ::waitpid(worker_, nullptr, 0);
      replace_worker();
    }
  }

  Result<void> undo() {
    if (teller_ > 0) {
      ::kill(teller_, SIGKILL);
      ::waitpid(teller_, nullptr, 0);
    }
    teller_ = 0;
    Result<void> done = maps_.remove();
    if (metadata_) {
      if (auto gone = metadata_->disconnect(); done) done = std::move(gone);
      metadata_.reset();
    }
    // It leaves the table in order, when nobody asks it for anything any more.
    if (worker_ > 0 && !done) ::kill(worker_, SIGKILL);
    if (worker_ > 0) ::waitpid(worker_, nullptr, 0);
    worker_ = 0;
    return done;
  }

 private:
  Supervisor(const GrowRequest& request, const sys::Reporter& report, std::unique_ptr<DeviceFile> file, Fd sysrq)
      : request_(&request), report_(&report), file_(std::move(file)), sysrq_(std::move(sysrq)) {}

  // The first to open the table; it leaves nothing open.
  Result<void> plan() {
    const auto writer = TRY(open_block_writer(*file_, true));
    const auto free = writer->free_places(blocks::most_data_chunks(writer->block_size()));
    TRY(writer->close());
    const auto disk = TRY(vhd::open_disk(*file_, "the image"));
    const auto view = TRY(sys::block_device(node_of(request_->view)));
    rows_ = TRY(blocks::new_block_rows(view.size / kSectorSize, writer->block_size(), TRY(blocks::whole_blocks(*disk)),
                                       free, request_->gate_sector));
    if (writer->blocks() != rows_.blocks) return fail(Code::Corrupt, "the block table is that of another disk");
    session_ = std::make_unique<BlockSession>(rows_.block_size, rows_.blocks, rows_.places);
    shared_ = TRY(make_shared(rows_.places.size()));
    return {};
  }

  static std::string node_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
  static Result<std::string> numbers_of(const std::string& path) {
    return TRY(sys::block_device(node_of(path))).numbers;
  }

  // In this order: what lies above takes the limits of what lies below from the beginning.
  Result<void> make_devices() {
    const auto sockets = TRY(sys::NbdSockets::make());
    TRY(start_worker(sockets));
    metadata_.emplace(TRY(sys::NbdDevice::connect(sockets.kernel, blocks::kFirstDataChunk * rows_.block_size)));
    const std::string file = TRY(numbers_of(request_->file));
    TRY(add("-cow", rows_.cow, {metadata_->numbers(), file}, true));
    TRY(add("-gap", rows_.gap, {TRY(numbers_of(request_->view)), maps_.top().numbers()}, false));
    TRY(add("-disk", rows_.disk, {file, maps_.top().numbers()}, true));
    return add("", rows_.gate, {maps_.top().numbers(), TRY(numbers_of(request_->partition))}, false);
  }

  // `flushed_elsewhere`: the worker or the gate do that, and the kernel is not to do it for every row.
  Result<void> add(const std::string& suffix, std::span<const blocks::Row> rows,
                   const std::array<std::string, 2>& below, bool flushed_elsewhere) {
    maps_.add(TRY(sys::MappedDevice::create(request_->map + suffix, request_->map_uuid + suffix, rows, below, false)));
    if (flushed_elsewhere) (void)maps_.top().forget_flushes();
    return maps_.top().check(rows, below, false);
  }

  Result<void> start_worker(const sys::NbdSockets& sockets) {
    const pid_t child = ::fork();
    if (child < 0) return fail_errno("starting the process that makes new blocks");
    if (child == 0) {
      // Nothing may unwind from here into what the child has inherited.
      try {
        ::close(sockets.kernel.get());
        const auto done = work(Fd(sockets.server.get()));
        if (!done) report_->error(done.error().message());
        ::_exit(done ? 0 : 1);
      } catch (...) {
        ::_exit(1);
      }
    }
    worker_ = child;
    worker_fd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    if (!worker_fd_) return fail_errno("watching the process that makes new blocks");
    return {};
  }

  Result<void> work(Fd socket) const {
    TRY(need_no_disk());  // no child inherits that
    auto committer = TRY_IN("the block table of the image", BlockCommitter::open(*file_, *session_));
    return Worker(sys::NbdServer(std::move(socket)), std::move(committer), *shared_, sysrq_, *report_).run();
  }

  static void pause(std::chrono::milliseconds time) { (void)::poll(nullptr, 0, static_cast<int>(time.count())); }

  // As often as it takes: without one the guest waits.
  void replace_worker() {
    if (std::chrono::steady_clock::now() - started_ < kPause) pause(kPause);
    auto taken = take_over();
    if (!taken) report_->warn(concat("the process that makes new blocks has ended: ", taken.error().message()));
    for (; !taken; taken = take_over()) pause(kPause);
    report_->warn("the process that makes new blocks has ended, another one has taken over");
  }

  Result<void> take_over() {
    worker_ = 0;
    started_ = std::chrono::steady_clock::now();
    const auto sockets = TRY(sys::NbdSockets::make());
    auto done = start_worker(sockets);
    if (done) done = metadata_->reconnect(sockets.kernel);
    // One that the kernel does not know would wait for ever.
    if (!done && worker_ > 0) {
      ::kill(worker_, SIGKILL);
      ::waitpid(worker_, nullptr, 0);
    }
    return done;
  }

  // What people may look at. Writing it may wait for the disk: nobody waits for this process.
  void start_teller() {
    teller_ = ::fork();
    if (teller_ != 0) return;
    std::optional<std::uint64_t> told;
    for (;; pause(kOften)) {
      const std::uint64_t left = shared_->places_left.load();
      const std::uint64_t all = rows_.places.size();
      const std::string run = concat(kProcessOneRoot, "/run");
      if (told != left && sys::is_mount_point(run) && sys::make_directories(run + "/vhdboot") &&
          sys::write_file(concat(kProcessOneRoot, kSpaceFile),
                          as_bytes(blocks::to_text(
                              {.state = left == 0 ? blocks::StoreUse::State::Full : blocks::StoreUse::State::Good,
                               .used = (all - left) * rows_.block_size,
                               .size = all * rows_.block_size}))))
        told = left;
    }
  }

  const GrowRequest* request_;
  const sys::Reporter* report_;
  std::unique_ptr<DeviceFile> file_;
  Fd sysrq_;
  blocks::NewBlockRows rows_;
  std::unique_ptr<BlockSession> session_;
  Shared* shared_ = nullptr;
  pid_t worker_ = 0;
  Fd worker_fd_;
  std::chrono::steady_clock::time_point started_;  // the worker that is there now, by take_over()
  pid_t teller_ = 0;
  std::optional<sys::NbdDevice> metadata_;
  sys::MappedStack maps_;
};

}  // namespace

int keep_growing(const GrowRequest& request) {
  ::signal(SIGPIPE, SIG_IGN);
  ::setsid();
  const sys::Messages stage2{Fd(sys::Companion::kSocket)};
  const sys::Reporter report("keeper", sys::Reporter::Audience::KernelLog);
  const auto ready = need_no_disk();
  auto supervisor = ready ? Supervisor::start(request, report) : std::unexpected(ready.error());
  const auto disk = supervisor ? Result<std::string>((*supervisor)->disk()) : std::unexpected(supervisor.error());
  if (!send_grow_answer(stage2, disk) || !disk) return 1;
  (*supervisor)->run(stage2);
  const auto undone = (*supervisor)->undo();
  (void)send_grow_answer(stage2, undone ? disk : std::unexpected(undone.error()));
  return undone ? 0 : 1;
}

}  // namespace vhdboot::stage
