#include "analytics/readers/internal/csv_rows.h"

#include <algorithm>

namespace casebox::analytics::readers::internal {
namespace {

constexpr size_t kChunk = 1 << 18;
constexpr size_t kMaxField = 1 << 20;
constexpr size_t kMaxFields = 4096;

}  // namespace

Error CsvRows::at_line(const std::string& what) const { return at(row_line_, what); }

Error CsvRows::at(uint64_t line, const std::string& what) const {
  return Error{Code::kInvalidArgument, source_.name() + ":" + std::to_string(line) + ": " + what};
}

Result<int> CsvRows::peek() {
  if (at_ == buffer_.size() && !ended_) {
    buffer_.resize(kChunk);
    at_ = 0;
    CASEBOX_TRY(const size_t n, source_.read(buffer_.data(), kChunk));
    buffer_.resize(n);
    ended_ = n == 0;
  }
  return at_ < buffer_.size() ? static_cast<unsigned char>(buffer_[at_]) : -1;
}

Result<int> CsvRows::get() {
  CASEBOX_TRY(const int c, peek());
  if (c >= 0) ++at_;
  if (c == '\n') ++line_;
  return c;
}

void CsvRows::find_separator() {
  if (buffer_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  const std::string header = buffer_.substr(at_, buffer_.find('\n', at_) - at_);
  ptrdiff_t most = 0;
  for (const char c : {',', ';', '\t'})
    if (const auto n = std::ranges::count(header, c); n > most) {
      most = n;
      separator_ = c;
    }
}

Result<bool> CsvRows::next(std::vector<std::string>& fields) {
  fields.clear();
  CASEBOX_TRY(int c, peek());
  if (!begun_) {
    find_separator();
    begun_ = true;
    CASEBOX_TRY(c, peek());
  }
  while (c == '\n' || c == '\r') {
    CASEBOX_CHECK(get());
    CASEBOX_TRY(c, peek());
  }
  row_line_ = line_;
  if (c < 0) return false;
  std::string field;
  bool quoted = false, was_quoted = false;
  for (;;) {
    CASEBOX_TRY(c, get());
    if (field.size() > kMaxField) return at_line("a field longer than 1 MiB; this is no event log");
    if (quoted) {
      if (c < 0) return at_line("a quote is never closed; close it");
      if (c != '"') {
        field += static_cast<char>(c);
        continue;
      }
      CASEBOX_TRY(const int after, peek());
      if (after == '"') {
        CASEBOX_CHECK(get());
        field += '"';
      } else {
        quoted = false;
      }
      continue;
    }
    if (c == '"' && field.empty() && !was_quoted) {
      quoted = was_quoted = true;
    } else if (c == separator_ || c < 0 || c == '\n') {
      if (!field.empty() && field.back() == '\r' && c != separator_) field.pop_back();
      fields.push_back(std::move(field));
      field.clear();
      was_quoted = false;
      if (fields.size() > kMaxFields) return at_line("more than 4096 fields; this is no event log");
      if (c != separator_) return true;
    } else {
      field += static_cast<char>(c);
    }
  }
}

}  // namespace casebox::analytics::readers::internal
