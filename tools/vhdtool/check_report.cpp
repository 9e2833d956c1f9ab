// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_report.h"

#include "base/text.h"
#include "tools/common/json.h"

namespace vhdboot::vhdtool {
namespace {

std::string_view word(Severity severity) {
  switch (severity) {
    case Severity::Ok:
      break;
    case Severity::Warning:
      return "warning";
    case Severity::Error:
      return "error";
  }
  return "ok";
}

std::string counted(std::size_t count, std::string_view what) {
  return concat(count, ' ', what, count == 1 ? "" : "s");
}

std::string verdict(const Findings& findings) {
  const std::string warnings = counted(findings.count(Severity::Warning), "warning");
  switch (findings.worst()) {
    case Severity::Ok:
      break;
    case Severity::Warning:
      return findings.open() ? concat("may boot or not, that could not be found out, ", warnings)
                             : concat("boots, with ", warnings);
    case Severity::Error:
      return concat("will not boot: ", counted(findings.count(Severity::Error), "error"), ", ", warnings);
  }
  return "boots";
}

tools::JsonWriter begin_json(std::string_view file_name, ExitStatus status) {
  tools::JsonWriter json;
  json.begin_object()
      .member("schema", "vhdboot.check/1")
      .member("file", file_name)
      .member("status", static_cast<unsigned>(number(status)));
  return json;
}

}  // namespace

ExitStatus check_status(const Findings& findings) {
  switch (findings.worst()) {
    case Severity::Ok:
      break;
    case Severity::Warning:
      return ExitStatus::Warnings;
    case Severity::Error:
      return ExitStatus::Refused;
  }
  return ExitStatus::Done;
}

std::string check_text(std::string_view file_name, const Findings& findings) {
  std::string text;
  for (const Severity severity : {Severity::Ok, Severity::Warning, Severity::Error}) {
    const std::string label = concat(word(severity), ": ");
    const std::string pad(word(Severity::Warning).size() - word(severity).size(), ' ');
    for (const Finding& finding : findings.all())
      if (finding.severity == severity) text += concat(label, pad, finding.check, ": ", finding.text, '\n');
  }
  return text + concat(printable(file_name), ": ", verdict(findings), '\n');
}

std::string check_json(std::string_view file_name, const Findings& findings) {
  tools::JsonWriter json = begin_json(file_name, check_status(findings));
  json.key("findings").begin_array();
  for (const Finding& finding : findings.all())
    json.begin_object()
        .member("check", finding.check)
        .member("severity", word(finding.severity))
        .member("text", finding.text)
        .end_object();
  json.end_array().end_object();
  return json.text();
}

std::string check_json(std::string_view file_name, const Error& error) {
  tools::JsonWriter json = begin_json(file_name, exit_status(error));
  json.member("message", error.message()).end_object();
  return json.text();
}

}  // namespace vhdboot::vhdtool
