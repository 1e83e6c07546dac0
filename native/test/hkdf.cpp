#include "core/hash/hkdf.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "hex.h"

namespace kudurru {
namespace {

using test::fromHex;
using test::toHex;

// RFC 4231 §4.2, §4.3 and §4.7 (a key longer than a block).
TEST(HmacSha256, PublishedVectors) {
  EXPECT_EQ(toHex(hmacSha256(std::vector<uint8_t>(20, 0x0b), bytesOf("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(toHex(hmacSha256(bytesOf("Jefe"), bytesOf("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(toHex(hmacSha256(std::vector<uint8_t>(131, 0xaa),
                             bytesOf("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, EveryKeyLengthEqualsTheLibrary) {
  // The library takes an empty key for "the key of the call before".
  for (size_t size = 1; size < 130; ++size) {
    const std::vector<uint8_t> key(size, 0x5c);
    Hash expected;
    unsigned length = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(size), key.data(), size, expected.data(),
         &length);
    ASSERT_EQ(hmacSha256(key, key), expected) << "size " << size;
  }
}

// RFC 5869 appendix A.1 and A.3 (no salt, no info): the first 32 of their 42 bytes.
TEST(HkdfSha256, PublishedVectors) {
  const std::vector<uint8_t> inputKey(22, 0x0b);
  EXPECT_EQ(toHex(hkdfSha256(inputKey, fromHex("000102030405060708090a0b0c"),
                             fromHex("f0f1f2f3f4f5f6f7f8f9"))),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  EXPECT_EQ(toHex(hkdfSha256(inputKey, {}, {})),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

}  // namespace
}  // namespace kudurru
