#include "core/fsck/group-check.h"

#include <algorithm>

#include "core/body/body-cipher.h"
#include "core/body/commitment.h"
#include "core/entry/entry-fields.h"
#include "core/journal/segment.h"
#include "core/ledger/chunk-reader.h"
#include "core/ledger/ledger-types.h"
#include "core/submission/envelope.h"
#include "core/submission/statement.h"
#include "core/tiles/tile-files.h"
#include "core/tree/incremental-tree.h"
#include "core/tree/merkle.h"

namespace kudurru::fsck {
namespace {

// Long enough that a range costs more than handing it to a thread.
constexpr uint32_t kRangeEntries = 256;

}  // namespace

GroupCheck::GroupCheck(const Position& position, Bytes payload, bool isRetired)
    : position_(position),
      isRetired_(isRetired),
      view_(GroupView::parse(payload)),
      payload_(payload) {
  if (!view_) return;
  entries_.reserve(view_->entryCount());
  view_->forEachEntry([&](Bytes entry) {
    entries_.emplace_back().bytes = entry;
    return true;
  });
  view_->forEachBody([&](const SealedBody& body) {
    bodies_.push_back(body);
    return true;
  });
  const uint32_t count = view_->entryCount();
  for (uint32_t first = 0; first < count; first += kRangeEntries) {
    ranges_.push_back({first, std::min(count, first + kRangeEntries), {}, {}});
  }
}

Finding GroupCheck::damageInBundle(const char* code, uint32_t place, std::string message) const {
  Finding finding;
  finding.code = code;
  finding.message = std::move(message);
  finding.entry = view_->firstIndex() + place;
  const uint64_t tile = *finding.entry / kTileWidth;
  finding.file = entryTilePath(tile, kTileWidth);
  const bool isOfFirst = tile == view_->firstIndex() / kTileWidth;
  const uint64_t from = isOfFirst ? 0 : tile * kTileWidth - view_->firstIndex();
  const auto within = entries_[place].bytes.data() - entries_[from].bytes.data();
  finding.offset = static_cast<uint64_t>(within) + 2 + (isOfFirst ? position_.offset : 0);
  return finding;
}

Finding GroupCheck::damage(const char* code, uint32_t place, std::string message) const {
  if (isRetired_) return damageInBundle(code, place, std::move(message));
  Finding finding = damageAt(position_, code, std::move(message));
  finding.entry = view_->firstIndex() + place;
  const auto within = entries_[place].bytes.data() - payload_.data();
  finding.offset += kRecordHeaderBytes + static_cast<uint64_t>(within);
  return finding;
}

// One range, by one thread.
class RangeCheck {
 public:
  RangeCheck(GroupCheck& group, const GroupCheckOptions& options, GroupRange& range)
      : group_(group), options_(options), range_(range) {}

  void run() {
    const uint32_t count = static_cast<uint32_t>(group_.entries_.size());
    uint32_t place = range_.first;
    // The actions of a statement are its range's; a group may not begin with one, but then whoever
    // puts the groups in order says so.
    while (place != 0 && place < count && isAction(place)) ++place;
    body_ = std::ranges::lower_bound(group_.bodies_, place, {}, &SealedBody::entry);
    while (place < count && (place < range_.last || isAction(place))) take(place++);
    endStatement(place);
    checkBodiesLeft(place);
  }

 private:
  // By the first bytes, as decodeEntry wants them: array head, version, kind.
  bool isAction(uint32_t place) const {
    const Bytes bytes = group_.entries_[place].bytes;
    return bytes.size() > 2 && bytes[2] == static_cast<uint8_t>(EntryKind::kAction);
  }

  void take(uint32_t place) {
    CheckedEntry& entry = group_.entries_[place];
    entry.leafHash = leafHash(entry.bytes);
    const auto view = decodeEntry(entry.bytes);
    if (!view) return say("entry-malformed", place, "is not an entry of a known form");
    entry.view = *view;
    entry.isGood = true;
    if (view->head.kind == EntryKind::kAction) return takeAction(place);
    endStatement(place);
    if (view->head.kind == EntryKind::kStatement) return takeStatement(place);
    const auto commitments = readCommitments(*view);
    if (!commitments) return say("entry-malformed", place, "has commitments of no known form");
    scope_ = kSystemScope;
    for (const CommitmentField& commitment : *commitments) checkCommitment(place, commitment);
  }

  void takeStatement(uint32_t place) {
    const auto fields = readStatementFields(group_.entries_[place].view.fields);
    submission::Statement statement;
    if (!fields || submission::parseStatement(fields->cose, statement)) {
      return say("entry-malformed", place, "holds no statement");
    }
    statement_ = place;
    std::ranges::copy(statement.root, statementRoot_.begin());
  }

  void takeAction(uint32_t place) {
    const auto fields = readActionFields(group_.entries_[place].view.fields);
    submission::Envelope envelope;
    commitments_.clear();
    if (!fields || submission::parseEnvelope(fields->envelope, 0, envelope, commitments_)) {
      return say("entry-malformed", place, "is not an action with an envelope");
    }
    envelopes_.push_back(leafHash(fields->envelope));
    scope_ = envelope.scope;
    for (const submission::Commitment& one : commitments_) {
      checkCommitment(place, {one.field, one.length, one.digest, one.deposited});
    }
  }

