// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/wire.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/text.h"

namespace vhdboot::menu {
namespace {

constexpr std::size_t kMaxList = 4096;  // texts of one list, entries of one item

using wire::Cursor;
using wire::Writer;

constexpr std::array kReadiness{Readiness::Ready, Readiness::Refused, Readiness::NotLooked, Readiness::Foreign};
constexpr std::array kModes{Mode::Normal, Mode::Forget, Mode::ReadOnly};
constexpr std::array kKinds{Action::Kind::None,      Action::Kind::Boot,     Action::Kind::TryAgain,
                            Action::Kind::LookAgain, Action::Kind::RollBack, Action::Kind::Shell,
                            Action::Kind::Restart,   Action::Kind::Firmware, Action::Kind::PowerOff};

// Cut between characters: the other end takes valid text alone.
void put(Writer& out, std::string_view text) {
  std::string clean = to_utf16(text) ? std::string(text) : printable(text);
  if (clean.size() > kMaxText) {
    std::size_t end = kMaxText;
    while ((static_cast<unsigned char>(clean[end]) & 0xC0U) == 0x80U) --end;
    clean.resize(end);
  }
  out.text(clean);
}

std::string take_text(Cursor& in) {
  return in.text(kMaxText);
}

template <class T, class Put>
void put_list(Writer& out, const std::vector<T>& list, const Put& put_one) {
  const std::size_t count = std::min(list.size(), kMaxList);
  out.put(static_cast<std::uint16_t>(count));
  for (const T& one : std::span(list).first(count)) put_one(out, one);
}

template <class T, class Take>
std::vector<T> take_list(Cursor& in, const Take& take_one) {
  std::vector<T> list;
  const std::size_t count = in.take<std::uint16_t>();
  in.require(count <= kMaxList);
  for (std::size_t i = 0; i < count && in.good(); ++i) list.push_back(take_one(in));
  return list;
}

void put_texts(Writer& out, const std::vector<std::string>& texts) {
  put_list(out, texts, [](Writer& to, const std::string& text) { put(to, text); });
}

std::vector<std::string> take_texts(Cursor& in) {
  return take_list<std::string>(in, take_text);
}

template <class T, std::size_t N>
void put_one_of(Writer& out, T value, const std::array<T, N>& values) {
  out.put(static_cast<std::uint8_t>(std::ranges::find(values, value) - values.begin()));
}

template <class T, std::size_t N>
T take_one_of(Cursor& in, const std::array<T, N>& values) {
  const std::size_t index = in.take<std::uint8_t>();
  in.require(index < N);
  return index < N ? values.at(index) : values.front();
}

void put(Writer& out, const Entry& entry) {
  for (const std::string* text : {&entry.id, &entry.title, &entry.release, &entry.options}) put(out, *text);
}

Entry take_entry(Cursor& in) {
  Entry entry;
  for (std::string* text : {&entry.id, &entry.title, &entry.release, &entry.options}) *text = take_text(in);
  return entry;
}

void put(Writer& out, const Item& item) {
  for (const std::string* text :
       {&item.id, &item.title, &item.where, &item.reason, &item.cure, &item.keymap, &item.rolls_back_to})
    put(out, *text);
  out.put(item.size);
  put_one_of(out, item.readiness, kReadiness);
  out.bits(item.can_forget, item.can_read_only);
  put_texts(out, item.details);
  put_list(out, item.entries, [](Writer& to, const Entry& entry) { put(to, entry); });
}

Item take_item(Cursor& in) {
  Item item;
  for (std::string* text :
       {&item.id, &item.title, &item.where, &item.reason, &item.cure, &item.keymap, &item.rolls_back_to})
    *text = take_text(in);
  item.size = in.take<std::uint64_t>();
  item.readiness = take_one_of(in, kReadiness);
  const unsigned bits = in.bits(2);
  item.can_forget = (bits & 1U) != 0;
  item.can_read_only = (bits & 2U) != 0;
  item.details = take_texts(in);
  item.entries = take_list<Entry>(in, take_entry);
  return item;
}

void put(Writer& out, const Failure& failure) {
  put(out, failure.sentence);
  put_list(out, failure.facts, [](Writer& to, const Fact& fact) {
    put(to, fact.name);
    put(to, fact.value);
  });
  put_texts(out, failure.what_to_do);
}

Failure take_failure(Cursor& in) {
  Failure failure{.sentence = take_text(in), .facts = {}, .what_to_do = {}};
  failure.facts = take_list<Fact>(in, [](Cursor& from) {
    std::string name = take_text(from);
    return Fact{.name = std::move(name), .value = take_text(from)};
  });
  failure.what_to_do = take_texts(in);
  return failure;
}

}  // namespace

wire::Message encode(const State& state) {
  Writer out;
  put(out, state.version);
  put(out, state.volumes);
  for (const auto* texts : {&state.looked_at, &state.not_looked_at, &state.advice, &state.log}) put_texts(out, *texts);
  out.bits(state.looking, state.can_shell, state.can_firmware, state.default_item.has_value(),
           state.countdown.has_value(), state.failure.has_value());
  put(out, state.default_item.value_or(""));
  put(out, state.keymap);
  put(out, state.notice);
  out.put(std::uint32_t{state.countdown.value_or(0)});
  put_list(out, state.items, [](Writer& to, const Item& item) { put(to, item); });
  put(out, state.failure.value_or(Failure{}));
  return std::move(out).message();
}

Result<State> decode_state(Bytes message) {
  Cursor in(message);
  State state;
  state.version = take_text(in);
  state.volumes = take_text(in);
  for (auto* texts : {&state.looked_at, &state.not_looked_at, &state.advice, &state.log}) *texts = take_texts(in);
  const unsigned bits = in.bits(6);
  state.looking = (bits & 1U) != 0;
  state.can_shell = (bits & 2U) != 0;
  state.can_firmware = (bits & 4U) != 0;
  const std::string default_item = take_text(in);
  if ((bits & 8U) != 0) state.default_item = default_item;
  state.keymap = take_text(in);
  state.notice = take_text(in);
  const unsigned countdown = in.take<std::uint32_t>();
  if ((bits & 16U) != 0) state.countdown = countdown;
  state = with_items(std::move(state), take_list<Item>(in, take_item));
  Failure failure = take_failure(in);
  if (!in.complete()) return fail(Code::Corrupt, "process 1 said what is no menu");
  return (bits & 32U) != 0 ? with_failure(std::move(state), std::move(failure)) : std::move(state);
}

wire::Message encode(const Answer& answer) {
  const Boot& boot = answer.action.boot;
  Writer out;
  put_one_of(out, answer.action.kind, kKinds);
  put(out, answer.terminal);
  put(out, boot.item);
  put(out, answer.action.item);
  out.bits(boot.entry.has_value(), boot.options.has_value());
  put(out, boot.entry.value_or(""));
  put(out, boot.options.value_or(""));
  put_one_of(out, boot.mode, kModes);
  return std::move(out).message();
}

Result<Answer> decode_answer(Bytes message) {
  Cursor in(message);
  Answer answer;
  answer.action.kind = take_one_of(in, kKinds);
  answer.terminal = take_text(in);
  Boot& boot = answer.action.boot;
  boot.item = take_text(in);
  answer.action.item = take_text(in);
  const unsigned bits = in.bits(2);
  std::string entry = take_text(in);
  std::string options = take_text(in);
  if ((bits & 1U) != 0) boot.entry = std::move(entry);
  if ((bits & 2U) != 0) boot.options = std::move(options);
  boot.mode = take_one_of(in, kModes);
  if (!in.complete()) return fail(Code::Corrupt, "the menu answered what is no answer");
  return answer;
}

}  // namespace vhdboot::menu
