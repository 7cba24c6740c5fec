#include <map>
#include <optional>
#include <utility>

#include "proto/log/log.h"
#include "proto/verify/verify.h"

namespace casebox::verify {
namespace {

std::string place(const log::Entry& entry) {
  return "file " + std::to_string(entry.offset.file) + " offset " +
         std::to_string(entry.offset.byte) + ", stream " +
         std::to_string(entry.frame.header.stream.value) + " number " +
         std::to_string(entry.frame.header.first.value);
}

/// The headers of a log's files by index; one that does not parse is left to the reader's damage.
std::map<uint32_t, v1::LogFileHeader> headers_of(const std::vector<std::filesystem::path>& files) {
  std::map<uint32_t, v1::LogFileHeader> headers;
  for (const auto& file : files) {
    uint32_t size = 0;
    if (auto header = log::read_file_header(file, &size))
      headers.emplace(static_cast<uint32_t>(header->file_index()), std::move(*header));
  }
  return headers;
}

class LogVerifier {
 public:
  LogVerifier(std::string dir, Options options) : dir_(std::move(dir)), options_(options) {}

  Result<std::vector<Report>> run();

 private:
  CaseVerifier& verifier(CaseId id);
  void check_header(const log::Entry& entry, bool pass2);
  Result<void> read(bool pass2);
  void blame(const log::Damage& damage);

  std::string dir_;
  Options options_;
  std::map<uint32_t, v1::LogFileHeader> headers_;
  std::map<CaseId, CaseVerifier> cases_;
  std::vector<CaseId> order_;
  std::optional<uint32_t> file_;  // whose header was compared last
};

CaseVerifier& LogVerifier::verifier(CaseId id) {
  auto found = cases_.find(id);
  if (found == cases_.end()) {
    found = cases_.emplace(id, CaseVerifier(id, options_)).first;
    order_.push_back(id);
  }
  return found->second;
}

void LogVerifier::check_header(const log::Entry& entry, bool pass2) {
  if (entry.preamble || file_ == entry.offset.file) return;
  file_ = entry.offset.file;
  const auto header = headers_.find(entry.offset.file);
  if (header == headers_.end()) return;
  for (const auto& epoch : header->second.epochs())
    for (const auto& position : epoch.positions())
      verifier(entry.case_id)
          .check_position(Epoch{epoch.epoch()}, position, pass2,
                          "header of file " + std::to_string(entry.offset.file));
}

Result<void> LogVerifier::read(bool pass2) {
  CASEBOX_TRY(auto reader, log::Reader::open(dir_, {}, {.below_durable_only = false}));
  file_.reset();
  for (;;) {
    CASEBOX_TRY(const auto entry, reader->next());
    if (!entry) break;
    check_header(*entry, pass2);
    CaseVerifier& verifier = this->verifier(entry->case_id);
    const bool control = entry->frame.header.stream == kControlStream;
    if (entry->preamble) {
      if (pass2) verifier.add_copy(entry->frame, place(*entry));
    } else if (control && !pass2) {
      verifier.add_control(entry->frame, entry->producer, place(*entry));
    } else if (!control && pass2) {
      verifier.add(entry->frame, place(*entry));
    }
  }
  if (pass2)
    for (const log::Damage& damage : reader->damage()) blame(damage);
  return ok();
}

/// Damage belongs to the case of its file; of a file without a readable header, to every case:
/// nobody can say.
void LogVerifier::blame(const log::Damage& damage) {
  const Problem problem{
      damage.torn_tail ? "torn-tail" : "crc",
      damage.file.filename().string() + " offset " + std::to_string(damage.offset), damage.what};
  uint32_t size = 0;
  if (auto header = log::read_file_header(damage.file, &size)) {
    if (auto id = id_from_bytes<CaseId>(header->case_id())) {
      verifier(*id).add_problem(problem, !damage.torn_tail);
      return;
    }
  }
  if (cases_.empty()) verifier(CaseId{});
  for (auto& [id, verifier] : cases_) verifier.add_problem(problem, !damage.torn_tail);
}

Result<std::vector<Report>> LogVerifier::run() {
  CASEBOX_TRY(const auto files, log::files(dir_));
  headers_ = headers_of(files);
  CASEBOX_CHECK(read(false));
  CASEBOX_CHECK(read(true));
  std::vector<Report> reports;
  for (const CaseId& id : order_) reports.push_back(cases_.at(id).finish());
  return reports;
}

}  // namespace

Result<std::vector<Report>> verify_log(const std::string& dir, const Options& options) {
  return LogVerifier(dir, options).run();
}

}  // namespace casebox::verify
