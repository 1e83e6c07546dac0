#include "core/hash/sha256.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <vector>

#include "hex.h"

namespace kudurru {
namespace {

using test::toHex;

std::vector<uint8_t> pattern(size_t sizeBytes) {
  std::vector<uint8_t> bytes(sizeBytes);
  for (size_t i = 0; i < sizeBytes; ++i) bytes[i] = static_cast<uint8_t>(i * 131 + (i >> 8));
  return bytes;
}

Hash opensslSha256(Bytes data) {
  Hash digest;
  SHA256(data.data(), data.size(), digest.data());
  return digest;
}

class Sha256Test : public testing::TestWithParam<Sha256Engine> {
 protected:
  void SetUp() override {
    if (!sha256EngineSupported(GetParam())) GTEST_SKIP() << "this processor lacks the engine";
  }
  Hash hash(Bytes data) const { return Sha256(GetParam()).update(data).finish(); }
};

INSTANTIATE_TEST_SUITE_P(Engines, Sha256Test,
                         testing::Values(Sha256Engine::kPortable, Sha256Engine::kShaNi),
                         [](const auto& engine) {
                           return engine.param == Sha256Engine::kPortable ? "Portable" : "ShaNi";
                         });

// FIPS 180-4's examples, as NIST publishes them.
TEST_P(Sha256Test, PublishedVectors) {
  EXPECT_EQ(toHex(hash({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(toHex(hash(bytesOf("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(toHex(hash(bytesOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_P(Sha256Test, EveryLengthAroundTheBlocks) {
  for (size_t size = 0; size < 520; ++size) {
    const std::vector<uint8_t> data = pattern(size);
    ASSERT_EQ(hash(data), opensslSha256(data)) << "size " << size;
  }
}

TEST_P(Sha256Test, EverySplitOfAStream) {
  const std::vector<uint8_t> data = pattern(200);
  const Hash whole = opensslSha256(data);
  for (size_t first = 0; first <= data.size(); ++first) {
    for (size_t second = first; second <= data.size(); second += 7) {
      Sha256 stream(GetParam());
      stream.update(Bytes(data).first(first));
      stream.update(Bytes(data).subspan(first, second - first));
      stream.update(Bytes(data).subspan(second));
      ASSERT_EQ(stream.finish(), whole) << first << ' ' << second;
    }
  }
}

TEST_P(Sha256Test, CopyContinuesByItself) {
  const std::vector<uint8_t> data = pattern(100);
  Sha256 stream(GetParam());
  stream.update(Bytes(data).first(70));
  Sha256 copy = stream;
  copy.update(bytesOf("elsewhere"));
  EXPECT_EQ(stream.update(Bytes(data).subspan(70)).finish(), opensslSha256(data));
}

TEST(Sha256Best, EqualsThePortableEngine) {
  const std::vector<uint8_t> data = pattern(100'000);
  EXPECT_EQ(sha256(data), Sha256(Sha256Engine::kPortable).update(data).finish());
}

}  // namespace
}  // namespace kudurru
