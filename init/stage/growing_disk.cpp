// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/growing_disk.h"

#include "base/text.h"
#include "init/stage/archive.h"
#include "init/stage/attach.h"
#include "init/stage/device_file.h"
#include "init/stage/grow.h"
#include "init/sys/random.h"
#include "vhd/vhdx_attach.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 120s;  // as a disk may take to answer
constexpr char kView[] = "-view";
constexpr char kFile[] = "-file";

Result<sys::MappedDevice> map(const std::string& name, const std::string& uuid, const blocks::View& view,
                              bool read_only) {
  const auto devices = blocks::device_numbers(view);
  auto device = TRY(sys::MappedDevice::create(name, uuid, view.rows, devices, read_only));
  TRY(device.check(view.rows, devices, read_only));
  // Flushed is the partition itself.
  (void)device.forget_flushes();
  return device;
}

// A file of the image, all of it: the first is its own.
Result<blocks::View> view_of_file(const blocks::View& view, std::size_t number = 0) {
  const blocks::MappedFile& file = view.files[number];
  return blocks::flat_view(file, view.devices[file.device], file.size);
}

}  // namespace

Result<GrowingDisk> GrowingDisk::start(const blocks::AttachPlan& plan, const FoundImage& image) {
  const std::string uuid = concat("VHDBOOT-", image.volume->identity.uuid);
  sys::MappedStack maps;
  const auto add = [&](const blocks::View& view, std::string_view name, bool read_only) -> Result<std::string> {
    maps.add(TRY(map(concat(kMapName, name), concat(uuid, name), view, read_only)));
    return maps.top().path();
  };
  const auto own = TRY(view_of_file(plan.view));
  // The map of an image that arrives, and its tree, are files as examine_image() has added them.
  const std::string view =
      TRY(plan.arrives ? add(TRY(view_of_file(plan.view, 1)), "-map", false) : add(plan.view, kView, true));
  std::vector<std::string> words = to_words({.file = TRY(add(own, kFile, false)),
                                             .file_size = own.size,
                                             .view = view,
                                             .partition = image.volume->device.path,
                                             .gate_sector = own.rows.front().device_sector,
                                             .map = kMapName,
                                             .map_uuid = uuid});
  if (plan.arrives) {
    words.push_back(TRY(add(TRY(view_of_file(plan.view, 2)), "-tree", true)));
    words.push_back(image.arriving->from.source);
    words.push_back(image.arriving->from.root_hash);
    words.push_back(image.arriving->from.address);
  }
  words.emplace(words.begin(), plan.arrives ? kArriveProgram : kKeeperProgram);
  GrowingDisk disk(std::move(maps), TRY(sys::Companion::start(words)));
  disk.path_ = TRY_IN(plan.arrives ? "bringing the rest of the image" : "making new blocks in the image",
                      receive_grow_answer(disk.keeper_.messages(), sys::Deadline::in(kPatience)));
  return disk;
}

Result<void> begin_writes(const FoundImage& image, const std::string& map_name) {
  if (image.info().format != vhd::Format::Vhdx) return {};
  const auto own = TRY(view_of_file(image.view));
  auto device = TRY(map(map_name + kFile, concat("VHDBOOT-", map_name, kFile), own, false));
  {
    const auto file = TRY(DeviceFile::open(device.path(), own.size, image.volume->device.path));
    const vhd::AttachGuids guids{.file_write = TRY(sys::random_uuid()), .data_write = TRY(sys::random_uuid())};
    TRY_IN(printable(image.path.text()), vhd::attach_vhdx(*file, guids));
  }
  return device.remove();
}

GrowingDisk::~GrowingDisk() {
  if (path_.empty()) return;
  const auto deadline = sys::Deadline::in(kPatience);
  if (keeper_.messages().send({}, deadline)) (void)receive_grow_answer(keeper_.messages(), deadline);
}

}  // namespace vhdboot::stage
