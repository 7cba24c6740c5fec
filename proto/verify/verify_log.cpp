#include <map>
#include <optional>
#include <set>
#include <utility>

#include "proto/log/log.h"
#include "proto/verify/verify.h"

namespace casebox::verify {
namespace {

/// The headers of a log's files by index; one that does not parse is left to the reader's damage.
std::map<uint32_t, v1::LogFileHeader> headers_of(const std::vector<std::filesystem::path>& files) {
  std::map<uint32_t, v1::LogFileHeader> headers;
  for (const auto& file : files) {
    uint32_t size = 0;
    const auto index = log::file_index(file);
    if (auto header = log::read_file_header(file, &size); header && index)
      headers.emplace(*index, std::move(*header));
  }
  return headers;
}

class LogVerifier {
 public:
  LogVerifier(std::string dir, Options options)
      : dir_(std::move(dir)), options_(std::move(options)) {
    options_.one_signer = true;
  }

  Result<std::vector<Report>> run();

 private:
  CaseVerifier& verifier(CaseId id);
  void check_header(const log::Entry& entry, bool pass2);
  Result<void> read(bool pass2);
  void blame(const log::Damage& damage);
  void blame_all(const Problem& problem, Weight weight);
  void check_files(const std::vector<std::filesystem::path>& files);

  std::string dir_;
  Options options_;
  std::map<uint32_t, v1::LogFileHeader> headers_;
  std::map<CaseId, CaseVerifier> cases_;
  std::vector<CaseId> order_;
  std::optional<uint32_t> file_;  // whose header was compared last
  std::set<uint32_t> with_frames_;
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
  with_frames_.insert(*file_);
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
      if (pass2) verifier.add_copy(entry->frame, entry->offset);
    } else if (control && !pass2) {
      verifier.add_control(entry->frame, entry->producer, entry->offset);
    } else if (!control && pass2) {
      verifier.add(entry->frame, entry->offset);
    }
  }
  if (pass2)
    for (const log::Damage& damage : reader->damage()) blame(damage);
  return ok();
}

void LogVerifier::blame_all(const Problem& problem, Weight weight) {
  if (cases_.empty()) verifier(CaseId{});
  for (auto& [id, verifier] : cases_) verifier.add_problem(problem, weight);
}

/// Damage belongs to the case of its file; of a file without a readable header, to every case:
/// nobody can say.
void LogVerifier::blame(const log::Damage& damage) {
  const Problem problem{
      damage.torn_tail ? "torn-tail" : "crc",
      damage.file.filename().string() + " offset " + std::to_string(damage.offset), damage.what};
  const Weight weight = damage.torn_tail ? Weight::kTorn : Weight::kDamage;
  uint32_t size = 0;
  if (auto header = log::read_file_header(damage.file, &size)) {
    if (auto id = id_from_bytes<CaseId>(header->case_id()))
      return verifier(*id).add_problem(problem, weight);
  }
  blame_all(problem, weight);
}

/// What no frame can tell: files that are gone or hold nothing.
void LogVerifier::check_files(const std::vector<std::filesystem::path>& files) {
  const uint32_t last = headers_.empty() ? 0 : headers_.rbegin()->first;
  for (const auto& [index, header] : headers_) {
    auto id = id_from_bytes<CaseId>(header.case_id());
    if (id && header.file_index() != index)
      verifier(*id).add_problem(
          {"header", "file " + std::to_string(index),
           "its header says that it is file " + std::to_string(header.file_index())},
          Weight::kDamage);
    if (!id || with_frames_.contains(index)) continue;
    // A file is made before its first frame is written: at the end of a log that is a crash.
    verifier(*id).add_problem({"empty", "file " + std::to_string(index),
                               "its header names this case and no frame follows"},
                              index == last ? Weight::kTorn : Weight::kDamage);
  }
  for (const auto& file : files)
    if (uint32_t size = 0; !log::read_file_header(file, &size))
      blame_all({"header", file.filename().string(), "its header cannot be read"}, Weight::kDamage);
  auto durable = log::durable_offset(dir_);
  if (durable && *durable && (*durable)->file > last) {
    blame_all({"durable", dir_ + "/durable",
               "file " + std::to_string((*durable)->file) + " was on disk and is not here"},
              Weight::kDamage);
  }
}

Result<std::vector<Report>> LogVerifier::run() {
  CASEBOX_TRY(const auto files, log::files(dir_));
  headers_ = headers_of(files);
  CASEBOX_CHECK(read(false));
  CASEBOX_CHECK(read(true));
  check_files(files);
  std::vector<Report> reports;
  const bool from_first = headers_.empty() || headers_.begin()->first == 1;
  for (const CaseId& id : order_) {
    reports.push_back(cases_.at(id).finish());
    if (!from_first)
      reports.back().not_proven.push_back("what the files before " +
                                          std::to_string(headers_.begin()->first) +
                                          " held: they are not here");
  }
  return reports;
}

}  // namespace

Result<std::vector<Report>> verify_log(const std::string& dir, const Options& options) {
  return LogVerifier(dir, options).run();
}

}  // namespace casebox::verify
