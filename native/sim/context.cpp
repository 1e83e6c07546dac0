#include "context.h"

#include <cstdio>

namespace kudurru::sim {

void Trace::note(const std::string& what) {
  const std::string line = std::to_string(step) + " " + what + "\n";
  hash_.update(bytesOf(line));
  if (prints) std::fputs(line.c_str(), stdout);
}

std::string Trace::digest() const {
  Sha256 copy = hash_;
  const Hash digest = copy.finish();
  return hexOf(Bytes(digest).first(8));
}

std::string hexOf(Bytes bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

}  // namespace kudurru::sim
