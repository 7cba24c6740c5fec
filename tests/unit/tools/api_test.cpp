#include "tools/web/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <regex>
#include <set>

#include "tests/support/review_store.h"
#include "tools/cli/json.h"
#include "tools/web/case_session.h"

namespace casebox::tools::web {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSubsetOf;

std::string api_page() {
  std::ifstream in(std::string(CASEBOX_SOURCE_DIR) + "/docs/api.md");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  std::set<std::string> out;
  const std::regex expression(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it)
    out.insert((*it)[1].str());
  return out;
}

/// The page's section of one route.
std::string section(const std::string& route) {
  const std::string page = api_page(), head = "## GET " + route + "\n";
  const size_t at = page.find(head);
  if (at == std::string::npos) return "";
  const size_t end = page.find("\n## ", at + 1);
  return page.substr(at, end == std::string::npos ? end : end - at);
}

/// Keys as the page writes them: `a`, `a.b`, `a[].b`.
void flatten(const Json& json, const std::string& prefix, std::set<std::string>& out) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      const std::string name = prefix.empty() ? key : prefix + "." + key;
      if (!value.is_structured()) out.insert(name);
      flatten(value, name, out);
    }
  } else if (json.is_array()) {
    if (!json.empty() && !json.front().is_structured()) out.insert(prefix + "[]");
    for (const Json& item : json)
      if (item.is_structured()) flatten(item, prefix + "[]", out);
  }
}

class ApiTest : public ::testing::Test {
 protected:
  /// Serves the store, with its keystore or without one.
  void serve(bool with_keys = true) {
    StoreOptions options;
    options.store = store_.dir();
    if (!with_keys) std::filesystem::rename(store_.dir() / "keys", store_.temp() / "keys-away");
    auto opened = StoreAccess::open(options);
    ASSERT_TRUE(opened) << opened.error().message;
    access_ = std::move(*opened);
    sessions_ = std::make_unique<CaseSessions>(access_->store(), access_->keyring(),
                                               access_->clock(), CaseSessions::Options{});
    register_api(router_, access_->store(), *sessions_);
  }
  Response get(const std::string& target) {
    auto request = parse_target("GET", target);
    EXPECT_TRUE(request) << target;
    return router_.handle(*request);
  }
  Json json(const std::string& target) {
    const Response response = get(target);
    EXPECT_EQ(response.status, 200u) << target << " " << response.body;
    return Json::parse(response.body);
  }
  std::string path(CaseId id, const std::string& more = "") {
    return "/api/cases/" + to_string(id) + more;
  }
  /// Compares an answer's keys with its route's section.
  void expect_documented(const std::string& route, const Json& answer) {
    const std::string text = section(route);
    ASSERT_FALSE(text.empty()) << route;
    std::set<std::string> known, wanted, real;
    for (const std::string& line : matches(text, "(?:^|\n)(- [^\n]*)")) {
      const bool optional = line.find("*(optional)*") != std::string::npos;
      for (const std::string& key : matches(line, "`([a-z0-9_.\\[\\]]+(?:\\{\\})?)`")) {
        known.insert(key);
        if (!optional) wanted.insert(key);
      }
    }
    flatten(answer, "", real);
    const auto open = [&](const std::string& key) {  // below a key that is written `name{}`
      for (const std::string& one : known)
        if (one.ends_with("{}") && key.starts_with(one.substr(0, one.size() - 2))) return true;
      return false;
    };
    for (const std::string& key : real)
      EXPECT_TRUE(known.contains(key) || open(key)) << route << ": undocumented " << key;
    for (const std::string& key : wanted) {
      if (key.ends_with("{}") || key.find('.') == std::string::npos) continue;
      EXPECT_TRUE(real.contains(key)) << route << ": missing " << key;
    }
    EXPECT_TRUE(real.contains("schema") && real.contains("version")) << route;
  }

  testing::ReviewStore store_;
  std::unique_ptr<StoreAccess> access_;
  std::unique_ptr<CaseSessions> sessions_;
  Router router_;
};

