// SPDX-License-Identifier: GPL-2.0-or-later
// The functions that the compiler calls by itself, in a program without a C library.
#include <cstddef>

extern "C" {

// The string instructions are fast on every processor that has UEFI, and the compiler cannot turn them into calls of
// the very function that they implement.
void* memcpy(void* __restrict to, const void* __restrict from, std::size_t size) {
  void* at = to;
  asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
  return to;
}

void* memset(void* to, int value, std::size_t size) {
  void* at = to;
  asm volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(value) : "memory");
  return to;
}

int memcmp(const void* a, const void* b, std::size_t size) {
  const auto* left = static_cast<const volatile unsigned char*>(a);
  const auto* right = static_cast<const volatile unsigned char*>(b);
  for (; size > 0; --size, ++left, ++right)
    if (*left != *right) return *left < *right ? -1 : 1;
  return 0;
}

void* memchr(const void* bytes, int value, std::size_t size) {
  auto* at = static_cast<const volatile unsigned char*>(bytes);
  for (; size > 0; --size, ++at)
    if (*at == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(at);
  return nullptr;
}

std::size_t strlen(const char* text) {
  const volatile char* at = text;
  while (*at != '\0') ++at;
  return static_cast<std::size_t>(at - text);
}

}  // extern "C"
