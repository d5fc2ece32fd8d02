// SPDX-License-Identifier: Apache-2.0
#include "base/random_id.h"

#include <sys/random.h>

#include <array>
#include <cstdint>

#include "base/check.h"

namespace streaming {

std::string random_id() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<std::uint8_t, 16> bytes;
  CHECK(getentropy(bytes.data(), bytes.size()) == 0);
  std::string id;
  for (const std::uint8_t byte : bytes) {
    id += kDigits[byte >> 4];
    id += kDigits[byte & 0xF];
  }
  return id;
}

std::uint32_t random_seed() {
  std::uint32_t seed = 0;
  CHECK(getentropy(&seed, sizeof seed) == 0);
  return seed;
}

}  // namespace streaming
