// Streams and channels in URLs: known words, or tokens.
#include <gtest/gtest.h>

#include "tools/web/keys.h"

namespace casebox::tools::web {
namespace {

TEST(UrlKeys, AreNamesOnlyWhereTheVocabularyKnowsThem) {
  v1::Stream stream;
  stream.set_stream_id(7);
  stream.set_name("monitor.ecg");
  EXPECT_EQ(key_of(stream), "monitor.ecg");
  stream.set_name("bed 3.Smith");
  EXPECT_EQ(key_of(stream), "stream-7");
  v1::Channel& known = *stream.add_channels();
  known.set_id(1);
  known.set_name("ECG_II");
  v1::Channel& other = *stream.add_channels();
  other.set_id(2);
  other.set_name("Smith's pulse");
  EXPECT_EQ(key_of(known), "ECG_II");
  EXPECT_EQ(key_of(other), "channel-2");
  for (const v1::Channel* one : {&known, &other}) {
    EXPECT_EQ(channel_by_key(stream, key_of(*one))->id(), one->id());
    EXPECT_EQ(channel_by_key(stream, one->name())->id(), one->id());
  }
  EXPECT_EQ(channel_by_key(stream, "channel-3"), nullptr);
  EXPECT_EQ(channel_by_key(stream, "channel-1"), nullptr) << "its name is its key";
}

}  // namespace
}  // namespace casebox::tools::web
