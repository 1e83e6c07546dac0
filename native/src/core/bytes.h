// Views of memory that the core passes around. Nobody owns what a Bytes points at: the caller
// keeps the memory alive for as long as the view is used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kudurru {

using Bytes = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;

// SHA-256 output: leaf hashes, root hashes, commitments, ids.
using Hash = std::array<uint8_t, 32>;

inline Bytes bytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace kudurru
