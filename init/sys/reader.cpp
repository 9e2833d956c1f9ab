// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/reader.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "init/sys/deadline.h"
#include "init/tree/folder_wire.h"

namespace vhdboot::sys {
namespace {

using volume::Message;

// Of an answer that is no error.
Bytes body_of(Bytes answer) {
  return volume::decode_answer(answer)->body;
}

}  // namespace

ReaderChild reader_program(std::string path) {
  return [path = std::move(path)](const ReaderTask& task) {
    execute_confined(path, concat(task.size), task);
    const std::string why = concat("starting ", path, ": ", std::strerror(errno));
    const auto time = std::chrono::seconds(1);
    (void)Messages(Fd(task.socket)).send(volume::encode(Error{Code::Io, 0, why}), Deadline::in(time));
    ::_exit(1);
  };
}

std::optional<ReaderTask> reader_task(std::span<const std::string_view> words) {
  const auto arguments = confined_arguments(words);
  const auto size = arguments ? parse_u64(arguments->word) : std::nullopt;
  if (!size) return std::nullopt;
  return ReaderTask{arguments->task, *size};
}

Result<std::unique_ptr<VolumeReader>> VolumeReader::open(const FdSource& partition, std::string name,
                                                         const ReaderOptions& options) {
  std::unique_ptr<VolumeReader> reader(new VolumeReader(std::move(name), options));
  reader->child_ =
      ConfinedChild::start(concat("the program that reads ", reader->name_), [&](int socket, pid_t parent) {
        options.child({{.device = partition.fd().get(), .socket = socket, .parent = parent, .limits = options.limits},
                       partition.size()});
      });
  if (!reader->child_) return std::unexpected(reader->child_.error());
  reader->pid_ = reader->child_->process_id();
  const Message answer = TRY(reader->take(volume::max_answer({})));
  reader->facts_ = TRY(reader->believed(volume::decode_facts(body_of(answer), partition.size())));
  return reader;
}

std::unexpected<Error> VolumeReader::fail_for_good(Code code, std::string_view what) {
  child_ = fail(code, concat("the program that reads ", name_, ' ', what));
  return std::unexpected(child_.error());
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
  const ChildEnd end = child_->end();
  return fail_for_good(
      Code::Corrupt,
      concat(end.what, end.of_memory ? "" : ": the volume may be damaged; let Windows check it with \"chkdsk /f\""));
}

Result<void> VolumeReader::send(Bytes request) {
  const auto sent = child_->messages().send(request, Deadline::in(answer_time_));
  if (sent) return {};
  return sent.error().code == Code::Timeout ? late() : ended();
}

Result<Message> VolumeReader::receive(std::size_t most) {
  auto message = child_->messages().receive(most, Deadline::in(answer_time_));
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
  if (!child_) return std::unexpected(child_.error());
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

Result<tree::FolderImage> VolumeReader::show_folder(const volume::Path& path, std::uint64_t most_copied,
                                                    const tree::FolderImageTo& to) {
  if (!child_) return std::unexpected(child_.error());
  TRY(send(volume::encode(volume::ReaderRequest{.ask = volume::Ask::ShowFolder, .path = path, .cap = most_copied})));
  for (std::uint64_t files = 0;;) {
    const Message message = TRY(receive(tree::kMaxFolderAnswer));
    auto answer = tree::decode_folder_answer(message);
    if (!answer) return lied(answer.error().text);
    if (auto* image = std::get_if<tree::FolderImage>(&*answer)) return std::move(*image);
    if (auto* error = std::get_if<Error>(&*answer)) return std::unexpected(std::move(*error));
    if (const auto* said = std::get_if<tree::FolderSaid>(&*answer)) to.say(said->path, said->text);
    if (const auto* bytes = std::get_if<tree::FolderBytes>(&*answer)) TRY(to.write(bytes->offset, bytes->bytes));
    if (const auto* goes_on = std::get_if<tree::FolderGoesOn>(&*answer)) files = goes_on->files;
    // Whatever it says, and however often, the caller may have had enough.
    TRY(to.go_on(files));
  }
}

Result<OpenedVolume> open_volume(const std::string& path, const ReaderChild& child) {
  auto source = TRY(FdSource::open(path));
  auto reader = TRY(VolumeReader::open(*source, path, {.child = child}));
  return OpenedVolume{.source = std::move(source), .reader = std::move(reader)};
}

}  // namespace vhdboot::sys
