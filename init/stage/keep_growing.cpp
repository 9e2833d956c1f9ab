// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/keep_growing.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
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
#include "init/stage/keeper_process.h"
#include "init/stage/watch_space.h"
#include "init/sys/attached_disk.h"
#include "init/sys/block.h"
#include "init/sys/console.h"
#include "init/sys/file.h"
#include "init/sys/loop.h"
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

// Answers the kernel until it goes, or until something is wrong with it. Says when the kernel's snapshot is of no more
// use, full or given up, and goes on.
class Worker {
 public:
  /// `more`: the file has room for another session. `over`: where it is told that this one is over.
  Worker(sys::NbdServer server, BlockCommitter committer, bool more, const Fd& over, Shared& shared, const Fd& sysrq,
         const sys::Reporter& report)
      : server_(std::move(server)),
        committer_(std::move(committer)),
        more_(more),
        over_(over),
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
    // The kernel gives the snapshot up then, so that nobody takes for written what is not. Without room it first takes
    // the chunk behind the last place for one.
    if (!done && committer_.places_left() > 0)
      report_.error(concat("no new block can be put into the image: ", done.error().message()));
    if (done && !committer_.valid()) report_.warn("the kernel has given up new blocks, after an error of the disk");
    if (done && (!committer_.valid() || committer_.places_left() <= (more_ ? blocks::kLastPlaces : 0)))
      (void)::eventfd_write(over_.get(), 1);
    tell_room();
    return server_.answer(request, done ? 0 : EIO);
  }

  void tell_room() {
    const std::uint64_t left = committer_.places_left();
    shared_.places_left.store(left);
    if (more_) return;
    if (const auto warning = blocks::room_warning(warned_left_, left, committer_.places())) report_.warn(*warning);
    if (left <= blocks::kLastPlaces && warned_left_ > blocks::kLastPlaces)
      (void)sys::write_all(sysrq_, as_bytes(kNoRoom));
    warned_left_ = std::min(warned_left_, left);
  }

  sys::NbdServer server_;
  BlockCommitter committer_;
  bool more_;
  const Fd& over_;
  Shared& shared_;
  const Fd& sysrq_;
  const sys::Reporter& report_;
  std::vector<std::byte> written_;
  std::uint64_t warned_left_;
};

// What is read where a block is not whole, and where new blocks are made. Undone when the object ends, as far as
// nothing uses it any more.
struct Gap {
  std::optional<sys::NbdDevice> metadata;
  std::optional<sys::LoopDevice> loop;  // without room: what only reads
  sys::MappedStack maps;                // the top one is what is read; empty: the loop device is
  std::string numbers;

  Result<void> undo() {
    TRY(maps.remove());
    if (metadata) TRY(metadata->disconnect());
    metadata.reset();
    if (loop) TRY(loop->detach());
    loop.reset();
    return {};
  }
};

// Starts the worker, and another one whenever it ends; makes the devices.
class Supervisor {
 public:
  static Result<std::unique_ptr<Supervisor>> start(const GrowRequest& request, const sys::Reporter& report) {
    // The paths of the initramfs are gone when the guest runs.
    Fd own = TRY(sys::open_file("/", O_PATH | O_DIRECTORY));
    Fd proc = TRY(sys::mount_detached("proc", "proc"));
    if (::fchdir(proc.get()) < 0) return fail_errno("entering /proc");
    auto sysrq = sys::open_file("sysrq-trigger", O_WRONLY);
    if (!sysrq) report.warn("the kernel cannot make every file system read-only when there is no more room");
    auto file = TRY(DeviceFile::open(request.file, request.file_size, request.partition));
    std::unique_ptr<Supervisor> supervisor(new Supervisor(request, report, std::move(own), std::move(proc),
                                                          std::move(file), sysrq ? *std::move(sysrq) : Fd()));
    TRY(supervisor->plan(true));
    TRY(supervisor->make_devices());
    return supervisor;
  }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor() { (void)undo(); }

  [[nodiscard]] std::string disk() const { return gate_->path(); }

  /// Until stage 2 wants all of it undone.
  void run(const sys::Messages& stage2) {
    start_teller();
    int socket = stage2.descriptor();
    for (;;) {
      std::array<pollfd, 4> waits{{{.fd = worker_.fd.get(), .events = POLLIN, .revents = 0},
                                   {.fd = socket, .events = POLLIN, .revents = 0},
                                   {.fd = over_.get(), .events = POLLIN, .revents = 0},
                                   {.fd = suspender_.fd.get(), .events = POLLIN, .revents = 0}}};
      (void)::poll(waits.data(), waits.size(), -1);
      if (waits[1].revents != 0) {
        if (stage2.receive(0, sys::Deadline::in(1s))) return;
        socket = -1;  // the guest has taken over
      }
      if (waits[0].revents != 0) {
        worker_.wait();
        replace_worker();
      }
      if (waits[2].revents != 0) end_session();
      if (waits[3].revents != 0) begin_session(suspender_.wait());
    }
  }

