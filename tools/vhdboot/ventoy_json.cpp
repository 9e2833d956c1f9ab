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
// The one for UEFI counts in the place of the other one.
constexpr std::string_view kControl = "control";
constexpr std::string_view kControlOfUefi = "control_uefi";
constexpr std::string_view kDefaultImage = "VTOY_DEFAULT_IMAGE";
constexpr std::string_view kMenuTimeout = "VTOY_MENU_TIMEOUT";
constexpr std::string_view kOurTimeout = "10";
constexpr std::string_view kOwn = "vhdboot_next";

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
  void replace(const JsonValue& value, std::string_view with) {
    text_.replace(value.begin, value.end - value.begin, with);
  }
  // Every one of that name.
  Result<void> remove_member(std::string_view name) {
    for (;;) {
      const JsonValue top = TRY(read());
      const JsonValue* there = top.find(name);
      if (there == nullptr) return {};
      text_ = tools::without_item(text_, top, static_cast<std::size_t>(there - top.items.data()));
    }
  }
  [[nodiscard]] const std::string& whole() const { return text_; }
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

std::string_view control_name(const JsonValue& top) {
  return top.find(kControlOfUefi) != nullptr ? kControlOfUefi : kControl;
}

// Of each object in the list Ventoy reads the first member.
bool sets(const JsonValue& item, std::string_view name) {
  return item.kind == JsonValue::Kind::Object && !item.items.empty() && item.items.front().key == name &&
         item.items.front().kind == JsonValue::Kind::String;
}

// The value of that setting, or null. Corrupt when it is there twice.
Result<const JsonValue*> setting(const JsonValue& top, std::string_view name) {
  const JsonValue* list = TRY(Editor::list(top, control_name(top)));
  const JsonValue* found = nullptr;
  if (list == nullptr) return found;
  for (const JsonValue& item : list->items) {
    if (!sets(item, name)) continue;
    if (found != nullptr) return fail(Code::Corrupt, concat("ventoy.json says ", name, " twice"));
    found = &item.items.front();
  }
  return found;
}

std::optional<std::string> text_member(const JsonValue& value, std::string_view name) {
  const JsonValue* found = value.find(name);
  if (found == nullptr || found->kind != JsonValue::Kind::String) return std::nullopt;
  return found->text;
}

std::optional<VentoyDefault> own_member(const JsonValue& top) {
  const JsonValue* own = top.find(kOwn);
  if (own == nullptr || own->kind != JsonValue::Kind::Object) return std::nullopt;
  auto image = text_member(*own, "image");
  if (!image) return std::nullopt;
  return VentoyDefault{
      .image = *std::move(image), .before = text_member(*own, "before"), .timeout = text_member(*own, "timeout")};
}

std::string to_json(const VentoyDefault& own) {
  std::string text = concat(json_string(kOwn), ": { \"image\": ", json_string(own.image));
  if (own.before) text += concat(", \"before\": ", json_string(*own.before));
  if (own.timeout) text += concat(", \"timeout\": ", json_string(*own.timeout));
  return text + " }";
}

std::string setting_item(std::string_view name, std::string_view value) {
  return concat("{ ", json_string(name), ": ", json_string(value), " }");
}

std::vector<std::string> hidden_by(const JsonValue& top, const VentoyFiles& files) {
  std::vector<std::string> warnings;
  const JsonValue* control = top.find(control_name(top));
  for (const JsonValue& item : control == nullptr ? std::vector<JsonValue>() : control->items) {
    if (files.efi.ends_with(".efi") && is_text(item.find("VTOY_FILE_FLT_EFI"), "1"))
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

Result<std::string> set_ventoy_default(const std::optional<std::string>& text, const std::string& image) {
  std::optional<std::string> present = text;
  if (present) present = TRY(clear_ventoy_default(*present));
  Editor editor(present.value_or("{ }\n"));
  JsonValue top = TRY(editor.read());
  if (const auto hidden = hidden_by(top, {.efi = image, .image = {}, .title = {}}); !hidden.empty())
    return fail(Code::Unsupported, hidden.front());
  const JsonValue* shown = TRY(Editor::list(top, kList));
  const JsonValue* not_shown = TRY(Editor::list(top, kBlacklist));
  if ((shown != nullptr && shown->find_text(image) == nullptr) ||
      (shown == nullptr && not_shown != nullptr && not_shown->find_text(image) != nullptr))
    return fail(Code::Unsupported, concat("ventoy.json hides ", printable(image), " from Ventoy's menu"));
  VentoyDefault own{.image = image, .before = {}, .timeout = {}};
  if (const JsonValue* timeout = TRY(setting(top, kMenuTimeout)); timeout == nullptr) {
    own.timeout = kOurTimeout;
    TRY(editor.add(control_name(top), setting_item(kMenuTimeout, kOurTimeout)));
    top = TRY(editor.read());
  } else if (timeout->text == "0") {
    return fail(Code::Unsupported, concat("ventoy.json says ", kMenuTimeout,
                                          " 0, and nobody could choose another one any more: set it to some seconds"));
  }
  if (const JsonValue* there = TRY(setting(top, kDefaultImage))) {
    own.before = there->text;
    editor.replace(*there, json_string(image));
  } else {
    TRY(editor.add(control_name(top), setting_item(kDefaultImage, image)));
  }
  top = TRY(editor.read());
  return tools::with_item(editor.whole(), top, to_json(own));
}

Result<std::optional<std::string>> clear_ventoy_default(const std::string& text) {
  Editor editor(text);
  JsonValue top = TRY(editor.read());
  if (top.find(kOwn) == nullptr) return text;
  if (const auto own = own_member(top)) {
    const std::string list(control_name(top));
    const JsonValue* there = TRY(setting(top, kDefaultImage));
    if (there != nullptr && there->text == own->image && own->before) {
      editor.replace(*there, json_string(*own->before));
    } else if (there != nullptr && there->text == own->image) {
      TRY(editor.remove(list, [&](const JsonValue& item) { return sets(item, kDefaultImage); }));
    }
    top = TRY(editor.read());
    const JsonValue* timeout = TRY(setting(top, kMenuTimeout));
    if (timeout != nullptr && own->timeout == timeout->text)
      TRY(editor.remove(list, [&](const JsonValue& item) { return sets(item, kMenuTimeout); }));
  }
  TRY(editor.remove_member(kOwn));
  return editor.text();
}

std::optional<VentoyDefault> ventoy_default(std::string_view text) {
  const auto top = tools::parse_json(text);
  if (!top) return std::nullopt;
  auto own = own_member(*top);
  const auto there = setting(*top, kDefaultImage);
  if (!own || !there || *there == nullptr || (*there)->text != own->image) return std::nullopt;
  return own;
}

Result<void> check_ventoy_path(std::string_view path) {
  if (std::ranges::all_of(path, [](char c) { return c > ' ' && c < 0x7F; })) return {};
  return fail(Code::Invalid,
              concat(printable(path), ": Ventoy wants names without blanks and with ASCII characters only"));
}

}  // namespace vhdboot::command
