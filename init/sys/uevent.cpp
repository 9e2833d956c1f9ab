// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/uevent.h"

#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::sys {

namespace {

std::optional<unsigned> parse_small(std::string_view text) {
  const auto number = parse_u64(text);
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return static_cast<unsigned>(*number);
}

void take_field(Uevent& event, std::string_view field) {
  const auto equals = field.find('=');
  if (equals == std::string_view::npos) return;
  const auto key = field.substr(0, equals);
  const auto value = field.substr(equals + 1);
  if (key == "ACTION")
    event.action = value;
  else if (key == "DEVPATH")
    event.devpath = value;
  else if (key == "SUBSYSTEM")
    event.subsystem = value;
  else if (key == "DEVTYPE")
    event.devtype = value;
  else if (key == "DEVNAME")
    event.devname = value;
  else if (key == "DRIVER")
    event.driver = value;
  else if (key == "MODALIAS")
    event.modalias = value;
  else if (key == "MAJOR")
    event.major = parse_small(value);
  else if (key == "MINOR")
    event.minor = parse_small(value);
  else if (key == "PARTN")
    event.partition_number = parse_small(value);
  else if (key == "SEQNUM")
    event.sequence = parse_u64(value);
}

}  // namespace

Result<Uevent> parse_uevent(Bytes datagram) {
  if (datagram.size() > kMaxUeventBytes)
    return fail(Code::Corrupt, concat("a device message of ", datagram.size(), " bytes"));
  auto fields = split(as_text(datagram), '\0');
  const auto header = fields.front();
  if (header == "libudev") return fail(Code::Unsupported, "a message of udev, not of the kernel");
  // The kernel ends each field with a NUL: behind the last one there is nothing.
  if (!fields.back().empty())
    return fail(Code::Corrupt, concat("a device message is cut off: ", quoted(fields.back())));
  const auto at = header.find('@');
  if (at == std::string_view::npos || at == 0 || header.substr(at + 1).empty() || header[at + 1] != '/')
    return fail(Code::Corrupt, concat("a device message begins with ", quoted(header)));
  Uevent event;
  for (std::size_t i = 1; i < fields.size(); ++i) take_field(event, fields[i]);
  if (event.action != header.substr(0, at) || event.devpath != header.substr(at + 1))
    return fail(Code::Corrupt, concat("a device message contradicts itself: ", quoted(header), " and ",
                                      quoted(concat(event.action, '@', event.devpath))));
  return event;
}

Uevent parse_uevent_file(std::string_view text) {
  Uevent event;
  if (text.size() > kMaxUeventBytes) text = text.substr(0, kMaxUeventBytes);
  for (const auto line : split_lines(text)) take_field(event, line);
  return event;
}

}  // namespace vhdboot::sys
