// A log file from a stranger: read in both modes, recovered, read again, continued by a writer.
// Recovery keeps every frame that was readable below the durable offset, and what the writer
// appends comes last.

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "proto/base/file.h"
#include "proto/log/log.h"

namespace {

namespace fs = std::filesystem;
using namespace casebox;

// A folder for one run, in memory where there is one: a fuzzer ends without calling anybody.
class Folder {
 public:
  Folder() {
    std::error_code error;
    const fs::path base =
        fs::is_directory("/dev/shm", error) ? "/dev/shm" : fs::temp_directory_path();
    std::string name = (base / "casebox-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

size_t count(const fs::path& dir, bool below_durable_only) {
  auto reader = log::Reader::open(dir, {}, {.below_durable_only = below_durable_only});
  if (!reader) std::abort();
  size_t frames = 0;
  while (true) {
    auto entry = (*reader)->next();
    if (!entry || !*entry) return frames;
    if (!((*entry)->offset < (*entry)->next)) std::abort();
    ++frames;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Folder folder;
  const fs::path& dir = folder.path();
  {
    auto fd = Fd::open(dir / "00000001.cblog", O_WRONLY | O_CREAT);
    if (!fd || !write_all(*fd, {reinterpret_cast<const char*>(data), size}, dir)) std::abort();
  }
  const size_t before = count(dir, false);
  if (count(dir, true) != 0) std::abort();  // nobody said that anything is durable
  auto recovered = log::recover(dir);
  if (!recovered) return 0;
  const size_t after = count(dir, true);
  if (after < before) std::abort();
  ManualClock clock(MonoTime{1}, UtcTime{1});
  auto writer = log::Writer::open(dir, clock, {.file_size = 64 << 10, .sync = false});
  if (!writer) std::abort();
  const CaseId case_id{{1}};
  if (!(*writer)->begin_case(case_id, ProducerId{{2}}, v1::PRODUCER_ROLE_RECORDER)) return 0;
  auto frame = frame::encode(frame::Header{.stream = StreamId{1}, .epoch = Epoch{1}}, "body");
  if (!frame || !(*writer)->append(*frame) || !(*writer)->end_case()) std::abort();
  if (count(dir, true) < after + 1) std::abort();
  return 0;
}
