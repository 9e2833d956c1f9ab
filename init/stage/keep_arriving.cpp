// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/keep_arriving.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "init/arrive/block_map.h"
#include "init/arrive/web_address.h"
#include "init/blocks/row.h"
#include "init/stage/bring_blocks.h"
#include "init/stage/device_file.h"
#include "init/stage/grow.h"
#include "init/stage/keeper_process.h"
#include "init/stage/serve_arriving.h"
#include "init/sys/block.h"
#include "init/sys/confinement.h"
#include "init/sys/device_mapper.h"
#include "init/sys/file.h"
#include "init/sys/messages.h"
#include "init/sys/mount.h"
#include "init/sys/nbd.h"
#include "init/sys/process.h"
#include "vhd/incomplete.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

// When a program ends as soon as it is started it is not started again at once.
constexpr auto kPause = 500ms;
constexpr std::uint64_t kGate = 8;  // sectors, of any disk: what flushes the partition itself

void pause(std::chrono::milliseconds time) {
  (void)::poll(nullptr, 0, static_cast<int>(time.count()));
}

Result<sys::BlockDevice> device_of(const std::string& path) {
  return sys::block_device(path.substr(path.rfind('/') + 1));
}

struct Files {
  std::unique_ptr<DeviceFile> image;
  std::unique_ptr<DeviceFile> map;
  std::unique_ptr<const DeviceFile> tree;
};

// Once more: who puts back one of the two from an older copy is told so at the next start. A cut between the writes
// leaves the two fitting each other.
Result<void> count_start(const Files& files, const arrive::MapHeader& header, arrive::MapCopy copy) {
  const std::uint64_t end = header.data_blocks * arrive::kBlock;
  std::array<std::byte, vhd::kIncompleteSize> tail{};
  TRY(files.image->read(end, tail));
  const auto mark = vhd::parse_incomplete(tail);
  if (!mark || !copy.fits(mark->id, mark->starts))
    return fail(Code::Unsafe, "the map beside the image is that of another copy of it");
  copy.starts = mark->starts;
  copy.counting = true;
  TRY(files.map->write(0, serialise(header, copy)));
  TRY(files.image->write(end, vhd::serialise(vhd::IncompleteMark{.id = copy.id, .starts = copy.starts + 1})));
  ++copy.starts;
  copy.counting = false;
  return files.map->write(0, serialise(header, copy));
}

class Supervisor {
 public:
  static Result<std::unique_ptr<Supervisor>> start(const ArriveRequest& request, const sys::Reporter& report) {
    // The paths of the initramfs are gone when the guest runs.
    Fd own = TRY(sys::open_file("/", O_PATH | O_DIRECTORY));
    Fd proc = TRY(sys::mount_detached("proc", "proc"));
    if (::fchdir(proc.get()) < 0) return fail_errno("entering /proc");
    const auto address = TRY(arrive::parse_web_address(request.from.source));
    std::optional<arrive::HostAddress> own_address;
    if (!request.from.address.empty()) own_address = TRY(arrive::parse_host_address(request.from.address));
    Files files{.image = TRY(DeviceFile::open(request.disk.file, request.disk.file_size, request.disk.partition)),
                .map = {},
                .tree = {}};
    const std::uint64_t blocks = request.disk.file_size / arrive::kBlock;
    files.map = TRY(DeviceFile::open(request.disk.view, arrive::MapLayout(blocks).size(), request.disk.partition));
    const std::uint64_t tree_size = TRY(arrive::TreeLayout::of(blocks)).blocks() * arrive::kBlock;
    if (TRY(device_of(request.tree)).size < tree_size)
      return fail(Code::Corrupt, "the hash tree beside the image is that of another one");
    files.tree = TRY(DeviceFile::open_to_read(request.tree, tree_size));
    std::vector<std::byte> bytes(arrive::kBlock);
    TRY(files.map->read(0, bytes));
    const auto header = TRY(arrive::parse_map_header(bytes));
    if (header.size() != request.disk.file_size || header.root != arrive::parse_digest(request.from.root_hash))
      return fail(Code::Unsafe, "the map beside the image is that of another one");
    auto shared = TRY(SharedMap::read(*files.map, header));
    TRY(count_start(files, header, TRY(arrive::parse_map_copy(bytes))));
    std::unique_ptr<Supervisor> supervisor(new Supervisor(request, report, address, own_address, header, shared,
                                                          std::move(own), std::move(proc), std::move(files)));
    TRY(supervisor->make_devices());
    return supervisor;
  }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor() { (void)undo(); }