  Result<void> undo() {
    teller_.kill();
    auto done = remove(gate_);
    if (done) done = remove(disk_);
    if (done && gap_) done = gap_->undo();
    // It leaves the table in order, when nobody asks it for anything any more.
    if (done)
      (void)worker_.wait();
    else
      worker_.kill();
    return done;
  }

 private:
  Supervisor(const GrowRequest& request, const sys::Reporter& report, Fd own, Fd proc, std::unique_ptr<DeviceFile> file,
             Fd sysrq)
      : request_(&request),
        report_(&report),
        own_(std::move(own)),
        proc_(std::move(proc)),
        file_(std::move(file)),
        sysrq_(std::move(sysrq)),
        over_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  static Result<void> remove(std::optional<sys::MappedDevice>& map) {
    if (map) TRY(map->remove());
    map.reset();
    return {};
  }

  // Opens the table, and leaves nothing open. `first`: of this boot; later on there may be no room for more.
  Result<void> plan(bool first) {
    const auto writer = TRY(open_block_writer(*file_, first));
    const auto free = writer->free_places(blocks::most_data_chunks(writer->block_size()) + 1);
    TRY(writer->close());
    const auto disk = TRY(vhd::open_disk(*file_, "the image"));
    const auto view = TRY(sys::block_device(node_of(request_->view)));
    const std::uint64_t sectors = view.size / kSectorSize;
    const auto whole = TRY(blocks::whole_blocks(*disk));
    if (first || free.size() >= blocks::kMinPlaces)
      rows_ = TRY(blocks::new_block_rows(sectors, writer->block_size(), whole, free, request_->gate_sector));
    else
      rows_ = {.block_size = writer->block_size(),
               .blocks = writer->blocks(),
               .places = {},
               .cow = {},
               .gap = {},
               .disk = TRY(blocks::rows_of_disk(sectors, writer->block_size(), whole)),
               .gate = {}};
    if (writer->blocks() != rows_.blocks) return fail(Code::Corrupt, "the block table is that of another disk");
    session_ = std::make_unique<BlockSession>(rows_.block_size, rows_.blocks, rows_.places);
    if (first) shared_ = TRY(make_shared(0));
    shared_->places_left.store(rows_.places.size());
    more_ = !rows_.places.empty() && free.size() > rows_.places.size();
    return {};
  }

  static std::string node_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
  static Result<std::string> numbers_of(const std::string& path) {
    return TRY(sys::block_device(node_of(path))).numbers;
  }

  // In this order: what lies above takes the limits of what lies below from the beginning.
  Result<void> make_devices() {
    gap_ = TRY(make_gap());
    disk_ = TRY(make("-disk", rows_.disk, {TRY(numbers_of(request_->file)), gap_->numbers}, true));
    gate_ = TRY(make("", rows_.gate, {disk_->numbers(), TRY(numbers_of(request_->partition))}, false));
    return {};
  }

  // Of the session as it is planned, with its worker.
  Result<std::unique_ptr<Gap>> make_gap() {
    const std::string number = sessions_ == 0 ? "" : concat(sessions_);
    ++sessions_;
    auto gap = std::make_unique<Gap>();
    if (rows_.places.empty()) {
      const Fd view = TRY(sys::open_file(request_->view, O_RDONLY));
      gap->loop = TRY(sys::LoopDevice::attach(view, concat(request_->map, "-full"), {.partitions = false}));
      gap->numbers = TRY(numbers_of(gap->loop->path()));
      return gap;
    }
    const auto sockets = TRY(sys::NbdSockets::make());
    TRY(start_worker(sockets));
    gap->metadata.emplace(TRY(sys::NbdDevice::connect(sockets.kernel, blocks::kFirstDataChunk * rows_.block_size)));
    gap->maps.add(
        TRY(make("-cow" + number, rows_.cow, {gap->metadata->numbers(), TRY(numbers_of(request_->file))}, true)));
    gap->maps.add(
        TRY(make("-gap" + number, rows_.gap, {TRY(numbers_of(request_->view)), gap->maps.top().numbers()}, false)));
    gap->numbers = gap->maps.top().numbers();
    return gap;
  }

  // `flushed_elsewhere`: the worker or the gate do that, and the kernel is not to do it for every row.
  Result<sys::MappedDevice> make(const std::string& suffix, std::span<const blocks::Row> rows,
                                 const std::array<std::string, 2>& below, bool flushed_elsewhere) {
    auto map = TRY(sys::MappedDevice::create(request_->map + suffix, request_->map_uuid + suffix, rows, below, false));
    if (flushed_elsewhere) (void)map.forget_flushes();
    TRY(map.check(rows, below, false));
    return map;
  }

  // A full or broken snapshot is of no use. What was copied into the file are whole blocks of it by now: a new one
  // takes its place, of what is not, and in what room is left. The guest does not notice, but for what failed
  // meanwhile. First what is under way must come to its end, by the worker that is there now, which may itself have to
  // be replaced.
  void end_session() {
    eventfd_t ignored = 0;
    (void)::eventfd_read(over_.get(), &ignored);
    if (suspender_.pid > 0) return;
    auto child = Child::make("suspending the disk");
    if (child && child->pid == 0) {
      const AmongDevices inside(own_, proc_);
      const auto done = disk_->suspend();
      if (!done) cannot_mend(done.error());
      ::_exit(done ? 0 : 1);
    }
    if (child)
      suspender_ = *std::move(child);
    else
      cannot_mend(child.error());
  }

