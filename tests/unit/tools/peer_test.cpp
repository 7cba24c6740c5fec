#include "tools/bench/peer.h"

#include <gmock/gmock.h>

#include <fstream>

namespace casebox::tools::bench {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Scripts for /bin/sh, which stands for Python here.
class Peer : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "casebox-peer-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    peers_ = {"/bin/sh", name};
  }
  void TearDown() override { fs::remove_all(peers_.scripts); }
  void script(const std::string& text) { std::ofstream(peers_.scripts / "one") << text; }

  Peers peers_;
};

TEST_F(Peer, GivesTheDocumentThatTheScriptPrints) {
  script("echo \"{\\\"cases\\\": $1, \\\"peak_rss_bytes\\\": 4096}\"");
  const auto run = run_peer(peers_, "one", {"17"});
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->document["cases"], 17);
  EXPECT_EQ(run->peak_rss_bytes, 4096u);
  EXPECT_GT(run->seconds, 0);
}

TEST_F(Peer, AFailingScriptIsAnErrorThatNamesIt) {
  script("echo '{}'; exit 3");
  const auto run = run_peer(peers_, "one", {});
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("one: ended with code 3"));
}

TEST_F(Peer, AScriptThatPrintsSomethingElseIsRefused) {
  script("echo done");
  const auto run = run_peer(peers_, "one", {});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, Code::kCorrupt);
}

TEST_F(Peer, IsStoppedWhenItTakesTooLong) {
  script("exec sleep 60");
  const auto run = run_peer(peers_, "one", {}, std::chrono::seconds(1));
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("stopped after 1 s"));
}

TEST_F(Peer, APythonThatIsNotThereIsAnError) {
  peers_.python = peers_.scripts / "none";
  script("");
  const auto run = run_peer(peers_, "one", {});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, Code::kUnavailable);
}

TEST_F(Peer, IsFoundInTheTreeOfTheProgram) {
  const fs::path tree = peers_.scripts;
  fs::create_directories(tree / "tests/bench/peers");
  fs::create_directories(tree / "tests/.venv/bin");
  std::ofstream(tree / "tests/.venv/bin/python") << "";
  const auto found = Peers::find("", tree / "build/release/casebox");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->python, tree / "tests/.venv/bin/python");
  EXPECT_EQ(found->scripts, tree / "tests/bench/peers");
  EXPECT_FALSE(Peers::find("none", tree / "build/release/casebox"));
}

// Memory of before the fork is not counted, memory of the work is.
TEST(RunApart, CountsTheMemoryOfTheWorkAlone) {
  constexpr size_t kBig = 200 << 20;
  {
    std::string before(kBig, 'x');
    ASSERT_EQ(before[kBig / 2], 'x');
  }
  const auto small = run_apart([]() -> Result<Json> { return Json{{"n", 1}}; });
  ASSERT_TRUE(small) << small.error().message;
  EXPECT_EQ(small->document["n"], 1);
  EXPECT_LT(small->peak_rss_bytes, kBig);
  const auto big = run_apart([]() -> Result<Json> {
    std::string here(kBig, 'y');
    return Json{{"last", here.back() == 'y'}};
  });
  ASSERT_TRUE(big) << big.error().message;
  EXPECT_GE(big->peak_rss_bytes, kBig);
}

TEST(RunApart, PassesAnErrorOn) {
  const auto run = run_apart([]() -> Result<Json> {
    return Error{Code::kIo, "disk: full; free some"};
  });
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("disk: full; free some"));
}

}  // namespace
}  // namespace casebox::tools::bench
