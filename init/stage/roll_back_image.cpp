// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/roll_back_image.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <chrono>
#include <utility>

#include "base/text.h"
#include "init/blocks/view.h"
#include "init/stage/archive.h"
#include "init/stage/attach.h"
#include "init/stage/device_file.h"
#include "init/stage/grow.h"
#include "init/sys/device_mapper.h"
#include "init/sys/file.h"
#include "init/sys/process.h"
#include "init/sys/random.h"
#include "vhd/merge.h"
#include "vhd/roll_back.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 120s;  // as a disk may take to answer
constexpr std::string_view kWord = "roll-back";

// What was read before, and is another thing now.
Result<void> forget_cache(const std::string& partition) {
  const Fd device = TRY(open_file(partition, O_RDONLY));
  if (::ioctl(device.get(), BLKFLSBUF, 0) < 0) return fail_errno(concat("forgetting what was read of ", partition));
  return {};
}

Result<void> ask_keeper(const std::string& device, std::uint64_t size, const std::string& partition) {
  std::vector<std::string> words{std::string(kKeeperProgram)};
  for (std::string& word : to_words(RollBackRequest{.file = device, .file_size = size, .partition = partition}))
    words.push_back(std::move(word));
  const auto keeper = TRY(sys::Companion::start(words));
  (void)TRY(receive_grow_answer(keeper.messages(), sys::Deadline::in(kPatience)));
  return {};
}

Result<void> roll_back_file(const RollBackRequest& request) {
  const auto file = TRY(DeviceFile::open(request.file, request.file_size, request.partition));
  const vhd::AttachGuids guids{.file_write = TRY(sys::random_uuid()), .data_write = TRY(sys::random_uuid())};
  auto writer = TRY(vhd::VhdxWriter::open(*file, guids, TRY(sys::random_uuid())));
  auto done = vhd::roll_back(*file, *writer);
  if (!done && done.error().code == Code::Invalid)
    return fail(Code::Unsupported, concat(done.error().message(), ": `vhdtool rollback` in another system makes one"));
  return done;
}

// The parent has a part of both then, see tools/vhdtool/commit.cpp.
Result<void> check_no_merge(const FoundImage& image) {
  const volume::Path mark = TRY(volume::parse_path(concat(image.path.text(), vhd::kMergeMark)));
  const auto found = image.volume->reader->layout(mark);
  if (!found && found.error().code == Code::NotFound) return {};
  if (!found) return std::unexpected(found.error());
  return fail(Code::Unsafe, concat("a merge of ", printable(image.path.text()),
                                   " into its parent was begun: complete it with `vhdtool commit`"));
}

}  // namespace

std::string rolls_back_to(const FoundImage& image) {
  const bool possible = image.info().format == vhd::Format::Vhdx && image.info().differencing && !image.parents.empty();
  return possible ? std::string(image.parents.front().path.name()) : std::string();
}

Result<std::string> roll_image_back(HostVolumes& volumes, const Sighting& place, const ParentVolume& parent_volume) {
  const FoundImage image = TRY(open_image(place, Writes::Kept, parent_volume));
  TRY(check_no_windows_sleeps(volumes, image));
  const std::string parent = rolls_back_to(image);
  if (parent.empty())
    return fail(Code::Unsupported, concat(printable(image.path.text()), " is a ", image.kind(),
                                          ": only a differencing VHDX can be rolled back here"));
  TRY(check_no_merge(image));
  const blocks::MappedFile& mapped = image.view.files.front();
  const auto own = TRY(blocks::flat_view(mapped, image.view.devices[mapped.device], mapped.size));
  const auto devices = blocks::device_numbers(own);
  auto device = TRY(sys::MappedDevice::create(concat(kMapName, "-file"), concat("VHDBOOT-", kMapName, "-file"),
                                              own.rows, devices, false));
  TRY(device.check(own.rows, devices, false));
  TRY_IN(printable(image.path.text()), ask_keeper(device.path(), own.size, image.volume->device.path));
  TRY(device.remove());
  TRY(forget_cache(image.volume->device.path));
  return concat(printable(image.path.text()), " was rolled back to ", printable(parent),
                ", as was asked for in the menu; vhdboot wrote nothing else to any disk.");
}

std::vector<std::string> to_words(const RollBackRequest& request) {
  return {std::string(kWord), request.file, std::to_string(request.file_size), request.partition};
}

std::optional<RollBackRequest> parse_roll_back_request(const std::vector<std::string_view>& words) {
  constexpr std::size_t kWords = 4;
  if (words.size() != kWords || words[0] != kWord) return std::nullopt;
  const auto size = parse_u64(words[2]);
  if (!size) return std::nullopt;
  return RollBackRequest{.file = std::string(words[1]), .file_size = *size, .partition = std::string(words[3])};
}

int roll_back_for_stage1(const RollBackRequest& request) {
  const sys::Messages stage1{Fd(sys::Companion::kSocket)};
  const auto done = roll_back_file(request);
  const bool told =
      send_grow_answer(stage1, done ? Result<std::string>(request.file) : std::unexpected(done.error())).has_value();
  return done && told ? 0 : 1;
}

}  // namespace vhdboot::stage
