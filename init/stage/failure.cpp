// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/failure.h"

#include "base/text.h"
#include "init/sys/file.h"

namespace vhdboot::stage {
namespace {

// What else is true of each kind; the sentence itself says what helps in this case.
std::string_view advice(Code code) {
  switch (code) {
    case Code::NotFound:
      return "A disk that is plugged in now is found: t tries again, c lists what there is.";
    case Code::Unsafe:
      return "It is not started for the sake of what is on the disk. In Windows: Restart, not Shut down, then try "
             "again.";
    case Code::Corrupt:
    case Code::Unsupported:
      return "`vhdtool check IMAGE` in a running Linux says all that stands in the way; c lists other images.";
    case Code::Invalid:
      return "Mend the configuration file, or the options that the boot menu passes, then try again.";
    case Code::NoMemory:
      return "Another kernel or initrd may be smaller: c lists the images, o their kernels.";
    default:
      return "Look at the disk and its cable, then t tries again; when it fails more often, save what is on it first.";
  }
}

std::string attributes(std::string_view first, std::string_view second) {
  const auto read = [](std::string_view name) {
    return std::string(trim(sys::read_attribute(concat("/sys/class/dmi/id/", name))));
  };
  return std::string(trim(concat(read(first), ' ', read(second))));
}

}  // namespace

menu::Failure page_of(const Failure& failure) {
  menu::Failure page{.sentence = failure.error.message(), .facts = failure.facts, .what_to_do = {}};
  const auto add = [&](std::string name, std::string value) {
    if (!value.empty()) page.facts.push_back({.name = std::move(name), .value = std::move(value)});
  };
  add("vhdboot", VHDBOOT_VERSION);
  add("machine", attributes("sys_vendor", "product_name"));
  add("firmware", attributes("bios_vendor", "bios_version"));
  page.what_to_do.emplace_back(advice(failure.error.code));
  page.what_to_do.push_back(failure.written);
  page.what_to_do.emplace_back("A photograph of this page says all that is asked for a report.");
  return page;
}

}  // namespace vhdboot::stage
