// Known answers of the standards behind proto/seal, and what must fail.
#include "proto/seal/seal.h"

#include <gtest/gtest.h>

namespace casebox::seal {
namespace {

Bytes unhex(std::string_view hex) { return *from_hex(hex); }

TEST(Seal, HashesAsFips180Says) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256({BytesView("a"), BytesView("bc")}), sha256("abc"));
  Sha256 whole;
  whole.update("ab");
  whole.update("c");
  EXPECT_EQ(whole.finish(), sha256("abc"));
  whole.update("abc");
  EXPECT_EQ(whole.finish(), sha256("abc")) << "finish starts a new digest";
}

TEST(Seal, SignsAsRfc8032Test2Says) {
  auto key = SigningKey::from_seed(
      unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(Digest(key->public_key())),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const Signature signature = key->sign("\x72");
  EXPECT_EQ(to_hex(BytesView(reinterpret_cast<const char*>(signature.data()), 64)),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(Seal, RefusesAChangedMessageKeyOrSignature) {
  const auto key = SigningKey::generate();
  const Signature s = key.sign("beat");
  const Bytes signature(reinterpret_cast<const char*>(s.data()), s.size());
  const Bytes public_key(view(Digest(key.public_key())));
  EXPECT_TRUE(verify_signature(public_key, "beat", signature));
  EXPECT_FALSE(verify_signature(public_key, "beaT", signature));
  EXPECT_FALSE(verify_signature(public_key, "beat", signature.substr(1)));
  for (size_t i = 0; i < signature.size(); ++i) {
    Bytes changed = signature;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(verify_signature(public_key, "beat", changed)) << "byte " << i;
  }
}

TEST(Seal, AcceptsNoSignatureUnderTheIdentityPoint) {
  // The neutral element verifies anything in a careless implementation.
  Bytes identity(32, '\0');
  identity[0] = 1;
  Bytes signature = identity + Bytes(32, '\0');
  EXPECT_FALSE(verify_signature(identity, "anything", signature));
}

TEST(Seal, EncryptsAsTheGcmSpecificationSays) {
  // McGrew and Viega, test case 16.
  auto key =
      Secret::from_bytes(unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
  auto aead = Aead::create(*key);
  ASSERT_TRUE(aead);
  Nonce nonce;
  const Bytes n = unhex("cafebabefacedbaddecaf888");
  std::copy(n.begin(), n.end(), reinterpret_cast<char*>(nonce.data()));
  const Bytes plain = unhex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
      "b525"
      "b16aedf5aa0de657ba637b39");
  const Bytes aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  Bytes sealed;
  ASSERT_TRUE(aead->seal(nonce, aad, plain, sealed));
  EXPECT_EQ(to_hex(sealed),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b"
            "1056828838"
            "c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
  Bytes back;
  ASSERT_TRUE(aead->open(nonce, aad, sealed, back));
  EXPECT_EQ(back, plain);
}

TEST(Seal, OpensNothingThatWasChanged) {
  auto aead = Aead::create(Secret::random());
  const Nonce nonce{};
  Bytes sealed;
  ASSERT_TRUE(aead->seal(nonce, "header", "content", sealed));
  for (size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    Bytes out = "kept";
    auto opened = aead->open(nonce, "header", changed, out);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::kCorrupt);
    EXPECT_EQ(out, "kept") << "unauthenticated plaintext must not leak";
  }
  Bytes out;
  EXPECT_FALSE(aead->open(nonce, "headeR", sealed, out));
  EXPECT_FALSE(aead->open(nonce, "header", "short", out));
}

TEST(Seal, DerivesKeysAsRfc5869Says) {
  // HKDF with a 32-byte secret; expected value computed with RFC 5869's definition in Python's
  // hmac.
  auto secret = Secret::from_bytes(Bytes(32, '\x0b'));
  auto key = hkdf(*secret, unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9"));
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(key->view()),
            "d4100799f26a09615a72af3e58fa3841a2ff20d5ace3fb392e562e207fe6b718");
  auto other = hkdf(*secret, unhex("000102030405060708090a0b0c"), "other use");
  EXPECT_NE(to_hex(other->view()), to_hex(key->view()));
}

TEST(Seal, AuthenticatesAsRfc2104Says) {
  // Expected value of Python's hmac.
  const auto key = Secret::from_bytes(Bytes(32, '\x0b'));
  const Digest whole = hmac(*key, {"Hi There"});
  EXPECT_EQ(to_hex(view(whole)),
            "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");
  EXPECT_EQ(hmac(*key, {"Hi", " ", "There"}), whole);
}

TEST(Seal, OnlyThePrivateKeyOpensASealedBox) {
  const auto pair = BoxKeyPair::generate();
  auto sealed = seal_to(pair.public_key, "epoch key");
  ASSERT_TRUE(sealed);
  EXPECT_EQ(*open_sealed(pair, *sealed), "epoch key");
  EXPECT_FALSE(open_sealed(BoxKeyPair::generate(), *sealed));
  EXPECT_FALSE(open_sealed(pair, sealed->substr(1)));
  EXPECT_EQ(*box_public_key(pair.private_key), pair.public_key);
}

TEST(Seal, WrappedKeysOpenOnlyUnderTheirSiteKey) {
  const Secret site = Secret::random(), key = Secret::random();
  auto wrapped = wrap_key(site, key);
  ASSERT_TRUE(wrapped);
  EXPECT_EQ(wrapped->size(), 40u);
  EXPECT_EQ(unwrap_key(site, *wrapped)->bytes(), key.bytes());
  EXPECT_EQ(unwrap_key(Secret::random(), *wrapped).error().code, Code::kCorrupt);
  Bytes changed = *wrapped;
  changed[20] = static_cast<char>(changed[20] ^ 1);
  EXPECT_FALSE(unwrap_key(site, changed));
}

TEST(Seal, AMovedSecretLeavesNothingBehind) {
  Secret first = Secret::random();
  const auto bytes = first.bytes();
  Secret second = std::move(first);
  EXPECT_EQ(second.bytes(), bytes);
  EXPECT_EQ(first.bytes(), (std::array<uint8_t, 32>{}));  // NOLINT: the point of the test
}

}  // namespace
}  // namespace casebox::seal
