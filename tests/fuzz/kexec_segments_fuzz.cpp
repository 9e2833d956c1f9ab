// SPDX-License-Identifier: GPL-2.0-or-later
// A machine and a kernel made of text: /proc/iomem, an empty line, the firmware's memory map as lines "START END TYPE",
// an empty line, the systab, an empty line, the kernel's init_size, alignment and preferred address. Whatever they are,
// no segment lies outside memory or over another one.
#include <algorithm>
#include <cstdlib>

#include "kexec/segments.h"
#include "tests/fuzz/check.h"
#include "tests/unit/kexec/machine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::kexec;
  std::array<std::string, 4> parts;
  std::size_t part = 0;
  for (const auto line : split_lines({reinterpret_cast<const char*>(data), size})) {
    if (line.empty() && part + 1 < parts.size())
      ++part;
    else
      parts[part].append(line).append("\n");
  }

  test::FakeMachine machine;
  std::erase_if(machine.files, [](const auto& file) { return file.first.starts_with("/sys/firmware/memmap/"); });
  unsigned entry = 0;
  for (const auto line : split_lines(parts[1])) {
    const auto first = line.find(' ');
    const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string folder = concat("/sys/firmware/memmap/", entry++);
    machine.files[folder + "/start"] = line.substr(0, first);
    machine.files[folder + "/end"] = line.substr(first + 1, second - first - 1);
    machine.files[folder + "/type"] = line.substr(second + 1);
  }
  machine.files["/proc/iomem"] = parts[0];
  machine.files["/sys/firmware/efi/systab"] = parts[2];
  const auto facts = machine.facts();
  if (!facts) return facts.error().code == Code::Unsupported ? 0 : (std::abort(), 0);

  auto kernel = test::make_kernel("6.12", 4096);
  const auto numbers = split_words(parts[3]);
  const auto number = [&](std::size_t i) { return i < numbers.size() ? parse_u64(numbers[i], 16) : std::nullopt; };
  if (const auto value = number(0)) test::put(kernel, 0x260, static_cast<std::uint32_t>(*value));
  if (const auto value = number(1)) test::put(kernel, 0x230, static_cast<std::uint32_t>(*value));
  if (const auto value = number(2)) test::put(kernel, 0x258, *value);
  const auto header = parse_bzimage(MemorySource(kernel), {0, kernel.size()});
  if (!header) return 0;

  const test::Buffer initrd(10000);
  const auto plan = plan_segments(*facts, *header, kernel, initrd, "quiet");
  if (!plan) return 0;
  const auto segments = plan->segments(*header, kernel, initrd);
  for (const auto& segment : segments) {
    const auto& at = segment.destination;
    check(at.start % 4096 == 0 && at.length % 4096 == 0 && segment.contents.size() <= at.length);
    const auto holds = [&](const MemoryRange& range) {
      return range.type == MemoryType::Ram && range.start <= at.start && at.end() <= range.end();
    };
    check(std::ranges::any_of(facts->system_ram, holds) && std::ranges::any_of(facts->firmware_map, holds));
    for (const auto& other : segments)
      check(&other == &segment || other.destination.end() <= at.start || at.end() <= other.destination.start);
  }
  check(plan->kernel_at.start % header->kernel_alignment == 0 && plan->kernel_at.start >= header->pref_address);
  check(plan->kernel_at.length >= header->init_size && plan->kernel_filled <= plan->kernel_at.length);
  for (const auto& segment : segments) {
    const auto& at = segment.destination;
    check(at.start == plan->kernel_at.start || at.end() <= plan->kernel_at.start || plan->kernel_at.end() <= at.start);
  }
  check(plan->entry >= plan->parameters_at.start && plan->entry < plan->parameters_at.end());
  return 0;
}
