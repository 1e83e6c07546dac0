#include "core/verify/public-key.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "core/verify/key-cache.h"
#include "hex.h"

namespace kudurru {
namespace {

using test::fromHex;

struct Signed {
  std::vector<uint8_t> key;
  std::vector<uint8_t> message;
  std::vector<uint8_t> signature;
};

bool accepts(Algorithm algorithm, const Signed& item) {
  const auto key = PublicKey::parse(algorithm, item.key);
  return key != nullptr && key->verify(item.message, item.signature);
}

// RFC 8032 §7.1, TEST 3.
Signed ed25519Vector() {
  return {fromHex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
          fromHex("af82"),
          fromHex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                  "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")};
}

// RFC 6979 §A.2.5, P-256 with SHA-256, message "sample".
Signed es256Vector() {
  return {fromHex("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"),
          fromHex("73616d706c65"),
          fromHex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8")};
}

template <class Change>
Signed changed(Signed item, Change&& change) {
  change(item);
  return item;
}

TEST(Ed25519, AcceptsThePublishedVectorAndNoChangeOfIt) {
  const Signed item = ed25519Vector();
  EXPECT_TRUE(accepts(Algorithm::kEd25519, item));
  for (size_t bit = 0; bit < 512; ++bit) {
    EXPECT_FALSE(accepts(
        Algorithm::kEd25519,
        changed(item,
                [bit](Signed& s) { s.signature[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8); })))
        << "bit " << bit;
  }
  EXPECT_FALSE(accepts(Algorithm::kEd25519, changed(item, [](Signed& s) { s.message[0] ^= 1; })));
  EXPECT_FALSE(
      accepts(Algorithm::kEd25519, changed(item, [](Signed& s) { s.signature.pop_back(); })));
  EXPECT_FALSE(
      accepts(Algorithm::kEd25519, changed(item, [](Signed& s) { s.signature.push_back(0); })));
}

TEST(Ed25519, RefusesAScalarNotBelowTheGroupOrder) {
  // S + L is the same scalar to a verifier that does not look.
  Signed item = ed25519Vector();
  const std::vector<uint8_t> order =
      fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (size_t i = 0; i < 32; ++i) {
    carry += item.signature[32 + i] + order[i];
    item.signature[32 + i] = static_cast<uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(accepts(Algorithm::kEd25519, item));
}

TEST(Ed25519, RefusesKeysOfSmallOrderAndOtherEncodings) {
  for (const char* hex : {
           // order 4, 1, 2, 8, 8, with and without the sign bit
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0000000000000000000000000000000000000000000000000000000000000080",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000080",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
           "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
           "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
           // p, p + 1 and 2^255 − 1: not below p
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           // y = 2 is not on the curve
           "0200000000000000000000000000000000000000000000000000000000000000",
       }) {
    EXPECT_EQ(PublicKey::parse(Algorithm::kEd25519, fromHex(hex)), nullptr) << hex;
  }
  EXPECT_EQ(PublicKey::parse(Algorithm::kEd25519, std::vector<uint8_t>(31, 9)), nullptr);
  EXPECT_EQ(PublicKey::parse(Algorithm::kEd25519, {}), nullptr);
}

TEST(Ed25519, AcceptsWhatLibsodiumSigns) {
  std::vector<uint8_t> secret(crypto_sign_SECRETKEYBYTES);
  for (size_t size = 0; size < 40; ++size) {
    Signed item{std::vector<uint8_t>(32), std::vector<uint8_t>(size, 7), std::vector<uint8_t>(64)};
    crypto_sign_keypair(item.key.data(), secret.data());
    crypto_sign_detached(item.signature.data(), nullptr, item.message.data(), size, secret.data());
    EXPECT_TRUE(accepts(Algorithm::kEd25519, item));
  }
}

TEST(Es256, AcceptsThePublishedVectorAndNoChangeOfIt) {
  const Signed item = es256Vector();
  EXPECT_TRUE(accepts(Algorithm::kEsp256, item));
  for (size_t bit = 0; bit < 512; bit += 3) {
    EXPECT_FALSE(accepts(
        Algorithm::kEsp256,
        changed(item,
                [bit](Signed& s) { s.signature[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8); })))
        << "bit " << bit;
  }
  EXPECT_FALSE(accepts(Algorithm::kEsp256, changed(item, [](Signed& s) { s.message[0] ^= 1; })));
  EXPECT_FALSE(
      accepts(Algorithm::kEsp256, changed(item, [](Signed& s) { s.signature.pop_back(); })));
}

TEST(Es256, AcceptsTheOtherHalfOfS) {
  // n − s verifies as well: tokens and TPMs do not normalise.
  Signed item = es256Vector();
  const std::vector<uint8_t> order =
      fromHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  int borrow = 0;
  for (size_t i = 32; i-- != 0;) {
    const int difference = order[i] - item.signature[32 + i] - borrow;
    borrow = difference < 0 ? 1 : 0;
    item.signature[32 + i] = static_cast<uint8_t>(difference + 256 * borrow);
  }
  EXPECT_TRUE(accepts(Algorithm::kEsp256, item));
}

TEST(Es256, RefusesScalarsOutsideTheirRange) {
  const std::vector<uint8_t> order =
      fromHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  for (const size_t at : {0, 32}) {
    EXPECT_FALSE(accepts(Algorithm::kEsp256, changed(es256Vector(), [at](Signed& s) {
                           std::fill_n(s.signature.begin() + static_cast<long>(at), 32, 0);
                         })));
    EXPECT_FALSE(accepts(Algorithm::kEsp256, changed(es256Vector(), [&](Signed& s) {
                           std::copy(order.begin(), order.end(),
                                     s.signature.begin() + static_cast<long>(at));
                         })));
  }
}

TEST(Es256, RefusesPointsOffTheCurveAndOtherEncodings) {
  std::vector<uint8_t> point = es256Vector().key;
  EXPECT_NE(PublicKey::parse(Algorithm::kEsp256, point), nullptr);
  point[64] ^= 1;
  EXPECT_EQ(PublicKey::parse(Algorithm::kEsp256, point), nullptr);
  point[64] ^= 1;
  point[0] = 6;  // the hybrid form names the same point
  EXPECT_EQ(PublicKey::parse(Algorithm::kEsp256, point), nullptr);
  std::vector<uint8_t> compressed(point.begin(), point.begin() + 33);
  compressed[0] = 3;
  EXPECT_EQ(PublicKey::parse(Algorithm::kEsp256, compressed), nullptr);
  EXPECT_EQ(PublicKey::parse(Algorithm::kEsp256, std::vector<uint8_t>(1, 0)), nullptr);
}

TEST(CoseKey, ExactlyTheTwoForms) {
  const std::string x = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
  const std::string point = test::toHex(es256Vector().key).substr(2);
  const std::string px = point.substr(0, 64), py = point.substr(64);
  const auto parse = [](const std::string& hex) { return PublicKey::parseCoseKey(fromHex(hex)); };
  const auto edwards = parse("a301012006215820" + x);
  ASSERT_NE(edwards, nullptr);
  EXPECT_EQ(edwards->algorithm(), Algorithm::kEd25519);
  const auto weierstrass = parse("a401022001215820" + px + "225820" + py);
  ASSERT_NE(weierstrass, nullptr);
  EXPECT_EQ(weierstrass->algorithm(), Algorithm::kEsp256);
  EXPECT_TRUE(weierstrass->verify(es256Vector().message, es256Vector().signature));

  EXPECT_EQ(parse("a301012006215820" + x + "00"), nullptr);            // trailing byte
  EXPECT_EQ(parse("a40101032720062158" + x), nullptr);                 // another member
  EXPECT_EQ(parse("a301012001215820" + x), nullptr);                   // key type and curve differ
  EXPECT_EQ(parse("a301022001215820" + px), nullptr);                  // no y
  EXPECT_EQ(parse("a401022001215820" + px + "22f5"), nullptr);         // compressed
  EXPECT_EQ(parse("a301012006215821" + x + "00"), nullptr);            // 33 bytes
  EXPECT_EQ(parse("a401022002215820" + px + "225820" + py), nullptr);  // P-384's number
  EXPECT_EQ(parse("a3010120062158200100000000000000000000000000000000"
                  "000000000000000000000000000000"),
            nullptr);  // small order
  EXPECT_EQ(parse(""), nullptr);
}

TEST(PublicKey, OneKeyVerifiesFromSeveralThreads) {
  for (const Algorithm algorithm : {Algorithm::kEd25519, Algorithm::kEsp256}) {
    const Signed good = algorithm == Algorithm::kEd25519 ? ed25519Vector() : es256Vector();
    const Signed bad = changed(good, [](Signed& s) { s.signature[40] ^= 1; });
    const auto key = PublicKey::parse(algorithm, good.key);
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 50; ++round) {
          if (key->verify(good.message, good.signature)) ++right;
          if (!key->verify(bad.message, bad.signature)) ++right;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(right, 4 * 50 * 2);
  }
}

TEST(KeyCache, ForgetsTheLeastRecentlyUsed) {
  KeyCache cache(2);
  const Signed edwards = ed25519Vector(), weierstrass = es256Vector();
  const auto first = cache.find(Algorithm::kEd25519, edwards.key);
  const auto second = cache.find(Algorithm::kEsp256, weierstrass.key);
  EXPECT_EQ(cache.find(Algorithm::kEd25519, edwards.key), first);
  const auto base = fromHex("5866666666666666666666666666666666666666666666666666666666666666");
  ASSERT_NE(cache.find(Algorithm::kEd25519, base), nullptr);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find(Algorithm::kEd25519, edwards.key), first);
  EXPECT_NE(cache.find(Algorithm::kEsp256, weierstrass.key), second);
  EXPECT_EQ(cache.find(Algorithm::kEsp256, edwards.key), nullptr);
  EXPECT_EQ(cache.size(), 2u);
}

}  // namespace
}  // namespace kudurru