  void cannot_mend(const Error& why) const {
    report_->error(concat("the disk cannot be mended while its guest runs, restart: ", why.message()));
  }

  void begin_session(int suspended) {
    const AmongDevices inside(own_, proc_);
    // Whoever waits for the disk is to learn that it is no more, instead of waiting for ever.
    if (suspended != 0) {
      if (suspended < 0) cannot_mend({Code::Io, 0, "the process that suspends it was killed"});
      (void)disk_->resume();
      return;
    }
    worker_.kill();  // nobody asks it any more, and who opens the table next completes what it was at
    teller_.kill();
    made_ += rows_.places.size() - shared_->places_left.load();
    if (const auto done = mend(); !done) {
      (void)disk_->resume();
      worker_.kill();
      cannot_mend(done.error());
    } else if (rows_.places.empty()) {
      report_->warn("what has its block already can be written to, and all can be read");
    } else {
      report_->warn(concat("new blocks can be made again, as many as ", rows_.places.size(),
                           "; a file system that became read-only stays so until the next start"));
    }
    start_teller();
  }

  Result<void> mend() {
    TRY(plan(false));
    auto gap = TRY(make_gap());
    const std::array<std::string, 2> below{TRY(numbers_of(request_->file)), gap->numbers};
    TRY(disk_->reload(rows_.disk, below, false));
    std::swap(gap_, gap);
    (void)disk_->forget_flushes();
    (void)gap->undo();
    return disk_->check(rows_.disk, below, false);
  }

  Result<void> start_worker(const sys::NbdSockets& sockets) {
    worker_ = TRY(Child::make("starting the process that makes new blocks"));
    if (worker_.pid == 0) {
      // Nothing may unwind from here into what the child has inherited.
      try {
        ::close(sockets.kernel.get());
        leave_guest();
        const auto done = work(Fd(sockets.server.get()));
        if (!done) report_->error(done.error().message());
        ::_exit(done ? 0 : 1);
      } catch (...) {
        ::_exit(1);
      }
    }
    return {};
  }

  Result<void> work(Fd socket) const {
    TRY(need_no_disk());  // no child inherits that
    auto committer = TRY_IN("the block table of the image", BlockCommitter::open(*file_, *session_));
    return Worker(sys::NbdServer(std::move(socket)), std::move(committer), more_, over_, *shared_, sysrq_, *report_)
        .run();
  }

  // For a child that was made among the guest's devices.
  void leave_guest() const {
    if (::fchdir(own_.get()) == 0) (void)::chroot(".");
    (void)::fchdir(proc_.get());
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
    started_ = std::chrono::steady_clock::now();
    const auto sockets = TRY(sys::NbdSockets::make());
    auto done = start_worker(sockets);
    if (done) done = gap_->metadata->reconnect(sockets.kernel);
    // One that the kernel does not know would wait for ever.
    if (!done) worker_.kill();
    return done;
  }

  // What people may look at. Writing it may wait for the disk: nobody waits for this process.
  void start_teller() {
    auto child = Child::make("starting the process that tells how much room there is");
    if (!child) return report_->warn(child.error().message());
    if (child->pid != 0) {
      teller_ = *std::move(child);
      return;
    }
    leave_guest();
    std::optional<std::uint64_t> told;
    for (;; pause(kOften)) {
      const std::uint64_t left = shared_->places_left.load();
      const std::uint64_t all = rows_.places.size();
      const std::string run = concat(kProcessOneRoot, "/run");
      if (told != left && sys::is_mount_point(run) && sys::make_directories(run + "/vhdboot") &&
          sys::write_file(concat(kProcessOneRoot, kSpaceFile),
                          as_bytes(blocks::to_text(
                              {.state = left == 0 ? blocks::StoreUse::State::Full : blocks::StoreUse::State::Good,
                               .used = (made_ + all - left) * rows_.block_size,
                               .size = (made_ + all) * rows_.block_size}))))
        told = left;
    }
  }

  const GrowRequest* request_;
  const sys::Reporter* report_;
  Fd own_;
  Fd proc_;
  std::unique_ptr<DeviceFile> file_;
  Fd sysrq_;
  blocks::NewBlockRows rows_;
  std::unique_ptr<BlockSession> session_;
  bool more_ = false;
  Shared* shared_ = nullptr;
  Fd over_;  // readable when the session is over
  Child worker_;
  Child suspender_;
  std::chrono::steady_clock::time_point started_;  // the worker that is there now, by take_over()
  Child teller_;
  unsigned sessions_ = 0;
  std::uint64_t made_ = 0;  // blocks, by the sessions before
  // Destroyed from the last to the first.
  std::unique_ptr<Gap> gap_;
  std::optional<sys::MappedDevice> disk_;
  std::optional<sys::MappedDevice> gate_;
};

}  // namespace

int keep_growing(const GrowRequest& request) {
  return supervise<Supervisor>("keeper", request);
}

}  // namespace vhdboot::stage
