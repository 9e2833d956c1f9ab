// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/guest_cmdline.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "init/guest/device_options.h"

namespace vhdboot::guest {
namespace {

constexpr char kAnotherDisk[] = "by that name this machine may have another disk";

std::string becomes(std::string_view before, std::string_view after) {
  return concat(before, " becomes ", after);
}

LineChange root_change(const kexec::CommandLine& line, std::string_view root, const DiskFacts& disk) {
  const std::string before = line.find("root").value_or("");
  if (disk.holds_system && !disk::parse_device_node(before))
    return {before.empty() ? concat("root=", root) : becomes(concat("root=", before), concat("root=", root)),
            "the guest disk is one file system, which is the root"};
  if (disk::parse_device_node(before.starts_with("block:") ? before.substr(6) : before))
    return {becomes(concat("root=", before), concat("root=", root)), kAnotherDisk};
  return {concat("root=", root),
          "the guest finds its root by partition type, for which it would look at the host's disk"};
}

// Of Start.
struct Told {
  const char* name;
  std::string Start::* value;
};
constexpr std::array kTold{Told{"vhdboot.image", &Start::image}, Told{"vhdboot.entry", &Start::entry},
                           Told{"vhdboot.efi", &Start::efi_file}, Told{"vhdboot.version", &Start::version}};

// Of the 2,048 bytes that a kernel for x86 takes.
constexpr std::size_t kRoomForStart = 1536;

}  // namespace

Result<GuestCommandLine> guest_command_line(std::string_view options, std::string_view configured,
                                            const DiskFacts& disk) {
  GuestCommandLine made{.line = kexec::CommandLine::parse(options), .changes = {}};
  made.line.append(kSafetyOptions);
  made.changes.push_back({std::string(kSafetyOptions),
                          "a guest that resumed would go on writing to where its image lay when it fell asleep"});
  made.line.append(configured);
  if (!configured.empty()) made.changes.push_back({std::string(configured), "the configured options"});

  const RootChange change = TRY(map_root(made.line, disk));
  if (change.root) made.changes.push_back(root_change(made.line, *change.root, disk));
  if (!change.append.empty())
    made.changes.push_back({change.append, change.root ? "the root is encrypted, and is opened under that name"
                                                       : "no generator is to look for a root on the host's disk"});
  if (!change.remove.empty())
    made.changes.push_back(
        {concat("without ", change.remove, '='), "its root was a file on another volume: this image"});
  TRY(apply(change, made.line));
  for (const RenamedDevice& device : TRY(rename_devices(made.line, disk)))
    made.changes.push_back({becomes(device.before, device.after), kAnotherDisk});
  // A quote that is never closed makes one word of all that follows, for the kernel too.
  if (!kexec::CommandLine::parse(made.line.text()).has(kSafetyOptions))
    return fail(Code::Invalid, concat("the kernel's options have a quote that is never closed, which would swallow ",
                                      kSafetyOptions, ": ", printable(options), ' ', printable(configured)));
  return made;
}

void tell_start(kexec::CommandLine& line, const Start& start) {
  for (const Told& told : kTold) line.remove(told.name);
  for (const Told& told : kTold)
    if (const std::string& value = start.*told.value;
        !value.empty() && line.text().size() + value.size() < kRoomForStart)
      (void)line.set(told.name, value);
}

std::optional<Start> read_start(const kexec::CommandLine& line) {
  Start start;
  for (const Told& told : kTold) start.*told.value = line.find(told.name).value_or("");
  if (start.image.empty()) return std::nullopt;
  return start;
}

}  // namespace vhdboot::guest
