// Checks that the entries in their order give rise to: signatures of statements by their agents'
// keys, tile files against the tree. Each stands for itself: any thread may do it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/fsck/finding.h"
#include "core/tiles/tile-files.h"
#include "core/tree/incremental-tree.h"
#include "core/verify/public-key.h"

namespace kudurru::fsck {

struct AgentKey {
  std::shared_ptr<const PublicKey> key;  // null where the enrolment holds no usable one
  Hash id{};
};

struct SignatureCheck {
  AgentKey signer;
  Bytes statement;  // COSE_Sign1, in a payload that is kept
  Finding finding;  // for a signature that is not accepted
};

// A tile or entry bundle as the log gives it, as far as it goes, for its file and the partial ones
// beside it.
struct TileCheck {
  std::string path;  // of the full one
  std::vector<uint8_t> expected;
  std::vector<uint32_t> ends;   // of its first hash or entry, of its second …
  uint32_t widthPublished = 0;  // what a published checkpoint needs of it
};

struct TileFile {
  std::string path;
  std::vector<uint8_t> bytes;
};

struct FollowUpResult {
  Status status;
  std::vector<Finding> findings;
  uint64_t signatures = 0;
  uint64_t tiles = 0;
  std::vector<TileFile> wrong;  // and what they must be; without bytes, not there
};

FollowUpResult checkSignatures(std::span<const SignatureCheck> checks);
// `folder` is the state folder.
FollowUpResult checkTile(Storage& storage, const std::string& folder, const TileCheck& check);

}  // namespace kudurru::fsck
