#include "tools/documents/import_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tools/cli/names.h"

namespace casebox::tools {
namespace {

constexpr size_t kImportColumns = 7;
using ImportRow = std::array<std::string, kImportColumns>;

/// Items a second; 0: not even.
double import_rate(const v1::Stream& stream) {
  const v1::Rational& rate = stream.tick_rate_hz();
  if (rate.num() == 0 || rate.den() == 0) return 0;
  return static_cast<double>(rate.num()) / static_cast<double>(rate.den());
}

/// Signs on a terminal, not bytes.
size_t signs(const std::string& text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

std::string import_gaps(const recorder::StreamReport& row) {
  if (row.gaps == 0) return "-";
  return row.missing == 0 ? fmt::format("{}", row.gaps)
                          : fmt::format("{} ({} missing)", row.gaps, row.missing);
}

Json seconds_json(const std::optional<CaseTime>& t) {
  return t ? Json(t->seconds()) : Json(nullptr);
}

}  // namespace

std::string import_table(const std::vector<recorder::StreamReport>& streams) {
  if (streams.empty()) return "";
  std::vector<ImportRow> rows = {{"stream", "kind", "rate", "span", "items", "gaps", "notices"}};
  for (const recorder::StreamReport& row : streams) {
    const double rate = import_rate(row.stream);
    rows.push_back({row.stream.name(), name_of(row.stream.kind()),
                    rate > 0 ? fmt::format("{:.6g} Hz", rate) : "-",
                    row.first
                        ? fmt::format("{:.3f} - {:.3f} s", row.first->seconds(), row.end->seconds())
                        : "-",
                    fmt::format("{}", row.items), import_gaps(row),
                    row.notices > 0 ? fmt::format("{}", row.notices) : "-"});
  }
  std::array<size_t, kImportColumns> widest{};
  for (const ImportRow& row : rows)
    for (size_t c = 0; c < kImportColumns; ++c) widest[c] = std::max(widest[c], signs(row[c]));
  std::string out;
  for (const ImportRow& row : rows) {
    std::string line = " ";
    for (size_t c = 0; c < kImportColumns; ++c) {
      const std::string blank(widest[c] - signs(row[c]), ' ');
      line += " " + (c < 2 ? row[c] + blank : blank + row[c]) + " ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

Json survey_streams_json(const std::vector<recorder::StreamReport>& streams) {
  Json out = Json::array();
  for (const recorder::StreamReport& row : streams) {
    Json one = {{"name", row.stream.name()},
                {"kind", name_of(row.stream.kind())},
                {"items", row.items},
                {"missing", row.missing},
                {"gaps", row.gaps},
                {"first_t_s", seconds_json(row.first)},
                {"last_t_s", seconds_json(row.last)},
                {"channels", Json::array()}};
    const double rate = import_rate(row.stream);
    for (const v1::Channel& channel : row.stream.channels())
      one["channels"].push_back(
          {{"name", channel.name()},
           {"unit", channel.unit()},
           {"rate_hz",
            rate > 0 ? Json(rate * std::max(1u, channel.samples_per_tick())) : Json(nullptr)}});
    out.push_back(std::move(one));
  }
  return out;
}

Json skipped_json(const std::vector<recorder::Skipped>& skipped) {
  Json out = Json::array();
  for (const recorder::Skipped& one : skipped)
    out.push_back({{"file", one.file}, {"offset", one.offset}, {"reason", one.reason}});
  return out;
}

Json notices_json(const std::vector<recorder::Skipped>& skipped) {
  Json out = Json::array();
  for (const recorder::Skipped& one : skipped)
    if (!one.damage)
      out.push_back({{"file", one.file},
                     {"place", one.offset == 0 ? Json(nullptr) : Json(one.offset)},
                     {"text", one.reason}});
  return out;
}

}  // namespace casebox::tools
