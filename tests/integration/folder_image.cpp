// SPDX-License-Identifier: GPL-2.0-or-later
// The folder of a distribution of WSL 1 as a file system, for folder_image_test.py to have a kernel mount it.
//   folder_image VOLUME PATH MOST OUT   writes the blocks that go before those of VOLUME to OUT, with at most MOST
//   bytes
//                                       of contents; says each path that is not as it was, a line for each, and at the
//                                       end the root, how much was copied, and what there is
// Exit status 1 with the sentence on standard error when something fails.
#include "init/tree/folder_image.h"

#include <fcntl.h>
#include <unistd.h>

#include <iostream>
#include <string>

#include "base/text.h"
#include "init/volume/volume.h"
#include "tests/support/plain_file.h"

namespace {

using namespace vhdboot;

Result<void> run(char** argv) {
  const test::PlainFile file(argv[1]);
  const auto volume = TRY(volume::HostVolume::open(file));
  auto folder = TRY(volume::NtfsTree::of(*volume, file));
  const int out = open(argv[4], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const tree::FolderImageTo to{
      .write = [&](std::uint64_t offset, Bytes bytes) -> Result<void> {
        const ssize_t put = pwrite(out, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (put != static_cast<ssize_t>(bytes.size())) return fail_errno("writing");
        return {};
      },
      .say = [](std::string_view path, std::string_view text) { std::cout << path << ": " << text << "\n"; },
      .go_on = [](std::uint64_t) { return Result<void>(); },
  };
  const auto made =
      TRY(tree::make_folder_image(folder, file, TRY(volume::parse_path(argv[2])), parse_u64(argv[3]).value_or(0), to));
  if (ftruncate(out, static_cast<off_t>(made.size)) < 0) return fail_errno("its size");
  close(out);
  std::cout << made.root << " " << made.copied << " " << describe(made.counts) << "\n";
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto done = run(argv);
  if (done) return 0;
  std::cerr << done.error().message() << "\n";
  return 1;
}
