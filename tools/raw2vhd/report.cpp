// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/raw2vhd/report.h"

#include "base/text.h"

namespace vhdboot::raw2vhd {
namespace {

std::string size_text(std::uint64_t bytes) {
  return concat(human_size(bytes), " (", bytes, " bytes)");
}

std::string uuid_text(const Guid& uuid) {
  const GuidText text = to_text(uuid);
  return {text.data(), text.size()};
}

std::string headline(const vhd::Conversion& conversion, const ReportOptions& options) {
  const std::string size = size_text(conversion.payload_size);
  const std::string uuid = options.uuid_known ? concat("UUID ", uuid_text(conversion.footer.uuid)) : "a new UUID";
  switch (conversion.change) {
    case vhd::Change::Created:
      return concat(options.dry_run ? "would become" : "is now", " a fixed VHD of ", size, ", ", uuid);
    case vhd::Change::Grown:
      return concat(options.dry_run ? "would grow" : "has grown", " from ", human_size(conversion.old_payload_size),
                    " to ", size, ", ", uuid);
    case vhd::Change::Resized:
      return concat(options.dry_run ? "would get" : "got", " a new footer for ", size, ", ", uuid);
    case vhd::Change::None:
      break;
  }
  return concat("is a fixed VHD of ", size, ", ", uuid, conversion.writes.empty() ? ": nothing to do" : "");
}

}  // namespace

std::string text_report(std::string_view file_name, const vhd::Conversion& conversion, const ReportOptions& options) {
  const std::string name = printable(file_name);
  std::string out = concat(name, ": ", headline(conversion, options), '\n');
  for (const disk::DiskWrite& write : conversion.writes)
    out += concat(name, options.dry_run ? ": would write " : ": wrote ", write.data.size(), " bytes at byte ",
                  write.offset, ": ", write.what, '\n');
  for (const std::string& hint : conversion.hints) out += concat(name, ": hint: ", hint, '\n');
  return out;
}

JsonReport::JsonReport() {
  json_.begin_object().member("schema", "vhdboot.raw2vhd/1").key("files").begin_array();
}

void JsonReport::add(std::string_view file_name, const vhd::Conversion& conversion, const ReportOptions& options) {
  json_.begin_object()
      .member("file", file_name)
      .member("status", 0u)
      .member("change", name(conversion.change))
      .member("dry_run", options.dry_run)
      .member("old_payload_size", conversion.old_payload_size)
      .member("payload_size", conversion.payload_size)
      .member("file_size", conversion.new_file_size);
  if (options.uuid_known) json_.member("uuid", uuid_text(conversion.footer.uuid));
  json_.key("writes").begin_array();
  for (const disk::DiskWrite& write : conversion.writes)
    json_.begin_object()
        .member("offset", write.offset)
        .member("length", write.data.size())
        .member("what", write.what)
        .end_object();
  json_.end_array().key("hints").begin_array();
  for (const std::string& hint : conversion.hints) json_.value(hint);
  json_.end_array().end_object();
}

void JsonReport::add(std::string_view file_name, const vhd::Refusal& refusal) {
  json_.begin_object()
      .member("file", file_name)
      .member("status", static_cast<unsigned>(number(exit_status(refusal.error))))
      .member("reason", name(refusal.reason))
      .member("message", refusal.error.message())
      .end_object();
}

std::string JsonReport::finish(ExitStatus status) {
  json_.end_array().member("status", static_cast<unsigned>(number(status))).end_object();
  return json_.text();
}

}  // namespace vhdboot::raw2vhd
