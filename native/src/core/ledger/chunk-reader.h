// Reads the chunks of large bodies back from the journal, one at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/body/body-cipher.h"
#include "core/ledger/chunks.h"
#include "core/ledger/group.h"

namespace kudurru {

class ChunkReader {
 public:
  // Gets the plaintext of one chunk, valid until it returns; the first begins with the salt.
  using Take = std::function<void(Bytes)>;

  ChunkReader(Storage& storage, std::string journalFolder)
      : storage_(storage), folder_(std::move(journalFolder)) {}

  // The sealed bytes of the chunk, valid until the next call. Errors: corrupt where the record is
  // not that chunk; journal-io-failed, also where its segment is not there.
  Status read(const ChunkList& list, uint32_t number, Bytes* sealed);
  // Reads them all: whether they are there.
  Status look(const ChunkList& list);
  // Opens all chunks in their order. corrupt: one of them does not open.
  Status open(const ChunkList& list, const BodyKey& key, const Take& take);
  // salt ‖ bytes of a large body.
  Status openWhole(const SealedBody& body, const Hash& scopeKey, std::vector<uint8_t>* plain);

 private:
  Storage& storage_;
  const std::string folder_;
  std::unique_ptr<SegmentFile> segment_;
  BodyCipher cipher_;
  std::vector<uint8_t> plain_;
};

// The commitment's digest of a large body, from its chunks' plaintexts.
class LargeBodyHash {
 public:
  LargeBodyHash(uint8_t field, uint64_t length) : field_(field), length_(length) {}

  ChunkReader::Take taker() {
    return [this](Bytes plain) { take(plain); };
  }
  // After all chunks.
  Hash finish() { return hash_->finish(); }

 private:
  void take(Bytes plain) {
    if (hash_) {
      hash_->update(plain);
      return;
    }
    hash_ = beginCommitment(plain.first(kSaltSizeBytes), field_, length_);
    hash_->update(plain.subspan(kSaltSizeBytes));
  }

  const uint8_t field_;
  const uint64_t length_;
  std::optional<Sha256> hash_;
};

}  // namespace kudurru
