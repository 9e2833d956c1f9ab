// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/engine.h"

namespace vhdboot::core {

std::string_view name(Engine engine) {
  return engine == Engine::Extents ? "extents" : "loop";
}

std::optional<Engine> parse_engine(std::string_view text) {
  for (const Engine engine : {Engine::Extents, Engine::Loop})
    if (text == name(engine)) return engine;
  return std::nullopt;
}

}  // namespace vhdboot::core