TEST_F(ApiTest, ItsRoutesAreThoseOfThePage) {
  serve();
  const auto listed = router_.patterns();
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()),
            matches(api_page(), "\n## GET ([^\n]+)"));
}

TEST_F(ApiTest, AnswersHaveTheKeysOfThePage) {
  const CaseId id = store_.add({});
  serve();
  expect_documented("/api/cases", json("/api/cases"));
  const Json one = json(path(id));
  expect_documented("/api/cases/{id}", one);
  expect_documented("/api/cases/{id}/samples",
                    json(path(id, "/samples?stream=monitor.ecg&channel=ECG_II&buckets=10")));
  expect_documented("/api/cases/{id}/twin",
                    json(path(id, "/twin?variable=monitor.numerics/ART_M")));
  expect_documented("/api/cases/{id}/media/{stream}", json(path(id, "/media/scope.video")));
  const std::string finding = one["findings"][0]["id"];
  expect_documented("/api/cases/{id}/findings/{finding}", json(path(id, "/findings/" + finding)));
}

TEST_F(ApiTest, ACaseHasItsPhasesDeparturesGapsAndLateForecasts) {
  const CaseId id = store_.add({});
  serve();
  const Json one = json(path(id));
  EXPECT_TRUE(one["readable"].get<bool>());
  ASSERT_EQ(one["phases"].size(), 2u);
  EXPECT_EQ(one["phases"][0]["phase"], "Preparation");
  EXPECT_EQ(one["phases"][0]["end_s"], 45.0);
  EXPECT_EQ(one["findings"].size(), 4u);
  EXPECT_EQ(one["findings"][0]["tag"], "F-0101010101");
  EXPECT_EQ(one["gaps"].size(), 2u);
  EXPECT_EQ(one["forecasts"][0]["count"], 10);
  EXPECT_EQ(one["forecasts"][0]["late"], 2);
  const Json twin = json(path(id, "/twin?variable=monitor.numerics/ART_M&from=-10&to=120"));
  int late = 0;
  for (const Json& f : twin["forecasts"]) late += f["late"].get<bool>();
  EXPECT_EQ(late, 2);
}

TEST_F(ApiTest, EvidenceComparesTheStatedHashWithWhatIsStoredNow) {
  const CaseId id = store_.add({});
  serve();
  const std::string finding = json(path(id))["findings"][0]["id"];
  const Json evidence = json(path(id, "/findings/" + finding));
  ASSERT_EQ(evidence["sources"].size(), 1u);
  EXPECT_EQ(evidence["sources"][0]["identical"], true);
  EXPECT_EQ(evidence["sources"][0]["sha256"], evidence["sources"][0]["sha256_now"]);
  EXPECT_NEAR(evidence["video"][0]["t0_s"].get<double>(), 15.0, 1e-9);
  EXPECT_EQ(evidence["video"][0]["recorded"], true);
  EXPECT_EQ(get(path(id, "/findings/00")).status, 404u);
}

TEST_F(ApiTest, MediaRunsBeginAtASyncPointAndEndAtAHole) {
  const CaseId id = store_.add({});
  serve();
  const Json list = json(path(id, "/media/scope.video"));
  ASSERT_EQ(list["spans"].size(), 2u);
  EXPECT_NEAR(list["spans"][0]["t1_s"].get<double>(), 60.0, 1e-9);
  EXPECT_NEAR(list["spans"][1]["t0_s"].get<double>(), 70.0, 1e-9);
  EXPECT_THAT(list["mime"].get<std::string>(), HasSubstr("avc1.42c00d"));
  const Response run = get(path(id, "/media/scope.video/data?from=10.5&to=12.5"));
  EXPECT_EQ(run.status, 200u);
  EXPECT_THAT(run.body, HasSubstr(std::string(1000, 'k')));  // second 10
  EXPECT_THAT(run.body, HasSubstr(std::string(1000, 'm')));  // second 12
  EXPECT_THAT(run.body, ::testing::Not(HasSubstr(std::string(1000, 'n'))));
  std::map<std::string, std::string> headers(run.headers.begin(), run.headers.end());
  EXPECT_EQ(headers["X-Casebox-First-S"], "10.000000000");
  EXPECT_EQ(headers["X-Casebox-Next-S"], "13.000000000");
  EXPECT_EQ(headers["X-Casebox-Offset-S"], "-1.000000000") << "no media time is negative";
  EXPECT_EQ(get(path(id, "/media/scope.video/init")).content_type, "video/mp4");
  EXPECT_EQ(get(path(id, "/media/monitor.ecg")).status, 404u);
  EXPECT_EQ(get(path(id, "/media/scope.video/data")).status, 400u);
}

