#include "storage/found.h"

#include "proto/base/file.h"
#include "storage/internal/files.h"

namespace casebox::storage {
namespace {

constexpr size_t kMaxBytes = 64;

std::filesystem::path file_of(const std::filesystem::path& store, CaseId id) {
  return store / "found" / to_string(id);
}

}  // namespace

bool keep_found(const std::filesystem::path& store, CaseId id, verify::Verdict verdict) {
  if (verdict != verify::Verdict::kDamaged && verdict != verify::Verdict::kTampered) return true;
  const auto before = found(store, id);
  if (before && verify::worse(*before, verdict) == *before) return true;
  if (!make_folders(store / "found")) return false;
  return static_cast<bool>(
      write_file_atomic(file_of(store, id), std::string(verify::to_string(verdict)) + "\n", 0600));
}

void forget_found(const std::filesystem::path& store, CaseId id) {
  std::error_code ec;
  std::filesystem::remove(file_of(store, id), ec);
}

std::set<CaseId> all_found(const std::filesystem::path& store) {
  std::set<CaseId> out;
  std::error_code ec;
  for (std::filesystem::directory_iterator it(store / "found", ec), end; !ec && it != end;
       it.increment(ec))
    if (const auto id = parse_id<CaseId>(it->path().filename().string())) out.insert(*id);
  return out;
}

std::optional<verify::Verdict> found(const std::filesystem::path& store, CaseId id) {
  const auto text = read_file(file_of(store, id), kMaxBytes);
  if (!text) return std::nullopt;
  // Anything else in that place is what somebody made of it: then the bytes are to be asked.
  return text->starts_with("TAMPERED") ? verify::Verdict::kTampered : verify::Verdict::kDamaged;
}

void blame_found(const std::filesystem::path& store, CaseId id, verify::Report& report) {
  const auto known = found(store, id);
  if (!known || *known <= report.verdict) return;
  report.blame(
      {"row", "case", "what was read of it before did not hold; `casebox verify` reads all of it"},
      *known == verify::Verdict::kTampered ? verify::Weight::kTamper : verify::Weight::kDamage);
}

verify::Verdict with_found(const std::filesystem::path& store, CaseId id, verify::Verdict verdict) {
  const auto worse = found(store, id);
  return worse ? verify::worse(verdict, *worse) : verdict;
}

}  // namespace casebox::storage
