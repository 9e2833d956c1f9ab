// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/json.h"

#include "base/text.h"

namespace vhdboot::tools {
namespace {

// The text with every piece that is not UTF-8 replaced; a file name may hold any bytes.
std::string valid_utf8(std::string_view text) {
  if (to_utf16(text)) return std::string(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 1;
    while (length <= 4 && at + length <= text.size() && !to_utf16(text.substr(at, length))) ++length;
    if (length <= 4 && at + length <= text.size()) {
      out += text.substr(at, length);
      at += length;
    } else {
      out += "\uFFFD";
      ++at;
    }
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : valid_utf8(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += concat("\\u", to_hex(static_cast<unsigned char>(c), 4));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::literal(std::string_view text) {
  separate();
  out_ += text;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  out_ += quoted(name);
  out_ += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  return literal(quoted(text));
}

JsonWriter& JsonWriter::value(bool truth) {
  return literal(truth ? "true" : "false");
}

}  // namespace vhdboot::tools
