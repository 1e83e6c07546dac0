#include "core/ledger/seal-bodies.h"

#include "core/ledger/chunks.h"
#include "core/ledger/group.h"

namespace kudurru {
namespace {

// Of the sealed body, or of the list of its chunks.
size_t sizeOf(const submission::Body& body) {
  return body.isLarge() ? chunkListBytes(body.length) : body.length + kSealedOverheadBytes;
}

}  // namespace

void sealBodies(intake::SubmitItem& item, const ScopeKeys& keys, BodyCipher& cipher) {
  size_t bytes = 0;
  for (const submission::Body& body : item.parsed.bodies) {
    bytes += sealedBodyBytes(body.scope, sizeOf(body));
  }
  std::vector<uint8_t> sealed(bytes);
  uint8_t* to = sealed.data();
  auto key = keys.end();
  std::string_view keyScope;
  for (const submission::Body& body : item.parsed.bodies) {
    if (key == keys.end() || body.scope != keyScope) {
      keyScope = body.scope;
      key = keys.find(std::string(keyScope));
      if (key == keys.end()) return;
    }
    const size_t size = sizeOf(body);
    const bool isLarge = body.isLarge();
    to = writeBodyHead({body.action, body.field, body.scope, body.digest, {}, isLarge}, size, to);
    if (!isLarge) cipher.seal({key->second, body.digest}, body.salt, body.bytes, {to, size});
    to += size;
  }
  item.sealed = std::move(sealed);
}

}  // namespace kudurru
