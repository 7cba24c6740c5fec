#include "ingest/bus/log_bus.h"

#include <fstream>

#include "proto/seal/seal.h"
#include "tests/unit/ingest/bus_contract.h"

namespace casebox::bus::test {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("casebox-bus-" + to_string(random_epoch()))) {}
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

class LogBench final : public Bench {
 public:
  LogBench() {
    log::WriterOptions options;
    options.file_size = 4 << 20;
    auto opened = log::Writer::open(dir(), clock_, options);
    if (!opened) ADD_FAILURE() << opened.error().message;
    writer_ = std::move(*opened);
    publisher_ = std::make_unique<LogPublisher>(*writer_);
  }
  Publisher& publisher() override { return *publisher_; }
  std::unique_ptr<Subscriber> subscriber() override {
    auto opened = LogSubscriber::open({dir()});
    if (!opened) ADD_FAILURE() << opened.error().message;
    return std::move(*opened);
  }
  fs::path dir() const { return folder_ / "spool"; }

 private:
  Folder folder_;
  SystemClock clock_;
  std::unique_ptr<log::Writer> writer_;
  std::unique_ptr<LogPublisher> publisher_;
};

INSTANTIATE_TEST_SUITE_P(, BusContract,
                         testing::Values(Kind{"Log",
                                              []() -> std::unique_ptr<Bench> {
                                                return std::make_unique<LogBench>();
                                              }}),
                         name_of);

TEST(LogSubscriber, DeliversNothingThatIsNotDurable) {
  LogBench bench;
  const auto sent = recording(9, 100);
  for (const Message& message : sent) ASSERT_TRUE(bench.publisher().publish(message));
  auto subscriber = bench.subscriber();
  ASSERT_TRUE(subscriber->resume({}));
  auto early = subscriber->poll(Duration{});
  ASSERT_TRUE(early) << early.error().message;
  EXPECT_FALSE(*early);
  ASSERT_TRUE(bench.publisher().flush(seconds(1)));
  EXPECT_EQ(by_lane(receive(*subscriber, sent.size())), by_lane(sent));
}

TEST(LogSubscriber, DeliversEachFrameOnceAlthoughLaterFilesBeginWithCopies) {
  LogBench bench;
  const auto sent = recording(30, 700 << 10);  // several files of 4 MiB
  publish_all(bench.publisher(), sent);
  auto files = log::files(bench.dir());
  ASSERT_TRUE(files);
  ASSERT_GT(files->size(), 3u);
  auto subscriber = bench.subscriber();
  ASSERT_TRUE(subscriber->resume({}));
  EXPECT_EQ(by_lane(receive(*subscriber, sent.size())), by_lane(sent));
  auto more = subscriber->poll(Duration{});
  ASSERT_TRUE(more);
  EXPECT_FALSE(*more);
}

TEST(LogSubscriber, WaitsForAFolderThatIsNotThereYet) {
  Folder folder;
  auto subscriber = LogSubscriber::open({folder / "spool"});
  ASSERT_TRUE(subscriber);
  ASSERT_TRUE((*subscriber)->resume({}));
  auto nothing = (*subscriber)->poll(Duration{});
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_FALSE(*nothing);
  SystemClock clock;
  auto writer = log::Writer::open(folder / "spool", clock);
  ASSERT_TRUE(writer) << writer.error().message;
  LogPublisher publisher(**writer);
  const auto sent = recording(3, 10);
  publish_all(publisher, sent);
  EXPECT_EQ(by_lane(receive(**subscriber, sent.size())), by_lane(sent));
}

TEST(LogSubscriber, TellsTwoLogsInFoldersOfOneNameApart) {
  Folder folder;
  SystemClock clock;
  std::vector<std::vector<Message>> sent;
  for (const char* dir : {"a/spool", "b/spool"}) {
    auto writer = log::Writer::open(folder / dir, clock);
    ASSERT_TRUE(writer) << writer.error().message;
    LogPublisher publisher(**writer);
    sent.push_back(recording(3, 10));
    publish_all(publisher, sent.back());
  }
  // One after the other, as a store is told of them: the place in the first is none in the second.
  auto first = LogSubscriber::open({folder / "a/spool"});
  ASSERT_TRUE(first) << first.error().message;
  const auto from_first = receive(**first, sent[0].size());
  ASSERT_EQ(by_lane(from_first), by_lane(sent[0]));
  auto second = LogSubscriber::open({folder / "b/spool/"});
  ASSERT_TRUE(second) << second.error().message;
  ASSERT_TRUE((*second)->resume({{from_first.back().source, from_first.back().next_offset}}));
  EXPECT_EQ(by_lane(receive(**second, sent[1].size())), by_lane(sent[1]));
}

