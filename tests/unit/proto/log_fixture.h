#pragma once

// A log in a folder of its own, with frames of one case, for the tests of proto/log.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/base/file.h"
#include "proto/log/log.h"
#include "tests/support/frames.h"

namespace casebox::log::test {

namespace fs = std::filesystem;

constexpr StreamId kEvents{1};

class LogTest : public ::testing::Test {
 protected:
  fs::path dir() const { return folder_.path() / "spool"; }
  fs::path file(uint32_t index) const {
    char name[32];
    std::snprintf(name, sizeof name, "%08u.cblog", index);
    return dir() / name;
  }

  std::unique_ptr<Writer> writer(WriterOptions options = {}) {
    auto opened = Writer::open(dir(), clock_, options);
    if (!opened) ADD_FAILURE() << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }
  void begin(Writer& writer) {
    auto begun = writer.begin_case(maker_.case_id, maker_.producer, maker_.role);
    ASSERT_TRUE(begun) << begun.error().message;
  }
  Offset append(Writer& writer, const Bytes& frame) {
    auto at = writer.append(frame);
    if (!at) {
      ADD_FAILURE() << at.error().message;
      return {};
    }
    sent_.push_back(frame);
    return *at;
  }
  /// Case and stream frame, then `events` frames of `size` bytes of text.
  void fill(Writer& writer, int events, size_t size = 100) {
    append(writer, maker_.open());
    append(writer, maker_.stream(kEvents, "team.marks", v1::STREAM_KIND_TEAM));
    for (int i = 0; i < events; ++i) append(writer, event(size));
  }
  Bytes event(size_t size = 100) {
    Bytes body(size, 'x');
    for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 37 + events_);
    ++events_;
    return maker_.make(frame::Kind::kData, kEvents, CaseTime{events_ * 1'000'000}, body);
  }

  struct Read {
    std::vector<Bytes> frames;   // without copies
    std::vector<Entry> entries;  // of all; their views are gone
    std::vector<Damage> damage;
  };
  Read read(ReaderOptions options = {}, Offset from = {}) {
    Read out;
    auto reader = Reader::open(dir(), from, options);
    if (!reader) {
      ADD_FAILURE() << reader.error().message;
      return out;
    }
    drain(**reader, out);
    return out;
  }
  static void drain(Reader& reader, Read& out) {
    while (true) {
      auto entry = reader.next();
      if (!entry) {
        ADD_FAILURE() << entry.error().message;
        break;
      }
      if (!*entry) break;
      if (!(*entry)->preamble) out.frames.emplace_back((*entry)->frame.bytes);
      out.entries.push_back(**entry);
    }
    out.damage = reader.damage();
  }

  static Bytes content(const fs::path& path) {
    auto bytes = read_file(path);
    if (!bytes) ADD_FAILURE() << bytes.error().message;
    return bytes.value_or(Bytes());
  }
  static void overwrite(const fs::path& path, uint64_t at, BytesView bytes) {
    std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(at));
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    ASSERT_TRUE(out.good());
  }

  casebox::testing::TempDir folder_;
  ManualClock clock_{MonoTime{1}, UtcTime{1}};
  casebox::testing::FrameMaker maker_;
  std::vector<Bytes> sent_;
  int events_ = 0;
};

}  // namespace casebox::log::test