  [[nodiscard]] std::string disk() const { return disk_->path(); }

  /// Until stage 2 wants all of it undone; ends the program when nobody needs it any more.
  void run(const sys::Messages& stage2) {
    int socket = stage2.descriptor();
    for (;;) {
      std::array<pollfd, 4> waits{{{.fd = server_.fd.get(), .events = POLLIN, .revents = 0},
                                   {.fd = socket, .events = POLLIN, .revents = 0},
                                   {.fd = changes_.pid > 0 ? -1 : done_.get(), .events = POLLIN, .revents = 0},
                                   {.fd = changes_.fd.get(), .events = POLLIN, .revents = 0}}};
      if (!nbd_ && socket < 0) ::_exit(0);
      (void)::poll(waits.data(), waits.size(), -1);
      if (waits[1].revents != 0) {
        if (stage2.receive(0, sys::Deadline::in(1s))) return;
        socket = -1;  // the guest has taken over
      }
      if (waits[0].revents != 0) {
        server_.wait();
        replace_server();
      }
      if (waits[2].revents != 0) change_disk();
      if (waits[3].revents != 0) let_go(changes_.wait());
    }
  }

  Result<void> undo() {
    if (disk_) TRY(disk_->remove());
    disk_.reset();
    if (nbd_) TRY(nbd_->disconnect());
    nbd_.reset();
    // It saves what it knows, when nobody asks it for anything any more.
    (void)server_.wait();
    return {};
  }

 private:
  Supervisor(const ArriveRequest& request, const sys::Reporter& report, arrive::WebAddress address,
             std::optional<arrive::HostAddress> own_address, const arrive::MapHeader& header, SharedMap shared, Fd own,
             Fd proc, Files files)
      : request_(&request),
        report_(&report),
        address_(std::move(address)),
        own_address_(own_address),
        header_(header),
        shared_(shared),
        own_(std::move(own)),
        proc_(std::move(proc)),
        files_(std::move(files)),
        done_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  [[nodiscard]] std::uint64_t sectors() const { return header_.data_blocks * arrive::kBlock / kSectorSize; }

  // Its device 0 has the bytes from sector `first` on, 1 is the partition.
  [[nodiscard]] std::vector<blocks::Row> rows(std::uint64_t first) const {
    return {{.length = sectors(), .device = 0, .device_sector = first},
            {.start = sectors(), .length = kGate, .device = 1, .device_sector = request_->disk.gate_sector}};
  }

  Result<void> make_devices() {
    // The kernel's module looks for partitions, for which it needs a server.
    const auto sockets = TRY(sys::NbdSockets::make());
    TRY(start_server(sockets));
    nbd_.emplace(TRY(sys::NbdDevice::connect(sockets.kernel, sectors() * kSectorSize + 2 * kPad, true)));
    partition_ = TRY(device_of(request_->disk.partition)).numbers;
    whole_ = TRY(device_of(request_->disk.file)).numbers;
    const std::array<std::string, 2> below{nbd_->numbers(), partition_};
    disk_ = TRY(
        sys::MappedDevice::create(request_->disk.map, request_->disk.map_uuid, rows(kPad / kSectorSize), below, false));
    return disk_->check(rows(kPad / kSectorSize), below, false);
  }

  Result<void> start_server(const sys::NbdSockets& sockets) {
    server_ = TRY(Child::make("starting the process that serves the disk"));
    if (server_.pid != 0) return {};
    // Nothing may unwind from here into what the child has inherited.
    try {
      ::close(sockets.kernel.get());
      leave_guest();
      const auto done = serve(Fd(sockets.server.get()));
      if (!done) report_->warn(done.error().message());
      ::_exit(done ? 0 : 1);
    } catch (...) {
      ::_exit(1);
    }
  }

  Result<void> serve(Fd socket) {
    TRY(need_no_disk());  // no child inherits that
    Fd bringer = TRY(start_bringer());
    return ArrivalServer(sys::NbdServer(std::move(socket)), std::move(bringer),
                         {.image = *files_.image, .map = *files_.map, .tree = *files_.tree}, header_, shared_,
                         request_->from.source, done_, *report_, {})
        .run();
  }