TEST_F(ApiTest, WithoutAKeyTheAccountingIsStillThere) {
  const CaseId id = store_.add({});
  serve(false);
  const Json one = json(path(id));
  EXPECT_FALSE(one["readable"].get<bool>());
  EXPECT_EQ(one["streams"].size(), 9u);
  EXPECT_EQ(one["gaps"].size(), 2u);
  EXPECT_EQ(one["clocks"].size(), 1u);
  EXPECT_TRUE(one["phases"].empty());
  EXPECT_EQ(json(path(id, "/media/scope.video"))["spans"].size(), 2u);
  for (const char* content : {"/samples?stream=monitor.ecg&channel=ECG_II",
                              "/media/scope.video/init", "/media/scope.video/data?from=1",
                              "/findings/0101", "/twin?variable=monitor.numerics/ART_M"})
    EXPECT_THAT((std::set<unsigned>{403, 404}), ::testing::Contains(get(path(id, content)).status))
        << content;
}

TEST_F(ApiTest, RefusesWhatItCannotUnderstand) {
  const CaseId id = store_.add({});
  serve();
  EXPECT_EQ(get("/api/cases/zzz").status, 400u);
  EXPECT_EQ(get("/api/cases/00000000-0000-4000-8000-000000000000").status, 404u);
  EXPECT_EQ(get(path(id, "/samples?stream=no&channel=no")).status, 404u);
  EXPECT_EQ(get(path(id, "/samples?stream=monitor.ecg&channel=ECG_II&from=5&to=4")).status, 400u);
  EXPECT_EQ(get(path(id, "/samples?stream=monitor.ecg&channel=ECG_II&from=x")).status, 400u);
  EXPECT_EQ(get(path(id, "/samples?stream=monitor.ecg&channel=ECG_II&from=-1e300&to=1e300")).status,
            400u);
  EXPECT_EQ(get(path(id, "/twin?variable=none")).status, 400u);
}

TEST_F(ApiTest, ShowsTwoHoursOfAWaveWithinItsPixelsAndReadsItOnce) {
  testing::ReviewCase long_case;
  long_case.seconds = 7200;
  long_case.rate_hz = 100;
  const CaseId id = store_.add(long_case);
  serve();
  const std::string whole = path(id, "/samples?stream=monitor.ecg&channel=ECG_II&buckets=800");
  const auto timed = [&](const std::string& target, Json& answer) {
    const auto begin = std::chrono::steady_clock::now();
    answer = json(target);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  Json first, second, close;
  const double reading = timed(whole, first), kept = timed(whole + "&from=100&to=7000", second);
  EXPECT_EQ(first["t_s"].size(), 800u);
  EXPECT_FALSE(first["raw"].get<bool>());
  EXPECT_EQ(first["samples"], 719'900u);  // one second is a gap
  EXPECT_EQ(first["max"][0], 1.99);
  EXPECT_EQ(second["t_s"].size(), 800u);
  EXPECT_LT(kept, reading / 2) << "the second look at two hours reads them again";
  timed(whole + "&from=29&to=33", close);  // near: every sample, and the gap as a hole
  EXPECT_TRUE(close["raw"].get<bool>());
  EXPECT_EQ(close["samples"], 300u);
  EXPECT_TRUE(std::any_of(close["min"].begin(), close["min"].end(),
                          [](const Json& v) { return v.is_null(); }));
}

}  // namespace
}  // namespace casebox::tools::web
