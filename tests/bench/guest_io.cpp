// SPDX-License-Identifier: GPL-2.0-or-later
// Reads or writes a block device of the guest with direct I/O, so many blocks at a time, and tells how many
// microseconds it took. Writes end with a flush. The kernel's own asynchronous I/O: it takes the least of a slow
// processor.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Work {
  int fd;
  bool write;
  bool mixed;  ///< each block once, in no order; else as many streams, each in order, as blocks are in flight
  uint64_t offset, block, stride, count, depth;

  [[nodiscard]] uint64_t place(uint64_t number) const {
    // An odd factor meets each block once; the count is a power of two then.
    const uint64_t which =
        mixed ? (number * 2654435761 + 12345) & (count - 1) : number % depth * (count / depth) + number / depth;
    return offset + which * stride;
  }
};

bool submit(const Work& work, aio_context_t context, iocb& request, uint64_t number) {
  request.aio_fildes = static_cast<uint32_t>(work.fd);
  request.aio_lio_opcode = work.write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
  request.aio_offset = static_cast<int64_t>(work.place(number));
  request.aio_nbytes = work.block;
  if (work.write) std::memcpy(reinterpret_cast<void*>(request.aio_buf), &number, sizeof number);
  iocb* one = &request;
  return syscall(SYS_io_submit, context, 1, &one) == 1;
}

bool run(const Work& work, std::vector<iocb>& requests, aio_context_t context) {
  uint64_t begun = 0;
  for (iocb& request : requests) {
    if (begun < work.count && !submit(work, context, request, begun++)) return false;
  }
  std::vector<io_event> events(requests.size());
  for (uint64_t done = 0; done < work.count;) {
    const long arrived = syscall(SYS_io_getevents, context, 1, events.size(), events.data(), nullptr);
    if (arrived < 1) return false;
    for (long i = 0; i < arrived; ++i) {
      if (events[i].res != static_cast<int64_t>(work.block)) return false;
      if (begun < work.count && !submit(work, context, *reinterpret_cast<iocb*>(events[i].obj), begun++)) return false;
    }
    done += static_cast<uint64_t>(arrived);
  }
  return !work.write || fdatasync(work.fd) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9) {
    std::fputs("guest_io DEVICE read|write streams|mixed OFFSET BLOCK STRIDE COUNT DEPTH\n", stderr);
    return 2;
  }
  const bool write = std::strcmp(argv[2], "write") == 0;
  const auto number = [argv](int i) { return std::strtoull(argv[i], nullptr, 10); };
  const Work work{open(argv[1], (write ? O_RDWR : O_RDONLY) | O_DIRECT),
                  write,
                  std::strcmp(argv[3], "mixed") == 0,
                  number(4),
                  number(5),
                  number(6),
                  number(7),
                  number(8)};
  std::vector<iocb> requests(work.depth);
  aio_context_t context = 0;
  if (work.fd < 0 || syscall(SYS_io_setup, requests.size(), &context) != 0) {
    std::perror(argv[1]);
    return 1;
  }
  uint64_t random = 88172645463325252;
  for (iocb& request : requests) {
    void* buffer = std::aligned_alloc(4096, work.block);
    request = {};
    request.aio_buf = reinterpret_cast<uintptr_t>(buffer);
    for (uint64_t at = 0; at < work.block; at += sizeof random) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      std::memcpy(static_cast<char*>(buffer) + at, &random, sizeof random);
    }
  }
  const auto start = Clock::now();
  if (!run(work, requests, context)) {
    std::perror(argv[1]);
    return 1;
  }
  std::printf("%lld\n", static_cast<long long>(
                            std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count()));
  return 0;
}
