// SPDX-License-Identifier: GPL-2.0-or-later
// Shows what init/modules makes of a folder of depmod's files, for modules_test.py to compare with what modprobe says.
//   print_modules resolve FOLDER    for each line of standard input, a module or alias: NAME|files|builtin|missing
//   print_modules check RELEASE FILE...   whether that kernel would load each module: FILE|the sentence, or nothing
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/bytes.h"
#include "init/modules/codecs.h"
#include "init/modules/decompress.h"
#include "init/modules/modules.h"
#include "init/modules/vermagic.h"

namespace {

using namespace vhdboot;

std::string load(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void print(const std::vector<std::string>& words, char end) {
  for (std::size_t i = 0; i < words.size(); ++i) std::cout << (i > 0 ? " " : "") << words[i];
  std::cout << end;
}

int resolve(const std::string& folder) {
  const auto index = modules::ModuleIndex::parse({.dep = load(folder + "/modules.dep"),
                                                  .alias = load(folder + "/modules.alias"),
                                                  .softdep = load(folder + "/modules.softdep"),
                                                  .builtin = load(folder + "/modules.builtin"),
                                                  .builtin_modinfo = load(folder + "/modules.builtin.modinfo")});
  if (!index) {
    std::cerr << index.error().text << '\n';
    return 1;
  }
  for (std::string name; std::getline(std::cin, name);) {
    const auto result = index->resolve(std::vector{name});
    std::cout << name << '|';
    print(result.files, '|');
    print(result.builtin, '|');
    print(result.missing, '\n');
  }
  return 0;
}

int check(std::string_view release, const std::vector<std::string>& files) {
  constexpr std::size_t kCap = 64U << 20;
  for (const auto& file : files) {
    const auto content = load(file);
    const auto module = modules::decompress(as_bytes(content), kCap, modules::make_decompressor);
    const auto checked = module ? modules::check_vermagic(*module, release) : std::unexpected(module.error());
    std::cout << file << '|' << (checked ? "" : checked.error().text) << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "resolve") return resolve(words[1]);
  if (words.size() > 2 && words[0] == "check") return check(words[1], {words.begin() + 2, words.end()});
  return 2;
}
