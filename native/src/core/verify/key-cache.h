// Parsed keys by their encoding, the least recently used ones forgotten. For callers that are given
// a key with every signature; a session holds its agent's key itself.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "core/verify/public-key.h"

namespace kudurru {

// Not safe from several threads; the keys it hands out are.
class KeyCache {
 public:
  explicit KeyCache(size_t keysMax) : keysMax_(keysMax) {}

  // Null for a key that cannot be used; such a key is not remembered.
  std::shared_ptr<const PublicKey> find(Algorithm algorithm, Bytes encoded);

  size_t size() const { return byName_.size(); }

 private:
  struct Known {
    std::string name;
    std::shared_ptr<const PublicKey> key;
  };

  const size_t keysMax_;
  std::list<Known> recent_;  // the last used first
  std::unordered_map<std::string_view, std::list<Known>::iterator> byName_;
};

}  // namespace kudurru
