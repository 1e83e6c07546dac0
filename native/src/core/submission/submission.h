// One submit frame's payload (SPEC.md §6, type 0x03), parsed and checked as far as it can be by
// itself: encoding, envelopes, statement form, root, commitments, salts. What needs the ledger is
// the caller's: ledger, session, sequence, signer, and the signature over `signedBytes()`.
//
// Every view points into the payload that was parsed; the caller keeps it where it is.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/cbor/cbor.h"
#include "core/submission/code.h"

namespace kudurru::submission {

// Bounds of the format (SPEC.md §3–§6).
constexpr size_t kSubmissionSizeBytesMax = 4'194'303;  // a frame without its type
constexpr size_t kActionsMax = 1024;
constexpr size_t kEnvelopeSizeBytesMax = 16'384;
constexpr size_t kBodySizeBytesMax = 262'144;  // of a body inside the frame
// A longer body comes ahead of its submission, in chunks: each but the last has exactly so many
// bytes (body-chunk.h).
constexpr size_t kChunkSizeBytes = kBodySizeBytesMax;
constexpr size_t kLargeBodySizeBytesMax = 16'777'216;
constexpr size_t kLargeBodiesMax = 16;  // of one submission
constexpr size_t kCommitmentsMax = 8;   // of one envelope
constexpr std::string_view kDefaultScope = "default";

struct Reference {
  Bytes session;  // 32 bytes
  uint64_t sequence;
};

struct Commitment {
  uint8_t field;
  bool deposited;
  uint64_t length;
  Bytes digest;                // 32 bytes
  std::string_view mediaType;  // empty: null
};

enum class Kind : uint8_t { kIntent = 1, kOutcome = 2, kObservation = 3 };

struct Envelope {
  Bytes bytes;
  Hash leafHash;  // in the statement's tree
  Kind kind;
  uint8_t coverage;
  uint32_t deadlineMs;              // 0: none
  std::optional<Reference> intent;  // of an outcome
  std::string_view scope;           // erasure scope, kDefaultScope where none is given
  uint32_t firstCommitment;         // range in Submission::commitments
  uint32_t commitmentCount;
};

// A deposited body, in the order of the commitments that announce it.
struct Body {
  uint32_t action;  // position in the statement
  uint8_t field;
  Bytes salt;       // 32 bytes; of a large body, set by whoever took its chunks
  Bytes bytes;      // empty: a large one
  uint64_t length;  // of the bytes, wherever they are
  Bytes digest;     // of its commitment, 32 bytes
  std::string_view scope;

  // Its bytes came in chunks before the submission.
  bool isLarge() const { return bytes.empty(); }
};

struct Statement {
  Bytes cose;  // the whole COSE_Sign1
  Hash hash;   // SHA-256(cose): the next statement's previousStatementHash
  int8_t algorithm;
  Bytes kid;
  Bytes protectedHeader;
  Bytes payload;
  Bytes signature;  // 64 bytes
  Bytes ledgerId;
  Bytes sessionId;
  uint64_t firstSequence;
  Bytes previousStatementHash;
  uint32_t actionCount;
  Bytes root;
};

// Reused from frame to frame by whoever parses many: the vectors keep their capacity.
class Submission {
 public:
  Statement statement;
  std::vector<Envelope> envelopes;
  std::vector<Commitment> commitments;
  std::vector<Body> bodies;
  // The statement's place in its session could be read, whatever else is wrong.
  bool hasPlace = false;
  uint8_t level = 0;  // receipt asked for: 1 committed, 2 anchored, 3 final

  // The COSE Sig_structure that the signature is over (RFC 9052 §4.4).
  Bytes signedBytes() const { return {signedBytes_.data(), signedSizeBytes_}; }
  // Over all bodies whose salt is known: `parse` knows those in the frame.
  Fault checkSalts();

 private:
  friend Fault parse(Bytes payload, Submission& out);

  std::vector<const Body*> salts_;  // kept for its capacity
  std::array<uint8_t, 256> signedBytes_;
  size_t signedSizeBytes_ = 0;
};

// Pure. `out` is meaningful only where the fault is none.
Fault parse(Bytes payload, Submission& out);

}  // namespace kudurru::submission
