#include "core/verify/public-key.h"

#include <algorithm>

#include "core/cbor/cbor.h"
#include "core/verify/ed25519.h"
#include "core/verify/es256.h"

namespace kudurru {
namespace {

// COSE_Key labels and values (RFC 9053 §7).
constexpr uint64_t kLabelKeyType = 1;
constexpr int64_t kLabelCurve = -1;
constexpr int64_t kLabelX = -2;
constexpr int64_t kLabelY = -3;
constexpr uint64_t kKeyTypeOkp = 1;
constexpr uint64_t kKeyTypeEc2 = 2;
constexpr uint64_t kCurveP256 = 1;
constexpr uint64_t kCurveEd25519 = 6;
constexpr cbor::Bounds kCoordinateSize = {32, 32};

// The labels are given in the order that deterministic CBOR puts them in.
bool readLabel(cbor::Reader& reader, int64_t label) {
  return reader.readInteger() == label && reader.ok();
}

}  // namespace

std::shared_ptr<const PublicKey> PublicKey::parse(Algorithm algorithm, Bytes encoded) {
  switch (algorithm) {
    case Algorithm::kEd25519:
      return Ed25519Key::parse(encoded);
    case Algorithm::kEsp256:
      return Es256Key::parse(encoded);
  }
  return nullptr;
}

std::shared_ptr<const PublicKey> PublicKey::parseCoseKey(Bytes coseKey) {
  cbor::Reader reader(coseKey);
  const uint64_t members = reader.readMap({3, 4});
  if (!readLabel(reader, kLabelKeyType)) return nullptr;
  const uint64_t keyType = reader.readUnsigned({kKeyTypeOkp, kKeyTypeEc2});
  const bool isPoint = keyType == kKeyTypeEc2;
  if (members != (isPoint ? 4u : 3u) || !readLabel(reader, kLabelCurve)) return nullptr;
  const uint64_t curve = isPoint ? kCurveP256 : kCurveEd25519;
  reader.readUnsigned({curve, curve});
  if (!readLabel(reader, kLabelX)) return nullptr;
  const Bytes x = reader.readBytes(kCoordinateSize);
  if (!isPoint) {
    reader.finish();
    return reader.ok() ? parse(Algorithm::kEd25519, x) : nullptr;
  }
  if (!readLabel(reader, kLabelY)) return nullptr;
  const Bytes y = reader.readBytes(kCoordinateSize);
  reader.finish();
  if (!reader.ok()) return nullptr;
  std::array<uint8_t, kP256PointSizeBytes> point{4};
  std::copy(x.begin(), x.end(), point.begin() + 1);
  std::copy(y.begin(), y.end(), point.begin() + 33);
  return parse(Algorithm::kEsp256, point);
}

}  // namespace kudurru