  // It ends with the server.
  Result<Fd> start_bringer() const {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return fail_errno("making a pair of sockets");
    Fd ours(ends[0]);
    Fd theirs(ends[1]);
    const pid_t server = ::getpid();
    const auto child = TRY(Child::make("starting the process that asks the server"));
    if (child.pid != 0) return ours;
    try {
      // The disks, and the server's end of the kernel's socket, by whose end it is missed.
      close_all_but({theirs.get(), report_->descriptor()});
      // Marks are for who has the blocks.
      shared_.forget();
      if (const auto ready = need_no_disk(); !ready) report_->warn(ready.error().message());
      auto network = sys::OwnNetwork::make(own_address_);
      if (!network) report_->warn(network.error().message());
      for (; !network && ::getppid() == server; network = sys::OwnNetwork::make(own_address_)) pause(kPause);
      if (!network) ::_exit(1);
      if (const auto kept = sys::keep_network_rights(server); !kept) {
        report_->warn(kept.error().message());
        ::_exit(1);
      }
      bring_blocks(theirs, *std::move(network), address_, header_.size());
      ::_exit(0);
    } catch (...) {
      ::_exit(1);
    }
  }

  // For a child that was made among the guest's devices.
  void leave_guest() const {
    if (::fchdir(own_.get()) == 0) (void)::chroot(".");
    (void)::fchdir(proc_.get());
  }

  // As often as it takes: without one the guest waits.
  void replace_server() {
    if (!nbd_) return;
    if (std::chrono::steady_clock::now() - started_ < kPause) pause(kPause);
    auto taken = take_over();
    if (!taken) report_->warn(concat("the process that serves the disk has ended: ", taken.error().message()));
    for (; !taken; taken = take_over()) pause(kPause);
    report_->warn("the process that serves the disk has ended, another one has taken over");
  }

  Result<void> take_over() {
    started_ = std::chrono::steady_clock::now();
    const auto sockets = TRY(sys::NbdSockets::make());
    auto done = start_server(sockets);
    if (done) done = nbd_->reconnect(sockets.kernel);
    // One that the kernel does not know would wait for ever.
    if (!done) server_.kill();
    return done;
  }

  // All is there: the disk becomes the file itself. What is under way must come to its end for that, by the server that
  // is there now, which may itself have to be replaced.
  void change_disk() {
    eventfd_t ignored = 0;
    (void)::eventfd_read(done_.get(), &ignored);
    if (!nbd_) return;
    auto child = Child::make("changing the disk");
    if (child && child->pid == 0) {
      // It must not wait for the disk that it holds up.
      const auto ready = need_no_disk();
      const AmongDevices inside(own_, proc_);
      const std::array<std::string, 2> below{whole_, partition_};
      const auto done = ready ? disk_->reload(rows(0), below, false) : std::unexpected(ready.error());
      if (!done) (void)disk_->resume();
      if (!done) cannot_change(done.error());
      ::_exit(done ? 0 : 1);
    }
    if (child)
      changes_ = *std::move(child);
    else
      cannot_change(child.error());
  }

  void cannot_change(const Error& why) const {
    report_->warn(
        concat("all of the image is there, but its disk still needs vhdboot until the next start: ", why.message()));
  }

  void let_go(int changed) {
    if (changed != 0) return;
    const auto gone = nbd_->disconnect();
    if (!gone) report_->warn(gone.error().message());
    nbd_.reset();
    server_.kill();
    report_->log("all of the image is there: from now on it is one like any other");
  }

  const ArriveRequest* request_;
  const sys::Reporter* report_;
  arrive::WebAddress address_;
  std::optional<arrive::HostAddress> own_address_;  // nothing: by DHCP
  arrive::MapHeader header_;
  SharedMap shared_;
  Fd own_;
  Fd proc_;
  Files files_;
  Fd done_;  // readable when all is there
  Child server_;
  Child changes_;
  std::chrono::steady_clock::time_point started_;  // the server that is there now, by take_over()
  std::string partition_;
  std::string whole_;  // the device of the image's own file
  // Destroyed from the last to the first.
  std::optional<sys::NbdDevice> nbd_;  // nothing: the disk needs nobody
  std::optional<sys::MappedDevice> disk_;
};

}  // namespace

int keep_arriving(const ArriveRequest& request) {
  return supervise<Supervisor>("arrive", request);
}

}  // namespace vhdboot::stage
