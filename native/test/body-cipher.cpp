#include "core/body/body-cipher.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <algorithm>
#include <string>

#include "core/body/commitment.h"

namespace kudurru {
namespace {

const std::vector<uint8_t> kScopeKey(32, 0x11);
const std::vector<uint8_t> kSalt(32, 0x22);

std::vector<uint8_t> bytesFrom(std::string_view text) { return {text.begin(), text.end()}; }

std::vector<uint8_t> seal(const BodyKey& key, Bytes salt, Bytes bytes) {
  std::vector<uint8_t> out(bytes.size() + kSealedOverheadBytes);
  BodyCipher().seal(key, salt, bytes, out);
  return out;
}

TEST(Commitment, IsTheHashOfItsParts) {
  const std::vector<uint8_t> bytes = bytesFrom("clay");
  std::string input("kudurru/commit/1\0", 17);
  input.append(kSalt.begin(), kSalt.end());
  input.append(std::string("\x03\0\0\0\0\0\0\0\x04", 9)).append("clay");
  Hash expected;
  SHA256(reinterpret_cast<const uint8_t*>(input.data()), input.size(), expected.data());
  EXPECT_EQ(commitmentDigest(kSalt, 3, bytes), expected);
}

TEST(Commitment, DependsOnSaltFieldAndBytes) {
  const std::vector<uint8_t> bytes = bytesFrom("clay");
  const Hash digest = commitmentDigest(kSalt, 3, bytes);
  EXPECT_NE(commitmentDigest(kScopeKey, 3, bytes), digest);
  EXPECT_NE(commitmentDigest(kSalt, 4, bytes), digest);
  EXPECT_NE(commitmentDigest(kSalt, 3, bytesFrom("clax")), digest);
}

TEST(BodyCipher, OpensWhatItSealed) {
  BodyCipher cipher;
  for (const size_t size : {1u, 16u, 31u, 512u, 262'144u}) {
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
    const Hash digest = commitmentDigest(kSalt, 1, bytes);
    std::vector<uint8_t> sealed(size + kSealedOverheadBytes), opened(size + kSaltSizeBytes);
    cipher.seal({kScopeKey, digest}, kSalt, bytes, sealed);
    ASSERT_TRUE(cipher.open({kScopeKey, digest}, sealed, opened));
    EXPECT_TRUE(std::equal(kSalt.begin(), kSalt.end(), opened.begin()));
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), opened.begin() + kSaltSizeBytes));
  }
}

TEST(BodyCipher, RefusesAnyChange) {
  const std::vector<uint8_t> bytes = bytesFrom("the private bytes");
  const Hash digest = commitmentDigest(kSalt, 1, bytes);
  const std::vector<uint8_t> sealed = seal({kScopeKey, digest}, kSalt, bytes);
  BodyCipher cipher;
  std::vector<uint8_t> opened(bytes.size() + kSaltSizeBytes, 0xff);
  for (size_t at = 0; at < sealed.size(); ++at) {
    std::vector<uint8_t> changed = sealed;
    changed[at] ^= 0x40;
    EXPECT_FALSE(cipher.open({kScopeKey, digest}, changed, opened)) << "byte " << at;
  }
  EXPECT_EQ(opened, std::vector<uint8_t>(opened.size(), 0))
      << "refused plaintext is not handed out";
  EXPECT_FALSE(cipher.open({kSalt, digest}, sealed, opened));
  const Hash other = commitmentDigest(kSalt, 2, bytes);
  EXPECT_FALSE(cipher.open({kScopeKey, other}, sealed, opened));
}

TEST(BodyCipher, IsAFunctionOfItsInputs) {
  const std::vector<uint8_t> bytes = bytesFrom("clay");
  const Hash digest = commitmentDigest(kSalt, 1, bytes);
  EXPECT_EQ(seal({kScopeKey, digest}, kSalt, bytes), seal({kScopeKey, digest}, kSalt, bytes));
}

}  // namespace
}  // namespace kudurru
