#include "core/fsck/follow-up.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/submission/statement.h"

namespace kudurru::fsck {
namespace {

bool isSigned(const SignatureCheck& check) {
  submission::Statement statement;
  if (submission::parseStatement(check.statement, statement) || check.signer.key == nullptr) {
    return false;
  }
  if (static_cast<int8_t>(check.signer.key->algorithm()) != statement.algorithm ||
      !std::ranges::equal(check.signer.id, statement.kid)) {
    return false;
  }
  std::array<uint8_t, 256> message;
  const size_t size = submission::writeSignedBytes(statement, message);
  return check.signer.key->verify(Bytes(message).first(size), statement.signature);
}

class TileComparison {
 public:
  TileComparison(Storage& storage, const std::string& folder, const TileCheck& tile)
      : storage_(storage), folder_(folder), tile_(tile), files_(storage, folder, "") {}

  FollowUpResult run() {
    const uint32_t width = static_cast<uint32_t>(tile_.ends.size());
    bool isThere = false;
    result_.status = compare(tile_.path, width == kTileWidth ? width : 0, &isThere);
    bool isPublishedThere = isThere;
    const ListResult partials = storage_.list(folder_ + "/" + tile_.path + ".p");
    if (partials.error != 0 && partials.error != ENOENT) {
      result_.status = systemFailure(Code::kFolderUnusable, "cannot list '" + tile_.path + ".p'",
                                     partials.error);
    }
    for (const std::string& name : partials.names) {
      const std::optional<uint32_t> wide = widthOf(name);
      const std::string path = tile_.path + ".p/" + name;
      if (result_.status.ok()) result_.status = compare(path, wide.value_or(0), &isThere);
      isPublishedThere = isPublishedThere || wide == tile_.widthPublished;
    }
    if (!isPublishedThere && tile_.widthPublished != 0) sayMissing();
    return std::move(result_);
  }

 private:
  static std::optional<uint32_t> widthOf(const std::string& name) {
    uint32_t width = 0;
    for (const char digit : name) {
      if (digit < '0' || digit > '9' || name.size() > 3) return std::nullopt;
      width = width * 10 + static_cast<uint32_t>(digit - '0');
    }
    return width != 0 && width < kTileWidth && std::to_string(width) == name
               ? std::optional<uint32_t>(width)
               : std::nullopt;
  }

  // A file of that width; of width 0, one that has no business here.
  Status compare(const std::string& path, uint32_t width, bool* isThere) {
    std::vector<uint8_t> bytes;
    Status status = files_.read(path, &bytes);
    *isThere = status.ok();
    if (status.code == Code::kNotFound) return {};
    if (!status.ok()) return status;
    ++result_.tiles;
    if (width == 0 || width > tile_.ends.size()) {
      say("tile-unexpected", path, 0, "the log has no such tile");
      result_.wrong.push_back({path, {}});
      return {};
    }
    const Bytes expected = Bytes(tile_.expected).first(tile_.ends[width - 1]);
    if (bytes.size() == expected.size() &&
        std::memcmp(bytes.data(), expected.data(), bytes.size()) == 0) {
      return {};
    }
    const auto place = std::ranges::mismatch(bytes, expected);
    say("tile-wrong", path, static_cast<uint64_t>(place.in1 - bytes.begin()),
        "the file is not what the entries give");
    result_.wrong.push_back({path, {expected.begin(), expected.end()}});
    return {};
  }

  void sayMissing() {
    const uint32_t width = tile_.widthPublished;
    const std::string path =
        width == kTileWidth ? tile_.path : tile_.path + ".p/" + std::to_string(width);
    say("tile-missing", path, 0, "the published checkpoint needs this file");
    const Bytes expected = Bytes(tile_.expected).first(tile_.ends[width - 1]);
    result_.wrong.push_back({path, {expected.begin(), expected.end()}});
  }

  void say(const char* code, const std::string& path, uint64_t offset, std::string message) {
    Finding finding;
    finding.weight = Weight::kRebuildable;
    finding.code = code;
    finding.file = path;
    finding.offset = offset;
    finding.message = std::move(message);
    result_.findings.push_back(std::move(finding));
  }

  Storage& storage_;
  const std::string& folder_;
  const TileCheck& tile_;
  TileFiles files_;
  FollowUpResult result_;
};

}  // namespace

FollowUpResult checkSignatures(std::span<const SignatureCheck> checks) {
  FollowUpResult result;
  for (const SignatureCheck& check : checks) {
    ++result.signatures;
    if (!isSigned(check)) result.findings.push_back(check.finding);
  }
  return result;
}

FollowUpResult checkTile(Storage& storage, const std::string& folder, const TileCheck& check) {
  return TileComparison(storage, folder, check).run();
}

}  // namespace kudurru::fsck
