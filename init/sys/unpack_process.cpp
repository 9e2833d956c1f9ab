// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/unpack_process.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "init/modules/codecs.h"
#include "init/modules/unpack_wire.h"
#include "init/sys/confinement.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

// What has not given up its rights looks at nothing.
class Refusal final : public modules::Decompressor {
 public:
  explicit Refusal(std::string why) : why_(std::move(why)) {}
  Result<Step> step(Bytes, MutableBytes) override { return fail(Code::Io, why_); }

 private:
  std::string why_;
};

}  // namespace

void serve(modules::Decompressor& decompressor, const Fd& socket) {
  std::vector<std::byte> in(modules::kMostIn);
  std::vector<std::byte> answer(sizeof(modules::AnswerHead) + modules::kMostOut);
  const MutableBytes behind = MutableBytes(answer).subspan(sizeof(modules::AnswerHead));
  for (modules::RequestHead head{}; read_whole(socket, head);) {
    const auto request = modules::decode_request(head);
    if (!request || !read_whole(socket, MutableBytes(in).first(request->in))) return;
    const auto done = decompressor.step(Bytes(in).first(request->in), behind.first(request->room));
    std::ranges::copy(modules::encode_answer(done), answer.begin());
    std::size_t follows = done ? done->given : 0;
    if (!done) {
      const Bytes text = as_bytes(done.error().text);
      follows = std::min(text.size(), modules::kMostErrorText);
      std::ranges::copy(text.first(follows), behind.begin());
    }
    if (!write_all(socket, Bytes(answer).first(sizeof(modules::AnswerHead) + follows))) return;
  }
}

void serve_compression(modules::Compression compression, const Fd& socket) {
  const auto decompressor = modules::make_decompressor(compression);
  serve(*decompressor, socket);
}

UnpackChild unpack_here(UnpackWork work) {
  return [work = std::move(work)](const UnpackTask& task) {
    const Fd socket(task.socket);  // is never closed: the filter does not let it
    work_confined(task, [&](const std::string& failed) {
      if (failed.empty()) return work(task.compression, socket);
      Refusal refusal(failed);
      serve(refusal, socket);
    });
  };
}

}  // namespace vhdboot::sys