// A folder put back from a backup goes on where the backup stood: the store's place in it is the
// place of something else.
TEST(LogSubscriber, ReadsALogThatTookAnothersPlaceFromItsBeginning) {
  Folder folder;
  SystemClock clock;
  const auto write = [&](const std::vector<Message>& messages) {
    auto writer = log::Writer::open(folder / "spool", clock);
    ASSERT_TRUE(writer) << writer.error().message;
    LogPublisher publisher(**writer);
    publish_all(publisher, messages);
  };
  const auto before = recording(3, 10), lost = recording(40, 10), after = recording(40, 10);
  write(before);
  fs::copy(folder / "spool", folder / "backup", fs::copy_options::recursive);
  write(lost);
  auto first = LogSubscriber::open({folder / "spool"});
  ASSERT_TRUE(first) << first.error().message;
  const Delivery last = receive(**first, before.size() + lost.size()).back();
  const Position::Mark mark{last.offset, seal::sha256(last.message.frame)};

  const auto rest = [&](std::optional<Position::Mark> known, size_t count) {
    auto again = LogSubscriber::open({folder / "spool"});
    EXPECT_TRUE(again && (*again)->resume({{last.source, last.next_offset, known}}));
    auto received = receive(**again, count);
    const auto more = (*again)->poll(Duration{});
    EXPECT_TRUE(more && !*more);
    return std::pair(std::move(received), (*again)->take_notices().size());
  };
  EXPECT_EQ(rest(mark, 0).second, 0u) << "the same log: nothing more in it";

  fs::remove_all(folder / "spool");
  fs::rename(folder / "backup", folder / "spool");
  write(after);
  auto whole = before;
  whole.insert(whole.end(), after.begin(), after.end());
  const auto [received, notices] = rest(mark, whole.size());
  EXPECT_EQ(by_lane(received), by_lane(whole));
  EXPECT_EQ(notices, 1u);

  fs::remove(log::files(folder / "spool")->back());
  EXPECT_EQ(rest(std::nullopt, before.size()).second, 1u) << "there is no such file";
}

TEST(LogSubscriber, RefusesTwoCopiesOfOneLog) {
  Folder folder;
  SystemClock clock;
  ASSERT_TRUE(log::Writer::open(folder / "a/spool", clock));
  fs::create_directories(folder / "b");
  fs::copy(folder / "a/spool", folder / "b/spool", fs::copy_options::recursive);
  auto subscriber = LogSubscriber::open({folder / "a/spool", folder / "b/spool/"});
  ASSERT_FALSE(subscriber);
  EXPECT_EQ(subscriber.error().code, Code::kInvalidArgument);
}

TEST(LogSubscriber, HandsOverBytesThatAreNotAFrameAndGoesOnBehindThem) {
  LogBench bench;
  const auto sent = recording(30, 100);
  publish_all(bench.publisher(), sent);
  auto first = bench.subscriber();
  ASSERT_TRUE(first->resume({}));
  const auto all = receive(*first, sent.size());
  ASSERT_EQ(all.size(), sent.size());
  const Delivery& broken = all[20];
  const auto at = log::Offset::unpack(broken.offset);
  {
    std::fstream file(log::files(bench.dir())->front(),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at.byte + frame::kHeaderSize + 10);
    file.put('\x7e');
  }
  for (bool resumed : {false, true}) {
    SCOPED_TRACE(resumed);
    auto subscriber = bench.subscriber();
    ASSERT_TRUE(subscriber->resume({{broken.source, resumed ? all[19].next_offset : uint64_t{0}}}));
    const auto received = receive(*subscriber, resumed ? sent.size() - 20 : sent.size());
    const Delivery& damaged = received[resumed ? 0 : 20];
    EXPECT_EQ(damaged.offset, broken.offset);
    EXPECT_EQ(damaged.next_offset, broken.next_offset);
    EXPECT_EQ(damaged.message.case_id, broken.message.case_id);
    EXPECT_EQ(damaged.message.frame.size(), broken.message.frame.size());
    EXPECT_NE(damaged.message.frame, broken.message.frame);
    EXPECT_FALSE(frame::parse(damaged.message.frame));
    EXPECT_EQ(received.back().message.frame, sent.back().frame);
  }
}

}  // namespace
}  // namespace casebox::bus::test
