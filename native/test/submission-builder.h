// Submissions for tests: well formed unless told otherwise. Field values are given as CBOR, so that
// a test can put anything in their place. Nothing is signed: the parser does not look at that.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/body/commitment.h"
#include "core/cbor/writer.h"
#include "core/submission/submission.h"
#include "core/tree/merkle.h"
#include "hex.h"

namespace kudurru::test {

using Buffer = std::vector<uint8_t>;

template <class Write>
Buffer encode(Write&& write) {
  Buffer out;
  cbor::Writer writer(out);
  write(writer);
  return out;
}

// Envelope fields by key, each an encoded item.
using Fields = std::map<uint64_t, Buffer>;

inline Fields observation() {
  const auto number = [](uint8_t value) { return Buffer{value}; };
  return {{1, number(1)},  {2, number(3)},
          {3, number(1)},  {4, encode([](cbor::Writer& w) { w.writeText("tools/call"); })},
          {16, number(1)}, {20, fromHex("80")}};
}

inline Buffer encodeFields(const Fields& fields) {
  return encode([&](cbor::Writer& w) {
    w.writeMap(fields.size());
    for (const auto& [key, value] : fields) w.writeUnsigned(key).writeRaw(value);
  });
}

struct BodyParts {
  uint32_t offset;
  uint8_t field;
  Buffer salt;
  Buffer bytes;
  bool isLarge = false;  // comes in chunks: the submission only names it
};

// A body whose bytes are not all alike.
inline BodyParts largeBody(uint8_t field, uint8_t salt, size_t size) {
  Buffer bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 251 + salt);
  return {0, field, Buffer(32, salt), std::move(bytes), true};
}

inline Hash digestOf(const BodyParts& body) {
  return commitmentDigest(body.salt, body.field, body.bytes);
}

// The payloads of the body's chunk frames.
inline std::vector<Buffer> encodeChunks(const BodyParts& body, const std::string& scope = "") {
  const Hash digest = digestOf(body);
  std::vector<Buffer> chunks;
  for (size_t at = 0; at < body.bytes.size(); at += submission::kChunkSizeBytes) {
    const size_t size = std::min(submission::kChunkSizeBytes, body.bytes.size() - at);
    chunks.push_back(encode([&](cbor::Writer& w) {
      w.writeArray(at == 0 ? 6 : 3).writeBytes(digest);
      if (at == 0) {
        if (scope.empty()) {
          w.writeNull();
        } else {
          w.writeText(scope);
        }
        w.writeUnsigned(body.field).writeBytes(body.salt).writeUnsigned(body.bytes.size());
      } else {
        w.writeUnsigned(at);
      }
      w.writeBytes(Bytes(body.bytes).subspan(at, size));
    }));
  }
  return chunks;
}

// [field, length, digest, null, 1] of a deposited body.
inline Buffer encodeCommitment(const BodyParts& body) {
  const Hash digest = commitmentDigest(body.salt, body.field, body.bytes);
  return encode([&](cbor::Writer& w) {
    w.writeArray(5).writeUnsigned(body.field).writeUnsigned(body.bytes.size());
    w.writeBytes(digest).writeNull().writeUnsigned(1);
  });
}

class SubmissionBuilder {
 public:
  std::vector<Buffer> envelopes;
  std::vector<BodyParts> bodies;
  Buffer level{1};
  // Of the statement; what is set replaces what follows from the rest.
  int64_t algorithm = -19;
  std::string type = "application/kudurru-statement+cose";
  uint8_t kid = 3;  // each byte of it
  uint64_t firstSequence = 7;
  std::optional<uint64_t> actionCount;
  std::optional<Hash> root;
  std::optional<Buffer> statement;

  // An action whose commitments announce these bodies, which follow in the submission.
  SubmissionBuilder& add(Fields fields, const std::vector<BodyParts>& own = {}) {
    if (!own.empty()) {
      fields[20] = encode([&](cbor::Writer& w) {
        w.writeArray(own.size());
        for (const BodyParts& body : own) w.writeRaw(encodeCommitment(body));
      });
    }
    for (BodyParts body : own) {
      body.offset = static_cast<uint32_t>(envelopes.size());
      bodies.push_back(body);
    }
    envelopes.push_back(encodeFields(fields));
    return *this;
  }

  Hash rootOfEnvelopes() const {
    std::vector<Hash> hashes;
    for (const Buffer& envelope : envelopes) hashes.push_back(leafHash(envelope));
    return treeRoot(hashes);
  }

  Buffer payload() const {
    const Buffer previous(32, firstSequence == 0 ? 0 : 6), session(32, 5);
    return encode([&](cbor::Writer& w) {
      w.writeArray(7).writeUnsigned(1).writeBytes(Buffer(32, 4)).writeBytes(session);
      w.writeUnsigned(firstSequence).writeBytes(previous);
      w.writeUnsigned(actionCount.value_or(envelopes.size()));
      w.writeBytes(root.value_or(rootOfEnvelopes()));
    });
  }

  Buffer protectedHeader() const {
    return encode([&](cbor::Writer& w) {
      w.writeMap(3).writeUnsigned(1).writeInteger(algorithm);
      w.writeUnsigned(4).writeBytes(Buffer(32, kid)).writeUnsigned(16).writeText(type);
    });
  }

  Buffer cose() const {
    return encode([&](cbor::Writer& w) {
      w.writeTag(cbor::kTagCoseSign1).writeArray(4).writeBytes(protectedHeader()).writeMap(0);
      w.writeBytes(payload()).writeBytes(Buffer(64, 9));
    });
  }

  Buffer build() const {
    return encode([&](cbor::Writer& w) {
      w.writeArray(4).writeBytes(statement.value_or(cose())).writeArray(envelopes.size());
      for (const Buffer& envelope : envelopes) w.writeBytes(envelope);
      w.writeArray(bodies.size());
      for (const BodyParts& body : bodies) {
        w.writeArray(body.isLarge ? 3 : 4).writeUnsigned(body.offset).writeUnsigned(body.field);
        if (body.isLarge) {
          w.writeNull();
        } else {
          w.writeBytes(body.salt).writeBytes(body.bytes);
        }
      }
      w.writeRaw(level);
    });
  }
};

}  // namespace kudurru::test
