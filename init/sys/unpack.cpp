// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/unpack.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/text.h"
#include "init/modules/unpack_wire.h"
#include "init/sys/deadline.h"

namespace vhdboot::sys {
namespace {

class ChildDecompressor final : public modules::Decompressor {
 public:
  ChildDecompressor(modules::Compression compression, const UnpackChild& child, const UnpackOptions& options)
      : what_(concat("the program that decompresses ", name(compression), " data")),
        answer_time_(options.answer_time),
        end_(Deadline::in(options.stream_time)),
        child_(ConfinedChild::start(what_, [&](int socket, pid_t parent) {
          child({{.socket = socket, .parent = parent, .limits = options.limits}, compression});
        })) {}

  Result<Step> step(Bytes in, MutableBytes out) override {
    if (!child_) return std::unexpected(child_.error());
    auto done =
        ask(in.first(std::min(in.size(), modules::kMostIn)), out.first(std::min(out.size(), modules::kMostOut)));
    // One that failed is not asked again.
    if (!done) child_ = std::unexpected(done.error());
    return done;
  }

 private:
  Result<Step> ask(Bytes in, MutableBytes out) {
    const Messages& messages = child_->messages();
    const Deadline deadline = earlier(end_, Deadline::in(answer_time_));
    const modules::StepRequest request{.in = static_cast<std::uint32_t>(in.size()),
                                       .room = static_cast<std::uint32_t>(out.size())};
    TRY(heard(messages.send_bytes(encode(request), deadline)));
    TRY(heard(messages.send_bytes(in, deadline)));
    modules::AnswerHead head{};
    TRY(heard(messages.receive_bytes(head, deadline)));
    const auto answer = modules::decode_answer(head, request);
    if (!answer)
      return fail(Code::Io, concat(what_, " gave an answer that cannot be true (", answer.error().text, ')'));
    if (!answer->failed) {
      TRY(heard(messages.receive_bytes(out.first(answer->follows), deadline)));
      return answer->step;
    }
    std::array<std::byte, modules::kMostErrorText> text{};
    const auto said = MutableBytes(text).first(answer->follows);
    TRY(heard(messages.receive_bytes(said, deadline)));
    return std::unexpected(modules::decode_error(*answer, said));
  }

  // What a failure to talk to it means.
  Result<void> heard(Result<void> done) {
    if (done) return done;
    if (done.error().code == Code::Timeout)
      return fail(Code::Timeout, concat(what_, " did not answer in time, and was stopped"));
    const ChildEnd end = child_->end();
    return fail(end.of_memory ? Code::NoMemory : Code::Io, concat(what_, ' ', end.what));
  }

  std::string what_;
  std::chrono::milliseconds answer_time_;
  Deadline end_;
  Result<ConfinedChild> child_;  // or why there is none any more
};

}  // namespace

UnpackChild unpack_program(std::string path) {
  return [path = std::move(path)](const UnpackTask& task) {
    execute_confined(path, std::string(name(task.compression)), task);
    ::_exit(kChildNotExecuted);
  };
}

std::optional<UnpackTask> unpack_task(std::span<const std::string_view> words) {
  const auto arguments = confined_arguments(words);
  const auto compression = arguments ? modules::compression_named(arguments->word) : modules::Compression::None;
  if (compression == modules::Compression::None) return std::nullopt;
  UnpackTask task{arguments->task, compression};
  task.device = -1;
  return task;
}

modules::MakeDecompressor decompressors_in(UnpackChild child, UnpackOptions options) {
  return [child = std::move(child), options](modules::Compression compression) {
    return std::make_unique<ChildDecompressor>(compression, child, options);
  };
}

}  // namespace vhdboot::sys
