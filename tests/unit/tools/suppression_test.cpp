#include "tools/documents/suppression.h"

#include <gmock/gmock.h>

#include <functional>
#include <random>
#include <regex>

#include "tools/report/committee.h"
#include "tools/report/html.h"

namespace casebox::tools {
namespace {

using ::testing::ElementsAre;

CaseSet range(size_t from, size_t to) {
  CaseSet out;
  for (size_t i = from; i < to; ++i) out.insert(i);
  return out;
}

TEST(Suppression, PartsOfATotalCannotBeSubtracted) {
  const auto parts = [](const std::vector<size_t>& sizes) {
    size_t total = 0;
    for (const size_t n : sizes) total += n;
    Suppression shown(total);
    EXPECT_TRUE(shown.show(range(0, total)));
    std::vector<CaseSet> sets;
    size_t at = 0;
    for (const size_t n : sizes) {
      sets.push_back(range(at, at + n));
      at += n;
    }
    return shown.show_each(sets);
  };
  EXPECT_THAT(parts({50, 15, 5}), ElementsAre(true, false, false));
  EXPECT_THAT(parts({50, 15, 12}), ElementsAre(true, true, true));
  EXPECT_THAT(parts({50, 6, 7}), ElementsAre(true, false, false));
  EXPECT_THAT(parts({50, 14, 2, 3}), ElementsAre(true, false, false, false));
  EXPECT_THAT(parts({50, 0}), ElementsAre(true, true));
}

TEST(Suppression, AFewCasesAreNotToldByASetInsideAnother) {
  Suppression shown(100);
  EXPECT_TRUE(shown.show(range(0, 40)));
  EXPECT_FALSE(shown.show(range(0, 35)));  // five are in the one and not in the other
  EXPECT_FALSE(shown.show(range(0, 45)));  // the other way round
  EXPECT_TRUE(shown.show(range(0, 29)));
  EXPECT_FALSE(shown.show(range(29, 35)));  // six
  EXPECT_TRUE(shown.show(range(50, 90)));
}

TEST(Suppression, AFewCasesAreNotToldByThreeSetsThatOverlap) {
  Suppression shown(100);
  EXPECT_TRUE(shown.show(range(0, 40)));
  EXPECT_TRUE(shown.show(range(35, 75)));
  EXPECT_FALSE(shown.show(range(0, 70)));  // 40 and 40 less 70: the five in both, and five beyond
  EXPECT_TRUE(shown.show(range(0, 60)));   // ten more beyond are enough
}

TEST(Suppression, WhatIsKeptBackStaysUnknown) {
  Suppression shown(30);
  EXPECT_TRUE(shown.show(range(0, 20)));
  EXPECT_FALSE(shown.show(range(0, 25)));
  EXPECT_FALSE(shown.show(range(0, 10)));
  // 25 was never shown, so that 11 of its 25 and the whole of 30 do not tell the five between.
  EXPECT_FALSE(shown.show(range(20, 30)));
  EXPECT_FALSE(shown.show(range(0, 30)));
}

TEST(Shares, HaveTheirWilsonInterval) {
  // Wilson (1927) for 15 of 30: 0.331 to 0.669.
  EXPECT_EQ(share_text(15, true, 30, true), "50 % (33 to 67 %)");
  EXPECT_EQ(share_text(15, true, 30, false), "");  // 15 and a share give the 30
  EXPECT_EQ(share_text(15, false, 30, true), "");
  EXPECT_EQ(percent_text(15, true, 30, true), "50 %");
  EXPECT_EQ(percent_text(15, true, 30, false), "");
  EXPECT_EQ(count_text(15, false), "withheld");
}

// The committee's page as somebody reads it who wants to know about few cases.

using report::Cohort;
using report::CohortCase;

Cohort random_cohort(uint32_t seed) {
  std::mt19937 random(seed);
  const auto chance = [&](double p) { return std::uniform_real_distribution<>(0, 1)(random) < p; };
  const auto pick = [&](size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random);
  };
  const double odds[] = {.02, .1, .3, .6, .9, .98};
  Cohort out;
  const size_t n = 11 + pick(80);
  const double other_procedure = odds[pick(4)], other_norm = odds[pick(4)], ran = odds[3 + pick(3)];
  double kinds[6], phases[4];
  for (double& p : kinds) p = odds[pick(6)];
  for (double& p : phases) p = odds[2 + pick(4)];
  size_t tag = 0;
  for (size_t i = 0; i < n; ++i) {
    CohortCase one;
    one.case_id = "case-" + std::to_string(1000 + i);
    one.procedure = chance(other_procedure) ? "gastric-bypass" : "lap-cholecystectomy";
    one.verdict = chance(.9) ? verify::Verdict::kComplete : verify::Verdict::kUnclosed;
    one.consent_stated = chance(.8);
    one.allowed = !one.consent_stated || chance(.95);
    one.room = "room" + std::to_string(pick(3));
    one.start_utc_ns = int64_t(pick(1000)) * 1'000'000'000;
    one.duration_s = 1000. + double(pick(3000));
    one.has_gaps = chance(.3);
    one.broken_clock = chance(.1);
    one.times.case_id = one.case_id;
    if (chance(.1)) one.times.excluded = "Overlap";
    for (size_t k = 0; k < 4; ++k)
      if (chance(phases[k]))
        one.times.seconds["phase" + std::to_string(k)] = 60. + double(pick(600));
    if (chance(ran)) {
      one.comparison.outcome = Compared::Outcome::kRan;
      one.comparison.norm = {chance(other_norm) ? "b@1.0.0" : "a@1.0.0", "ab"};
      for (size_t k = 0; k < 6; ++k)
        for (size_t times = chance(kinds[k]) ? 1 + pick(2) : 0; times > 0; --times)
          one.departures.push_back({"missing", "step" + std::to_string(k), "certain",
                                    "value" + std::to_string(k / 3),
                                    "F-" + std::to_string(10'000 + tag++)});
    }
    out.cases.push_back(std::move(one));
  }
  return out;
}

using Is = std::function<bool(const CohortCase&)>;
using Line = std::vector<std::string>;

std::string decoded(const std::string& uri) {
  std::string out;
  for (size_t i = 0; i < uri.size(); ++i) {
    if (uri[i] != '%') {
      out += uri[i];
      continue;
    }
    out += static_cast<char>(std::stoi(uri.substr(i + 1, 2), nullptr, 16));
    i += 2;
  }
  return out;
}

std::vector<Line> csv_of(const std::string& html) {
  std::smatch found;
  if (!std::regex_search(html, found, std::regex("href=\"data:text/csv;charset=utf-8,([^\"]*)\"")))
    return {};
  std::vector<Line> out;
  std::string field;
  Line line;
  bool quoted = false;
  for (const char c : decoded(found[1])) {
    if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ',' || c == '\n')) {
      line.push_back(std::exchange(field, {}));
      if (c == '\n') out.push_back(std::exchange(line, {}));
    } else if (c != '\r' || quoted) {
      field += c;
    }
  }
  return out;
}

std::string departure_row(const report::CohortDeparture& d) {
  return report::words(d.kind) + ": " + report::words(d.step) + ", " + d.certainty;
}

/// Which cases a count of the CSV is about; none: it is no count of cases.
std::optional<Is> about(const Line& line) {
  const std::string &section = line[0], &table = line[1], &row = line[2], &column = line[3];
  const bool by_room = table.starts_with("Operations with a certain departure");
  if (column != "Cases" && column != "n" && !by_room) return std::nullopt;
  const auto of_section = [section](const CohortCase& c) {
    return c.allowed && section.starts_with(report::words(c.procedure));
  };
  if (by_room && (column == "Operations" || column == "With one"))
    return [=](const CohortCase& c) {
      return of_section(c) && c.comparison.ran() && section.ends_with(c.comparison.norm.id) &&
             c.room == row && (column == "Operations" || !c.departures.empty());
    };
  if (by_room) return std::nullopt;
  if (table.starts_with("Verdict"))
    return [row](const CohortCase& c) { return verify::to_string(c.verdict) == row; };
  if (table.starts_with("What limits")) {
    static const std::map<std::string, Is> kRows = {
        {"no key opens it", [](const CohortCase& c) { return c.sealed; }},
        {"consent does not include quality", [](const CohortCase& c) { return !c.allowed; }},
        {"consent is not stated in the record",
         [](const CohortCase& c) { return !c.consent_stated; }},
        {"at least one declared gap", [](const CohortCase& c) { return c.has_gaps; }},
        {"a device clock was broken: no timing claim",
         [](const CohortCase& c) { return c.broken_clock; }},
        {"no phases are known", [](const CohortCase& c) { return c.times.seconds.empty(); }},
        {"not compared with a protocol", [](const CohortCase& c) { return !c.comparison.ran(); }}};
    return kRows.at(row);
  }
  if (table.starts_with("Active time"))
    return [=](const CohortCase& c) {
      bool has = false;
      for (const auto& [phase, seconds] : c.times.seconds) has |= report::words(phase) == row;
      return of_section(c) && c.times.excluded.empty() && has;
    };
  if (table.starts_with("Cases whose"))
    return [=](const CohortCase& c) { return of_section(c) && c.times.excluded == row; };
  const bool by_value = table.starts_with("By value");
  return [=](const CohortCase& c) {
    bool has = false;
    for (const auto& d : c.departures)
      has |= (by_value ? report::words(d.value) + ", " + d.certainty : departure_row(d)) == row;
    return of_section(c) && c.comparison.ran() && section.ends_with(c.comparison.norm.id) && has;
  };
}

struct Published {
  std::string what;
  std::vector<int> members;
};

std::vector<int> members(const Cohort& cohort, const Is& is) {
  std::vector<int> out;
  for (const CohortCase& one : cohort.cases) out.push_back(is(one) ? 1 : 0);
  return out;
}

/// A sum of the published numbers, each counted `signs` times, that is about 1 to 10 cases.
bool tells_few(const std::vector<const Published*>& sets, const std::vector<int>& signs) {
  int total = 0;
  for (size_t i = 0; i < sets[0]->members.size(); ++i) {
    int sum = 0;
    for (size_t k = 0; k < sets.size(); ++k) sum += signs[k] * sets[k]->members[i];
    if (sum < 0 || sum > 1) return false;
    total += sum;
  }
  return total > 0 && total < 11;
}

void look_for_few(const std::vector<Published>& all, uint32_t seed) {
  for (size_t a = 0; a < all.size(); ++a) {
    EXPECT_FALSE(tells_few({&all[a]}, {1})) << seed << ": " << all[a].what;
    for (size_t b = 0; b < all.size(); ++b) {
      if (b == a) continue;
      EXPECT_FALSE(tells_few({&all[a], &all[b]}, {1, -1}))
          << seed << ": " << all[a].what << " less " << all[b].what;
      for (size_t c = 0; c < all.size(); ++c) {
        if (c == a || c == b) continue;
        for (const std::vector<int>& signs : {std::vector<int>{1, -1, -1}, {1, 1, -1}})
          EXPECT_FALSE(tells_few({&all[a], &all[b], &all[c]}, signs))
              << seed << ": " << all[a].what << ", " << all[b].what << ", " << all[c].what;
        for (size_t d = c + 1; d < all.size(); ++d)
          if (d != a && d != b && b < c)
            EXPECT_FALSE(tells_few({&all[a], &all[b], &all[c], &all[d]}, {1, -1, -1, -1}))
                << seed << ": " << all[a].what << " less " << all[b].what << ", " << all[c].what
                << ", " << all[d].what;
      }
    }
  }
}

TEST(CommitteePage, TellsNothingOfFewCasesThroughAnyOfItsDoors) {
  size_t numbers = 0, withheld = 0, pictures = 0;
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    const Cohort cohort = random_cohort(seed);
    const std::string html = report::committee(cohort);
    std::vector<Published> all;
    const auto publish = [&](const std::string& what, size_t number, const Is& is) {
      all.push_back({what, members(cohort, is)});
      EXPECT_EQ(static_cast<size_t>(std::ranges::count(all.back().members, 1)), number)
          << seed << ": " << what;
    };
    // The download; a number that the tables have and it has not would be one more door.
    std::multiset<std::string> in_csv, in_tables;
    for (const Line& line : csv_of(html)) {
      const auto is = about(line);
      if (!is) continue;
      if (line[3] != "With one") in_csv.insert(line[4]);  // the second of two in a row
      if (line[4] == "withheld") {
        ++withheld;
        continue;
      }
      publish(line[0] + " / " + line[2], std::stoul(line[4]), *is);
      ++numbers;
    }
    const std::regex cell("<tr><td class=\"\">[^<]*</td><td class=\"num\">(withheld|[0-9]+)[ <]");
    for (std::sregex_iterator it(html.begin(), html.end(), cell), end; it != end; ++it)
      in_tables.insert((*it)[1]);
    EXPECT_EQ(in_csv, in_tables) << seed;
    // Sentences.
    std::smatch found;
    if (std::regex_search(html, found, std::regex("Cases: ([0-9]+)\\.")))
      publish("the cohort", std::stoul(found[1]), [](const CohortCase&) { return true; });
    const std::regex compared(
        "Departures: ([^<]*)</h3><p>Cases compared with ([^ ]*) [^:]*: ([0-9]+)\\.");
    const std::string flat = std::regex_replace(html, std::regex("<span[^>]*>|</span>"), "");
    for (std::sregex_iterator it(flat.begin(), flat.end(), compared), end; it != end; ++it) {
      const std::string procedure = (*it)[1], norm = (*it)[2];
      publish("compared with " + norm, std::stoul((*it)[3]), [=](const CohortCase& c) {
        return c.allowed && report::words(c.procedure) == procedure && c.comparison.ran() &&
               c.comparison.norm.id == norm;
      });
    }
    // Evidence: findings that are named can be counted and held against each other.
    std::map<std::string, size_t> case_of;
    for (size_t i = 0; i < cohort.cases.size(); ++i)
      for (const auto& d : cohort.cases[i].departures) case_of[d.tag] = i;
    const std::regex box("<div class=\"box\" id=\"([^\"]+)\">(.*?)</div>");
    for (std::sregex_iterator it(html.begin(), html.end(), box), end; it != end; ++it) {
      const std::string text = (*it)[2];
      Published one{"evidence " + text.substr(0, 160), std::vector<int>(cohort.cases.size())};
      const std::regex tag("F-[0-9]+");
      for (std::sregex_iterator at(text.begin(), text.end(), tag), last; at != last; ++at)
        ++one.members[case_of.at((*at)[0])];
      if (std::ranges::count(one.members, 0) == std::ssize(one.members)) continue;
      EXPECT_EQ(*std::ranges::max_element(one.members), 1) << "two findings of one case: " << seed;
      all.push_back(std::move(one));
    }
    pictures += html.find("<svg") != std::string::npos;
    look_for_few(all, seed);
    if (testing::Test::HasFailure()) break;
  }
  // It is no use if nothing is shown.
  EXPECT_GT(numbers, 1000u);
  EXPECT_GT(withheld, 500u);
  EXPECT_GT(pictures, 100u);
}

}  // namespace
}  // namespace casebox::tools
