// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/ventoy_json.h"

#include <algorithm>

#include "base/text.h"
#include "tools/common/json_reader.h"

namespace vhdboot::command {
namespace {

using tools::json_string;
using tools::JsonValue;

constexpr std::string_view kBlacklist = "image_blacklist";
constexpr std::string_view kList = "image_list";
constexpr std::string_view kAlias = "menu_alias";

// Each edit is followed by a fresh look: places move.
class Editor {
 public:
  explicit Editor(std::string text) : text_(std::move(text)) {}

  Result<JsonValue> read() const {
    auto value = TRY_IN("ventoy.json", tools::parse_json(text_));
    if (value.kind != JsonValue::Kind::Object) return fail(Code::Corrupt, "ventoy.json is no object");
    return value;
  }
  // The list `name`, or null; Corrupt when it is something else.
  static Result<const JsonValue*> list(const JsonValue& top, std::string_view name) {
    const JsonValue* found = top.find(name);
    if (found != nullptr && found->kind != JsonValue::Kind::Array)
      return fail(Code::Corrupt, concat("ventoy.json: ", name, " is no list"));
    return found;
  }
  Result<void> add(std::string_view name, std::string_view item) {
    const JsonValue top = TRY(read());
    const JsonValue* there = TRY(list(top, name));
    text_ = there != nullptr ? tools::with_item(text_, *there, item)
                             : tools::with_item(text_, top, concat(json_string(name), ": [ ", item, " ]"));
    return {};
  }
  // The items for which `ours` holds; the list too, when nothing else is in it.
  template <class Ours>
  Result<void> remove(std::string_view name, Ours ours) {
    for (;;) {
      const JsonValue top = TRY(read());
      const JsonValue* there = TRY(list(top, name));
      if (there == nullptr) return {};
      const auto item = std::ranges::find_if(there->items, ours);
      if (item == there->items.end()) return {};
      text_ = there->items.size() == 1
                  ? tools::without_item(text_, top, static_cast<std::size_t>(there - top.items.data()))
                  : tools::without_item(text_, *there, static_cast<std::size_t>(item - there->items.begin()));
    }
  }
  Result<std::optional<std::string>> text() const {
    if (TRY(read()).items.empty()) return std::nullopt;
    return text_;
  }

 private:
  std::string text_;
};

bool is_text(const JsonValue* value, std::string_view text) {
  return value != nullptr && value->kind == JsonValue::Kind::String && value->text == text;
}

std::vector<std::string> hidden_by(const JsonValue& top, const VentoyFiles& files) {
  std::vector<std::string> warnings;
  const JsonValue* control = top.find("control");
  for (const JsonValue& item : control == nullptr ? std::vector<JsonValue>() : control->items) {
    if (is_text(item.find("VTOY_FILE_FLT_EFI"), "1"))
      warnings.emplace_back("ventoy.json says VTOY_FILE_FLT_EFI 1, which hides all EFI files: set it to 0");
    const JsonValue* root = item.find("VTOY_DEFAULT_SEARCH_ROOT");
    if (root != nullptr && !files.efi.starts_with(root->text))
      warnings.push_back(concat("ventoy.json lets Ventoy look into ", printable(root->text), " alone"));
  }
  return warnings;
}

}  // namespace

Result<VentoyEdit> add_to_ventoy(const std::optional<std::string>& text, const VentoyFiles& files) {
  Editor editor(text.value_or("{ }\n"));
  const JsonValue before = TRY(editor.read());
  VentoyEdit edit{.text = {}, .warnings = hidden_by(before, files)};
  // With a list of what is shown, Ventoy does not take one of what is not.
  if (const JsonValue* list = TRY(Editor::list(before, kList))) {
    if (list->find_text(files.efi) == nullptr) TRY(editor.add(kList, json_string(files.efi)));
    if (list->find_text(files.image) != nullptr)
      edit.warnings.push_back(concat("image_list in ventoy.json shows ", printable(files.image),
                                     ", too: choose the .efi in Ventoy's menu"));
  } else {
    const JsonValue* hidden = TRY(Editor::list(before, kBlacklist));
    if (hidden == nullptr || hidden->find_text(files.image) == nullptr)
      TRY(editor.add(kBlacklist, json_string(files.image)));
  }
  const auto names_it = [&](const JsonValue& item) { return is_text(item.find("image"), files.efi); };
  const JsonValue* aliases = TRY(Editor::list(before, kAlias));
  if (!files.title.empty() && (aliases == nullptr || std::ranges::none_of(aliases->items, names_it)))
    TRY(editor.add(kAlias,
                   concat("{ \"image\": ", json_string(files.efi), ", \"alias\": ", json_string(files.title), " }")));
  edit.text = TRY(editor.text());
  return edit;
}

Result<VentoyEdit> remove_from_ventoy(const std::string& text, const VentoyFiles& files) {
  Editor editor(text);
  const auto is = [](std::string_view path) {
    return [path](const JsonValue& item) { return item.kind == JsonValue::Kind::String && item.text == path; };
  };
  TRY(editor.remove(kList, is(files.efi)));
  TRY(editor.remove(kBlacklist, is(files.image)));
  TRY(editor.remove(kAlias, [&](const JsonValue& item) { return is_text(item.find("image"), files.efi); }));
  return VentoyEdit{.text = TRY(editor.text()), .warnings = {}};
}

Result<void> check_ventoy_path(std::string_view path) {
  if (std::ranges::all_of(path, [](char c) { return c > ' ' && c < 0x7F; })) return {};
  return fail(Code::Invalid,
              concat(printable(path), ": Ventoy wants names without blanks and with ASCII characters only"));
}

}  // namespace vhdboot::command
