#include "core/verify/key-cache.h"

namespace kudurru {

std::shared_ptr<const PublicKey> KeyCache::find(Algorithm algorithm, Bytes encoded) {
  std::string name(1, static_cast<char>(algorithm));
  name.append(encoded.begin(), encoded.end());
  if (const auto known = byName_.find(name); known != byName_.end()) {
    recent_.splice(recent_.begin(), recent_, known->second);
    return known->second->key;
  }
  auto key = PublicKey::parse(algorithm, encoded);
  if (key == nullptr) return nullptr;
  if (byName_.size() == keysMax_) {
    byName_.erase(recent_.back().name);
    recent_.pop_back();
  }
  recent_.push_front({std::move(name), key});
  byName_.emplace(recent_.front().name, recent_.begin());
  return key;
}

}  // namespace kudurru