  void endStatement(uint32_t) {
    if (statement_ && treeRoot(envelopes_) != statementRoot_) {
      say("statement-root", *statement_, "signs other envelopes than its actions have");
    }
    statement_.reset();
    envelopes_.clear();
  }

  // Each deposited commitment has its body and each body its commitment, in the same order.
  void checkCommitment(uint32_t place, const CommitmentField& commitment) {
    if (!commitment.deposited) return;
    if (group_.isRetired_) {
      const bool isAsked = group_.view_->firstIndex() + place >= options_.fromIndex;
      range_.counts.retired += options_.checksBodies && isAsked ? 1 : 0;
      return;
    }
    while (body_ != group_.bodies_.end() && isBefore(*body_, place, commitment.field)) dropBody();
    if (body_ == group_.bodies_.end() || body_->entry != place ||
        body_->field != commitment.field || !std::ranges::equal(body_->digest, commitment.digest)) {
      return say("body-missing", place, fieldText(commitment.field) + " has no body of its digest");
    }
    checkBody(*body_++, commitment);
  }

  static bool isBefore(const SealedBody& body, uint32_t place, uint8_t field) {
    return body.entry < place || (body.entry == place && body.field < field);
  }

  void dropBody() {
    say("body-unexpected", body_->entry, fieldText(body_->field) + " has a body and no commitment");
    ++body_;
  }

  void checkBodiesLeft(uint32_t end) {
    while (body_ != group_.bodies_.end() && body_->entry < end) dropBody();
  }

  void checkBody(const SealedBody& body, const CommitmentField& commitment) {
    if (!options_.checksBodies || group_.view_->firstIndex() + body.entry < options_.fromIndex) {
      return;
    }
    ++range_.counts.bodies;
    if (body.scope != scope_) {
      return say("body-mismatch", body.entry,
                 fieldText(body.field) + " has a body of another scope");
    }
    if (body.isChunked) return checkLargeBody(body, commitment);
    if (body.sealed.size() != commitment.length + kSealedOverheadBytes) {
      return say("body-mismatch", body.entry,
                 fieldText(body.field) + " has a body of another length");
    }
    if (options_.scopeKeys->empty()) return;
    const auto key = options_.scopeKeys->find(std::string(body.scope));
    if (key == options_.scopeKeys->end()) return;
    if (!cipher_) cipher_.emplace();
    plain_.resize(body.sealed.size() - kTagSizeBytes);
    if (!cipher_->open({key->second, body.digest}, body.sealed, plain_)) {
      return say("body-mismatch", body.entry,
                 fieldText(body.field) + " has a body that does not open");
    }
    const Bytes plain(plain_);
    const Hash digest =
        commitmentDigest(plain.first(kSaltSizeBytes), body.field, plain.subspan(kSaltSizeBytes));
    if (!std::ranges::equal(digest, commitment.digest)) {
      return say("body-mismatch", body.entry, fieldText(body.field) + " has a body of other bytes");
    }
    ++range_.counts.opened;
  }

  // Without the key of its scope, only that all its chunks are there.
  void checkLargeBody(const SealedBody& body, const CommitmentField& commitment) {
    const std::string field = fieldText(body.field);
    const auto list = ChunkList::parse(body.sealed);
    if (list->length != commitment.length) {
      return say("body-mismatch", body.entry, field + " has a body of another length");
    }
    if (list->at(0).segment < options_.firstSegment) {
      ++range_.counts.retired;
      return;
    }
    if (!chunks_) chunks_.emplace(*options_.storage, options_.journalFolder);
    const auto key = options_.scopeKeys->find(std::string(body.scope));
    const bool opens = key != options_.scopeKeys->end();
    LargeBodyHash hash(body.field, list->length);
    const Status status = opens ? chunks_->open(*list, {key->second, body.digest}, hash.taker())
                                : chunks_->look(*list);
    if (!status.ok()) return say("body-mismatch", body.entry, field + ": " + status.message);
    if (!opens) return;
    if (!std::ranges::equal(hash.finish(), commitment.digest)) {
      return say("body-mismatch", body.entry, field + " has a body of other bytes");
    }
    ++range_.counts.opened;
  }

  static std::string fieldText(uint8_t field) { return "field " + std::to_string(field); }

  void say(const char* code, uint32_t place, const std::string& what) {
    const std::string index = std::to_string(group_.view_->firstIndex() + place);
    range_.findings.push_back(group_.damage(code, place, "entry " + index + " " + what));
  }

  GroupCheck& group_;
  const GroupCheckOptions& options_;
  GroupRange& range_;
  std::optional<BodyCipher> cipher_;
  std::optional<ChunkReader> chunks_;
  std::vector<SealedBody>::const_iterator body_;
  std::optional<uint32_t> statement_;
  Hash statementRoot_{};
  std::string_view scope_;  // of the bodies of the present entry
  std::vector<Hash> envelopes_;
  std::vector<submission::Commitment> commitments_;
  std::vector<uint8_t> plain_;
};

void GroupCheck::check(const GroupCheckOptions& options, size_t range) {
  RangeCheck(*this, options, ranges_[range]).run();
}

}  // namespace kudurru::fsck
