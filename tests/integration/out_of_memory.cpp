// SPDX-License-Identifier: GPL-2.0-or-later
// What a program of the product does when it has no more memory: for product_test.py, linked as they are.
#include <sys/resource.h>

#include <cstdio>
#include <new>
#include <string>
#include <vector>

int main() {
  const rlimit limit{.rlim_cur = 3'000'000, .rlim_max = 3'000'000};
  if (::setrlimit(RLIMIT_AS, &limit) < 0) return 1;
  try {
    std::vector<std::string> all;
    for (;;) all.emplace_back(1000, 'x');
  } catch (const std::bad_alloc&) {
    std::puts("caught");
    return 7;
  }
}
